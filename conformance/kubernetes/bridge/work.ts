/** What is under way outside the world's time: requests to a real API server, and what it does about them. */

export interface WorkOptions {
  /** Returns when the cluster last reported a change, as `performance.now()` has it. */
  lastEventAt: () => number;
  /** Returns what the controllers have still to do, as far as the objects show it; undefined if nothing. */
  unfinished: () => string | undefined;
}

/** How long nothing may happen before the cluster counts as quiet: controllers react within a few milliseconds. */
const QUIET_MS = 120;
/** How long controllers may have something to do without any event before that counts as how it is. */
const STALLED_MS = 15_000;

export class Work {
  private readonly options: WorkOptions;
  private running = 0;
  private lastAt = performance.now();
  private isQuiet = false;
  /** What controllers had still to do when waiting for it was given up. */
  readonly stalls = new Set<string>();
  /** Errors of work that nothing waits for. */
  readonly failures: unknown[] = [];
  private chain: Promise<unknown> = Promise.resolve();

  constructor(options: WorkOptions) {
    this.options = options;
  }

  /** Runs something that nothing waits for, except for time. */
  run(what: string, act: () => Promise<unknown>): void {
    void this.during(act).catch((error: unknown) => this.failures.push(new Error(`${what}: ${String(error)}`)));
  }

  /** Runs something after everything that was given before. */
  inOrder(what: string, act: () => Promise<unknown>): void {
    const done = this.during(() => this.chain.then(act)).catch((error: unknown) =>
      this.failures.push(new Error(`${what}: ${String(error)}`)),
    );
    this.chain = done;
  }

  /** Resolves once everything that was given in order is done. */
  async idle(): Promise<void> {
    await this.chain;
  }

  /** Time stands still until the promise has settled. */
  async during<T>(act: () => Promise<T>): Promise<T> {
    this.running += 1;
    this.isQuiet = false;
    try {
      return await act();
    } finally {
      this.running -= 1;
      this.lastAt = performance.now();
    }
  }

  /** Time stands still until the promise has settled, which does not change anything: no controller reacts to it. */
  async reading<T>(read: () => Promise<T>): Promise<T> {
    this.running += 1;
    try {
      return await read();
    } finally {
      this.running -= 1;
    }
  }

  /** Returns whether a request is under way, or the cluster is still working on what has happened. */
  isBusy(): boolean {
    const last = Math.max(this.lastAt, this.options.lastEventAt());
    if (this.running > 0) return true;
    if (this.isQuiet && last <= this.quietSince) return false;
    const silent = performance.now() - last;
    if (silent < QUIET_MS) return true;
    const unfinished = this.options.unfinished();
    if (unfinished !== undefined && silent < STALLED_MS) return true;
    if (unfinished !== undefined) this.stalls.add(unfinished);
    this.isQuiet = true;
    this.quietSince = last;
    return false;
  }

  private quietSince = 0;

  /** Returns what time waits for, for a report of an unexpected stop. */
  state(): string {
    return `${this.running} requests under way; ${this.options.unfinished() ?? 'nothing unfinished'}`;
  }
}
