/** Where the command line writes: the process's streams, or a test's collectors. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  /** Node's terminals: looks at NO_COLOR, FORCE_COLOR and TERM as well. */
  hasColors?(): boolean;
}

export interface Io {
  stdout: Output;
  stderr: Output;
  /** What a `-` in place of a file reads; the process's own where it is left out. */
  stdin?: AsyncIterable<Uint8Array | string>;
  /**
   * Calls `stop`, instead of ending the program, the first time that somebody asks it to end (Ctrl-C, SIGTERM): for a
   * command that goes on until then and has something to close. The second time the program ends at once.
   */
  onStop?(stop: () => void): void;
  /**
   * Waits between two reads of what goes on in a deployed service, until `stopped`; by the wall's clock where it is left
   * out.
   */
  sleep?(milliseconds: number, stopped: AbortSignal): Promise<void>;
  /** Asks whoever sits at the terminal; absent where nobody does. `undefined`: they ended the input instead. */
  ask?(question: string): Promise<string | undefined>;
}
