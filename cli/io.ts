/** Where the program writes: the process's streams, or a test's collectors. */
export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  /** As in Node's terminals: also considers NO_COLOR, FORCE_COLOR and TERM. */
  hasColors?(): boolean;
}

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
  /** Waits between two reads of a deployed service, until `stopped`; default: real time. */
  sleep?(milliseconds: number, stopped: AbortSignal): Promise<void>;
  /** Prompts the user at the terminal; absent without one. Resolves to undefined if the user ended the input. */
  ask?(question: string): Promise<string | undefined>;
}
