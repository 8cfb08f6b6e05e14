/** What the parts of a simulation print. */

export interface Output {
  out: (text: string) => void;
  err: (text: string) => void;
}

/**
 * Prints what each part prints together, in the order of the parts: what the first part that has not ended prints at once,
 * and what the others print when the parts before them have ended.
 */
export class InTurn {
  private readonly held: ((output: Output) => void)[][];
  private readonly ended = new Set<number>();
  private turn = 0;
  private readonly output: Output;

  constructor(parts: number, output: Output) {
    this.held = Array.from({ length: parts }, () => []);
    this.output = output;
  }

  of(part: number): Output {
    const print = (show: (output: Output) => void): void => {
      if (part <= this.turn) show(this.output);
      else this.held[part]?.push(show);
    };
    return { out: (text) => print(({ out }) => out(text)), err: (text) => print(({ err }) => err(text)) };
  }

  /** Ends a part, which prints nothing more. */
  end(part: number): void {
    this.ended.add(part);
    while (this.ended.has(this.turn)) this.show(++this.turn);
  }

  /** Prints all that is held, because no part goes on. */
  flush(): void {
    for (const part of this.held.keys()) this.show(part);
    this.turn = this.held.length;
  }

  private show(part: number): void {
    for (const show of this.held[part]?.splice(0) ?? []) show(this.output);
  }
}
