import type { Clock } from '../../lambdas/ports/runtime.ts';
import { type Queued, TimeQueue } from './queue.ts';

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

/** The longest that Node.js can wait; it would fire at once after a longer one. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

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

  timer(milliseconds: number, { background = false }: TimerOptions = {}): Timer {
    let handle: NodeJS.Timeout | undefined;
    const due = this.now() + milliseconds;
    const elapsed = new Promise<void>((resolve) => {
      // A time-out may come a moment early by this clock, and one that is too long for the machine comes far too early.
      const wait = (): void => {
        const left = due - this.now();
        if (left <= 0 && handle) return resolve();
        handle = setTimeout(wait, Math.min(LONGEST_TIMEOUT, Math.max(0, left / this.scale)));
        if (background) handle.unref();
      };
      wait();
    });
    return { elapsed, cancel: () => clearTimeout(handle) };
  }
}

interface PendingTimer extends Queued {
  fire: () => void;
}

/**
 * Turns of the event loop without any news after which nothing in process can still be under way: a call to the door
 * takes one at most, all else goes on within the same turn.
 */
const QUIET_TURNS = 2;

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
  private readonly timers = new TimeQueue<PendingTimer>();
  private readonly background = new TimeQueue<PendingTimer>();
  private order = 0;
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
    const queue = background ? this.background : this.timers;
    const { promise: elapsed, resolve: fire } = Promise.withResolvers<void>();
    const timer: PendingTimer = { at: this.time + Math.max(0, milliseconds), order: this.order++, fire };
    queue.add(timer);
    this.tellNews();
    return { elapsed, cancel: () => queue.remove(timer) };
  }

  /**
   * The next timer to fire. One in the background is passed on the way to another, and never wakes anybody by itself.
   */
  private nextTimer(): PendingTimer | undefined {
    const next = this.timers.first();
    const ticking = this.background.first();
    const first =
      next && ticking && (ticking.at < next.at || (ticking.at === next.at && ticking.order < next.order))
        ? ticking
        : next;
    if (first) (first === next ? this.timers : this.background).remove(first);
    return first;
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
        const next = this.nextTimer();
        if (next) {
          this.time = Math.max(this.time, next.at);
          next.fire();
          quiet = 0;
          quietSince = performance.now();
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
