import type { SandboxClock, Timer, TimerOptions } from './clock.ts';

/** Runs functions after a delay, until it is closed. */
export class Later {
  private readonly clock: SandboxClock;
  private readonly timers = new Set<Timer>();
  private isClosed = false;

  constructor(clock: SandboxClock) {
    this.clock = clock;
  }

  after(milliseconds: number, run: () => void, options?: TimerOptions): void {
    if (this.isClosed) return;
    const timer = this.clock.timer(milliseconds, options);
    this.timers.add(timer);
    void timer.elapsed.then(() => {
      this.timers.delete(timer);
      return this.isClosed ? undefined : run();
    });
  }

  /** Cancels everything that is pending. */
  close(): void {
    this.isClosed = true;
    for (const timer of this.timers) timer.cancel();
    this.timers.clear();
  }
}
