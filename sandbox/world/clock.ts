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

/** Nothing that runs on a virtual clock can go on: each thread waits for another, and no timer is left. */
export class VirtualDeadlock extends Error {
  override readonly name = 'VirtualDeadlock';
}

export interface VirtualClockOptions {
  /**
   * When a clock that is stuck gives up waiting: after that many turns of the event loop and that many milliseconds on
   * the wall, both without any news. Default: 20,000 turns and one second.
   */
  stuckAfter?: { turns: number; milliseconds: number };
}

/**
 * Time that stands still while anything can run and jumps to the next timer when nothing can.
 * Nothing inside a run may wait for the outside (sockets, thread pool): the jump would overtake it.
 *
 * A clock can get stuck: all threads are parked and no timer is left, or one hangs without having parked (a handler that
 * waits for a promise that nobody resolves). After `stuckAfter`, hanging threads count as parked, so that time-outs
 * still come; where no timer is left, whoever is parked gets a VirtualDeadlock.
 */
export class VirtualClock implements SandboxClock {
  readonly kind = 'virtual';
  private readonly stuckAfter: { turns: number; milliseconds: number };
  private readonly parked = new Set<(reason: VirtualDeadlock) => void>();
  private time: number;
  private timers: Timer[] = [];
  private order = 0;
  private threads = 0;
  private news = 0;
  private watching = false;

  constructor(startAt: number, options: VirtualClockOptions = {}) {
    this.time = startAt;
    this.stuckAfter = options.stuckAfter ?? { turns: 20_000, milliseconds: 1000 };
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

  /** Rejects as the promise does, or with VirtualDeadlock. */
  async park<T>(promise: Promise<T>): Promise<T> {
    const { promise: deadlock, reject } = Promise.withResolvers<never>();
    this.parked.add(reject);
    this.news += 1;
    try {
      return await Promise.race([promise, deadlock]);
    } finally {
      this.parked.delete(reject);
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
    let quietSince = performance.now();
    let seen = this.news;
    const look = (): void => {
      if (this.threads === 0) {
        this.watching = false;
        return;
      }
      if (seen === this.news) quiet += 1;
      else {
        quiet = 0;
        quietSince = performance.now();
      }
      seen = this.news;
      const isStuck = quiet >= this.stuckAfter.turns && performance.now() - quietSince >= this.stuckAfter.milliseconds;
      if ((this.threads - this.parked.size <= 0 && quiet >= QUIET_TURNS) || isStuck) {
        const next = this.timers.shift();
        if (next) {
          this.time = Math.max(this.time, next.at);
          next.fire();
          quiet = 0;
          quietSince = performance.now();
        } else if (isStuck) {
          // Those that are told go on; those that hang without having parked can't be reached: not worth watching.
          if (this.parked.size === 0) {
            this.watching = false;
            return;
          }
          this.rejectParked();
        }
      }
      setImmediate(look);
    };
    setImmediate(look);
  }

  private rejectParked(): void {
    const hanging = this.threads - this.parked.size;
    const deadlock = new VirtualDeadlock(
      `Virtual time stands still at ${new Date(this.time).toISOString()}: ${this.parked.size} of ${this.threads} threads are parked, ` +
        `${hanging > 0 ? `${hanging} hang without having parked, ` : ''}and no timer is left that could wake one. ` +
        'Something waits for a promise that nobody resolves, or for the outside (a socket, a file), which needs a real or scaled clock.',
    );
    for (const reject of this.parked) reject(deadlock);
  }
}
