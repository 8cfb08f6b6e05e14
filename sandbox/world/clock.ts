import type { Clock } from '../../lambdas/ports/runtime.ts';

/**
 * The sandbox's clock. Beside sleeping it knows which threads of control there are, since virtual time may only jump
 * when none of them can go on by itself:
 * - `spawn` starts one (an execution, a branch, a Lambda invocation),
 * - `park` says that one waits for another or for a timer.
 * A real or scaled clock needs neither and passes both through.
 */
export interface SandboxClock extends Clock {
  readonly kind: 'real' | 'scaled' | 'virtual';
  spawn<T>(run: () => Promise<T>): Promise<T>;
  park<T>(promise: Promise<T>): Promise<T>;
  /** A timer that may be given up: for time-outs and races. `cancel` leaves the promise unresolved. */
  timer(milliseconds: number): { elapsed: Promise<void>; cancel(): void };
}

/** Time that passes `scale` times as fast as on the wall; starts at `startAt` (milliseconds since 1970). */
export class ScaledClock implements SandboxClock {
  readonly kind: 'real' | 'scaled';
  private readonly scale: number;
  private readonly startAt: number;
  private readonly wallStart = Date.now();

  constructor(scale: number, startAt: number) {
    this.kind = scale === 1 ? 'real' : 'scaled';
    this.scale = scale;
    this.startAt = startAt;
  }

  now(): number {
    return Math.round(this.startAt + (Date.now() - this.wallStart) * this.scale);
  }

  sleep(milliseconds: number): Promise<void> {
    return this.timer(milliseconds).elapsed;
  }

  spawn<T>(run: () => Promise<T>): Promise<T> {
    return run();
  }

  park<T>(promise: Promise<T>): Promise<T> {
    return promise;
  }

  timer(milliseconds: number): { elapsed: Promise<void>; cancel(): void } {
    let handle: NodeJS.Timeout | undefined;
    const elapsed = new Promise<void>((resolve) => {
      handle = setTimeout(resolve, Math.max(0, milliseconds / this.scale));
    });
    return { elapsed, cancel: () => clearTimeout(handle) };
  }
}

interface Timer {
  at: number;
  order: number;
  fire: () => void;
}

/** Turns of the event loop without any news after which nothing in process can still be under way. */
const QUIET_TURNS = 12;

/**
 * Time that stands still while anything can run and jumps to the next timer when nothing can.
 * Nothing inside a run may wait for the outside (sockets, thread pool): the jump would overtake it.
 */
export class VirtualClock implements SandboxClock {
  readonly kind = 'virtual';
  private time: number;
  private timers: Timer[] = [];
  private order = 0;
  private threads = 0;
  private parked = 0;
  private news = 0;
  private watching = false;

  constructor(startAt: number) {
    this.time = startAt;
  }

  now(): number {
    return this.time;
  }

  sleep(milliseconds: number): Promise<void> {
    return this.park(this.timer(milliseconds).elapsed);
  }

  async spawn<T>(run: () => Promise<T>): Promise<T> {
    this.threads += 1;
    this.news += 1;
    this.watch();
    try {
      return await run();
    } finally {
      this.threads -= 1;
      this.news += 1;
    }
  }

  async park<T>(promise: Promise<T>): Promise<T> {
    this.parked += 1;
    this.news += 1;
    try {
      return await promise;
    } finally {
      this.parked -= 1;
      this.news += 1;
    }
  }

  timer(milliseconds: number): { elapsed: Promise<void>; cancel(): void } {
    let timer: Timer;
    const elapsed = new Promise<void>((resolve) => {
      timer = { at: this.time + Math.max(0, milliseconds), order: this.order++, fire: resolve };
      const after = this.timers.findIndex((other) => other.at > timer.at);
      this.timers.splice(after === -1 ? this.timers.length : after, 0, timer);
    });
    this.news += 1;
    return {
      elapsed,
      cancel: () => {
        this.timers = this.timers.filter((other) => other !== timer);
      },
    };
  }

  /** Looks on while there are threads; jumps when all are parked and the event loop has gone quiet. */
  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    let quiet = 0;
    let seen = this.news;
    const look = (): void => {
      if (this.threads === 0) {
        this.watching = false;
        return;
      }
      quiet = seen === this.news ? quiet + 1 : 0;
      seen = this.news;
      if (this.threads - this.parked <= 0 && quiet >= QUIET_TURNS) {
        const next = this.timers.shift();
        if (next) {
          this.time = Math.max(this.time, next.at);
          next.fire();
          quiet = 0;
        }
      }
      setImmediate(look);
    };
    setImmediate(look);
  }
}
