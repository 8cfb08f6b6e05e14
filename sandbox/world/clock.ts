import type { Clock } from '../../lambdas/ports/runtime.ts';
import { Timers } from './timers.ts';

/**
 * The sandbox's clock. Beside sleeping it knows which threads of control there are, since time may only go on when none
 * of them can go on by itself:
 * - `spawn` starts one (an execution, a branch, a Lambda invocation),
 * - `park` says that one waits for another or for a timer.
 */
export interface SandboxClock extends Clock {
  readonly kind: 'real' | 'scaled' | 'virtual';
  spawn<T>(run: () => Promise<T>): Promise<T>;
  park<T>(promise: Promise<T>, options?: ParkOptions): Promise<T>;
  /** A timer that may be given up: for time-outs and races. `cancel` leaves the promise unresolved. */
  timer(milliseconds: number, options?: TimerOptions): Timer;
}

export interface ParkOptions {
  /**
   * It may take somebody who is no thread, such as a person, and as long as they like: virtual time then stands still
   * where no timer is left, and that is no deadlock.
   */
  outside?: boolean;
}

export interface TimerOptions {
  /**
   * For what ticks for ever, such as a schedule: it keeps neither the process nor virtual time alive. Virtual time
   * comes to it on its way to another timer only, so that whoever waits for a background timer alone waits in vain.
   */
  background?: boolean;
}

export interface Timer {
  elapsed: Promise<void>;
  cancel(): void;
}

/**
 * Turns of the event loop without any news after which nothing in process can still be under way: a call to the door
 * takes one at most, all else goes on within the same turn.
 */
const QUIET_TURNS = 2;

/** Milliseconds for which this process had a processor. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Nothing that runs on a virtual clock can go on: each thread waits for another, and no timer is left. */
export class VirtualDeadlock extends Error {
  override readonly name = 'VirtualDeadlock';
}

export interface VirtualClockOptions {
  /**
   * When a clock that is stuck gives up waiting: after that many turns of the event loop and then that many
   * milliseconds of this process's processor time, both without any news. On a busy machine they take longer on the
   * wall, as does whatever is waited for. Default: 20,000 turns and one second.
   */
  stuckAfter?: { turns: number; milliseconds: number };
}

/**
 * Time that stands still while anything can run and jumps to the next timer when nothing can.
 * Nothing inside a run may wait for the outside (sockets, thread pool): the jump would overtake it.
 *
 * A clock can get stuck: all threads are parked and no timer is left, or one hangs without having parked (a handler
 * that waits for a promise that nobody resolves). After `stuckAfter`, hanging threads count as parked, so that
 * time-outs still come; where no timer is left, whoever is parked gets a VirtualDeadlock, unless one of them waits for
 * the outside: the clock is idle then until somebody comes.
 */
export class VirtualClock implements SandboxClock {
  readonly kind = 'virtual';
  private readonly stuckAfter: { turns: number; milliseconds: number };
  private readonly parked = new Set<(reason: VirtualDeadlock) => void>();
  private time: number;
  private readonly timers = new Timers();
  private threads = 0;
  /** Parked threads that wait for the outside. */
  private outside = 0;
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
    this.tellNews();
    try {
      return await run();
    } finally {
      this.threads -= 1;
      this.tellNews();
    }
  }

  /** Rejects as the promise does, or with VirtualDeadlock. */
  async park<T>(promise: Promise<T>, { outside = false }: ParkOptions = {}): Promise<T> {
    const { promise: deadlock, reject } = Promise.withResolvers<never>();
    this.parked.add(reject);
    if (outside) this.outside += 1;
    this.tellNews();
    try {
      return await Promise.race([promise, deadlock]);
    } finally {
      this.parked.delete(reject);
      if (outside) this.outside -= 1;
      this.tellNews();
    }
  }

  timer(milliseconds: number, { background = false }: TimerOptions = {}): Timer {
    const { promise: elapsed, resolve: fire } = Promise.withResolvers<void>();
    const timer = this.timers.add(this.time + Math.max(0, milliseconds), fire, background);
    this.tellNews();
    return { elapsed, cancel: () => this.timers.remove(timer) };
  }

  /** An idle clock does not look by itself. */
  private tellNews(): void {
    this.news += 1;
    if (this.threads > 0) this.watch();
  }

  /** Looks on while there are threads; jumps when all are parked and the event loop has gone quiet. */
  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    let quiet = 0;
    let stuckSince = 0;
    let seen = this.news;
    const look = (): void => {
      if (this.threads === 0) {
        this.watching = false;
        return;
      }
      quiet = seen === this.news ? quiet + 1 : 0;
      seen = this.news;
      if (quiet === this.stuckAfter.turns) stuckSince = processorTime();
      const isStuck = quiet >= this.stuckAfter.turns && processorTime() - stuckSince >= this.stuckAfter.milliseconds;
      if ((this.threads - this.parked.size <= 0 && quiet >= QUIET_TURNS) || isStuck) {
        // A background timer is passed on the way to another one, and never wakes anybody by itself.
        const next = this.timers.isAwaited ? this.timers.first() : undefined;
        if (next) {
          this.timers.remove(next);
          this.time = Math.max(this.time, next.at);
          next.fire();
          quiet = 0;
        } else if (this.outside > 0) {
          this.watching = false;
          return;
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
