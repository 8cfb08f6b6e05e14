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
}
