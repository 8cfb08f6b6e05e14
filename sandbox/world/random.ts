const HEX = '0123456789abcdef';
const VARIANTS = '89ab';
/** The characters of a version 4 UUID: `x` stands for any digit, `y` for the digit that names the variant. */
const UUID = Buffer.from('xxxxxxxx-xxxx-4xxx-yxxx-xxxxxxxxxxxx', 'latin1');
const [ANY = 0, VARIANT = 0] = Buffer.from('xy', 'latin1');

/** Seeded randomness: every id, token and jitter of the sandbox comes from here, so that a seed replays a run. */
export class Random {
  private state: number;
  constructor(seed: number) {
    this.state = seed >>> 0;
  }

  /** Uniform in [0, 1): mulberry32, public domain (Tommy Ettinger). */
  next(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let t = this.state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4_294_967_296;
  }

  /** Uniform integer in [0, bound). */
  integer(bound: number): number {
    return Math.floor(this.next() * bound);
  }

  string(length: number, alphabet = 'abcdefghijklmnopqrstuvwxyz0123456789'): string {
    // Built in one piece rather than by concatenation: concatenated strings stay in pieces in memory, and a world keeps
    // thousands of ids.
    const codes: number[] = [];
    for (let index = 0; index < length; index += 1) codes.push(alphabet.charCodeAt(this.integer(alphabet.length)));
    return String.fromCharCode(...codes);
  }

  /** Version 4 UUID. */
  uuid(): string {
    const codes: number[] = [];
    for (const code of UUID) {
      if (code === ANY) codes.push(HEX.charCodeAt(this.integer(16)));
      else codes.push(code === VARIANT ? VARIANTS.charCodeAt(this.integer(4)) : code);
    }
    return String.fromCharCode(...codes);
  }

  /** Returns an independent generator, so that one consumer of randomness does not shift another's sequence. */
  fork(): Random {
    return new Random(this.integer(4_294_967_296));
  }
}
