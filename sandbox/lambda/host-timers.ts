/**
 * The timers of a function's process. They follow the sandbox's clock, which stands still while the function works: the
 * process reports when it only waits for a timer, and is notified how much time has passed.
 */
import { subscribe } from 'node:diagnostics_channel';
import type { ClientRequest } from 'node:http';

interface PendingTimeout {
  /** In terms of `WorldTimers.now`. */
  due: number;
  delay: number;
  run: () => void;
  /** A timer of the machine's clock; only while an HTTP request is open. */
  guard?: NodeJS.Timeout;
}

const [setWallTimeout, clearWallTimeout] = [globalThis.setTimeout, globalThis.clearTimeout];

export class WorldTimers {
  /** Milliseconds of the sandbox's time that this process has been notified of. */
  now = 0;
  private readonly report: (sleep: number | undefined) => void;
  private readonly pending = new Set<PendingTimeout>();
  private openRequests = 0;
  private isChecking = false;
  private reported: number | undefined;

  /**
   * `report` is called with the time that the process has to sleep, and with undefined if it resumes work before that.
   */
  constructor(report: (sleep: number | undefined) => void) {
    this.report = report;
  }

  /** Replaces the process's `setTimeout`; `Date` stays the machine's, since requests are signed with it. */
  install(): void {
    const set = (run: (...args: unknown[]) => void, delay = 0, ...args: unknown[]): NodeJS.Timeout => {
      const timeout: PendingTimeout = { due: this.now + Math.max(0, delay), delay, run: () => run(...args) };
      this.pending.add(timeout);
      this.check();
      // Libraries call these methods on the handle.
      const handle: unknown = Object.assign(timeout, { ref: () => handle, unref: () => handle, hasRef: () => true });
      return handle as NodeJS.Timeout;
    };
    const clear = (timeout: unknown): void => {
      if (this.pending.has(timeout as PendingTimeout)) this.remove(timeout as PendingTimeout);
      else clearWallTimeout(timeout as NodeJS.Timeout);
    };
    globalThis.setTimeout = Object.assign(set, setWallTimeout);
    globalThis.clearTimeout = clear;
    subscribe('http.client.request.created', (message) => {
      this.openRequests += 1;
      this.check();
      (message as { request: ClientRequest }).request.once('close', () => {
        this.openRequests -= 1;
        this.check();
      });
    });
  }

  /** Advances this process's time by the time that it slept. */
  pass(milliseconds: number): void {
    this.now += milliseconds;
    this.reported = undefined;
    const due = [...this.pending].filter((timeout) => timeout.due <= this.now).toSorted((a, b) => a.due - b.due);
    for (const timeout of due) this.fire(timeout);
    this.check();
  }

  /** Starts a new invocation, which is work, regardless of timers that an earlier one left. */
  begin(): void {
    this.reported = undefined;
    this.check();
  }

  private fire(timeout: PendingTimeout): void {
    if (!this.pending.has(timeout)) return;
    this.remove(timeout);
    timeout.run();
  }

  private remove(timeout: PendingTimeout): void {
    this.pending.delete(timeout);
    clearWallTimeout(timeout.guard);
    this.check();
  }

  /** Runs in a later turn: the current code may still start a request or set an earlier timer. */
  private check(): void {
    if (this.isChecking) return;
    this.isChecking = true;
    setImmediate(() => {
      this.isChecking = false;
      this.setGuards();
      const first = Math.min(...[...this.pending].map(({ due }) => due));
      const sleep = this.openRequests > 0 || this.pending.size === 0 ? undefined : Math.max(0, first - this.now);
      if (sleep === this.reported) return;
      this.reported = sleep;
      this.report(sleep);
    });
  }

  /**
   * While a request is open, the sandbox's time may stand still until the request is answered, so a timer that guards
   * the request must also fire by the machine's clock.
   */
  private setGuards(): void {
    for (const timeout of this.pending) {
      if (this.openRequests > 0) timeout.guard ??= setWallTimeout(() => this.fire(timeout), timeout.delay);
      else {
        clearWallTimeout(timeout.guard);
        delete timeout.guard;
      }
    }
  }
}
