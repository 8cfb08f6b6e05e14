/** Where the program writes: the process's streams, or a test's collectors. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  /** As in Node's terminals: also considers NO_COLOR, FORCE_COLOR and TERM. */
  hasColors?(): boolean;
  /** How much to print; default: `normal`. */
  detail?: Detail;
  /** The options of the command that select its backend, for the commands that it prints. */
  backend?: readonly string[];
}

/** `quiet`: only the result, what blocks, and the next commands; `verbose`: also every check that passed. */
export type Detail = 'quiet' | 'normal' | 'verbose';

export interface Io {
  stdout: Output;
  stderr: Output;
  /** The input that `-` instead of a file reads; default: the process's stdin. */
  stdin?: AsyncIterable<Uint8Array | string>;
  /**
   * Calls `stop` instead of ending the program on the first Ctrl-C or SIGTERM, for commands that run until then and have
   * something to close. The second signal ends the program at once.
   */
  onStop?(stop: () => void): void;
  /** Sets the text that the program prints if Ctrl-C or SIGTERM ends it at once. */
  onInterrupt?(text: string): void;
  /** Waits between two reads of a deployed service, until `stopped`; default: real time. */
  sleep?(milliseconds: number, stopped: AbortSignal): Promise<void>;
  /** Prompts the user at the terminal; absent without one. Resolves to undefined if the user ended the input. */
  ask?(question: string): Promise<string | undefined>;
}
