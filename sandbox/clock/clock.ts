import type { Clock } from '../../lambdas/ports/runtime.ts';
import { type PendingTimer, Timers } from './timers.ts';

/**
 * The sandbox's clock. In addition to sleeping, it tracks threads of control, since time may advance only when none of
 * them can continue by itself:
 * - `spawn` starts a thread (an execution, a branch, a Lambda invocation),
 * - `park` marks a thread as waiting for another thread or a timer.
 */
export interface SandboxClock extends Clock {
  readonly kind: 'real' | 'scaled' | 'virtual';
  spawn<T>(run: () => Promise<T>): Promise<T>;
  park<T>(promise: Promise<T>, options?: ParkOptions): Promise<T>;
  /** Starts a timer that can be cancelled, for timeouts and races. `cancel` leaves the promise unresolved. */
  timer(milliseconds: number, options?: TimerOptions): Timer;
}

export interface ParkOptions {
  /**
   * The thread may wait for something that is not a thread, such as a person, for any length of time: virtual time then
   * stands still if no timer is left, which is not a deadlock.
   */
  outside?: boolean;
}

export interface TimerOptions {
  /**
   * For periodic timers, such as a schedule's, that keep neither the process nor virtual time alive. Virtual time fires
   * them only on its way to another timer, so waiting for a background timer alone never ends.
   */
  background?: boolean;
}

export interface Timer {
  elapsed: Promise<void>;
  cancel(): void;
}

/**
 * Turns of the event loop without any activity after which nothing in the process can still be under way: a call to the
 * sandbox's gateway takes one turn at most, everything else continues within the same turn.
 */
const QUIET_TURNS = 2;

/** Pause between questions whether the outside is still busy, in real time. */
const BUSY_MILLISECONDS = 2;

/** Returns the milliseconds of processor time that this process has used. */
const processorTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};

/** Nothing that runs on a virtual clock can continue: each thread waits for another, and no timer is left. */
export class VirtualDeadlock extends Error {
  override readonly name = 'VirtualDeadlock';
}

/** What virtual time waits for outside this process, such as a real API server and its controllers. */
export interface Outside {
  /** Returns whether it is still working on what has happened so far: time stands still until it is done. */
  isBusy(): boolean;
  /** Returns the time of the next event that it must see before time goes on; undefined if there is none. */
  nextEvent(): number | undefined;
  /** Has all events happen that are due at that time, to which the clock has just jumped. */
  happen(at: number): void;
}

export interface VirtualClockOptions {
  outside?: Outside;
  /**
   * When a stuck clock gives up waiting: after that many turns of the event loop, followed by that many milliseconds of
   * this process's processor time, both without any activity. On a busy machine both take longer in real time, as does
   * everything that is being waited for. Default: 20,000 turns and one second.
   */
  stuckAfter?: { turns: number; milliseconds: number };
}

/**
 * Time that stands still while anything can run and jumps to the next timer when nothing can. Nothing inside a run may
 * wait for the outside (sockets, thread pool): the jump would overtake it.
 *
 * A clock can get stuck: all threads are parked and no timer is left, or a thread hangs without having parked (a handler
 * that waits for a promise that never resolves). After `stuckAfter`, hanging threads count as parked, so that timeouts
 * still fire; if no timer is left, parked threads get a VirtualDeadlock, unless one of them waits for the outside: the
 * clock is then idle until activity resumes.
 */
export class VirtualClock implements SandboxClock {
  readonly kind = 'virtual';
  private readonly stuckAfter: { turns: number; milliseconds: number };
  private readonly elsewhere: Outside | undefined;
  private readonly parked = new Set<(reason: VirtualDeadlock) => void>();
  private time: number;
  private readonly timers = new Timers();
  private threads = 0;
  /** Number of parked threads that wait for the outside. */
  private outside = 0;
  private activity = 0;
  private watching = false;

  constructor(startAt: number, options: VirtualClockOptions = {}) {
    this.time = startAt;
    this.elsewhere = options.outside;
    this.stuckAfter = options.stuckAfter ?? { turns: 20_000, milliseconds: 1000 };
  }

  now(): number {
    return this.time;
  }

  /** Parks a thread as `park` does with a timer, whose promise it rejects itself if the clock is stuck. */
  async sleep(milliseconds: number): Promise<void> {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    this.timers.add(this.time + Math.max(0, milliseconds), resolve, false);
    this.parked.add(reject);
    this.noteActivity();
    try {
      await promise;
    } finally {
      this.parked.delete(reject);
      this.noteActivity();
    }
  }

  async spawn<T>(run: () => Promise<T>): Promise<T> {
    this.threads += 1;
    this.noteActivity();
    try {
      return await run();
    } finally {
      this.threads -= 1;
      this.noteActivity();
    }
  }

  /** Rejects like the promise, or with VirtualDeadlock. */
  async park<T>(promise: Promise<T>, { outside = false }: ParkOptions = {}): Promise<T> {
    const { promise: deadlock, reject } = Promise.withResolvers<never>();
    this.parked.add(reject);
    if (outside) this.outside += 1;
    this.noteActivity();
    try {
      return await Promise.race([promise, deadlock]);
    } finally {
      this.parked.delete(reject);
      if (outside) this.outside -= 1;
      this.noteActivity();
    }
  }

  timer(milliseconds: number, { background = false }: TimerOptions = {}): Timer {
    const { promise: elapsed, resolve: fire } = Promise.withResolvers<void>();
    const timer = this.timers.add(this.time + Math.max(0, milliseconds), fire, background);
    this.noteActivity();
    return { elapsed, cancel: () => this.timers.remove(timer) };
  }

  /** Records activity; an idle clock does not poll. */
  private noteActivity(): void {
    this.activity += 1;
    if (this.threads > 0) this.watch();
  }

  /** Polls while there are threads; jumps when all are parked and the event loop is quiet. */
  private watch(): void {
    if (this.watching) return;
    this.watching = true;
    let quiet = 0;
    let stuckSince = 0;
    let seen = this.activity;
    const poll = (): void => {
      if (this.threads === 0) {
        this.watching = false;
        return;
      }
      if (this.elsewhere?.isBusy()) {
        quiet = 0;
        setTimeout(poll, BUSY_MILLISECONDS);
        return;
      }
      quiet = seen === this.activity ? quiet + 1 : 0;
      seen = this.activity;
      if (quiet === this.stuckAfter.turns) stuckSince = processorTime();
      const isStuck = quiet >= this.stuckAfter.turns && processorTime() - stuckSince >= this.stuckAfter.milliseconds;
      if ((this.threads - this.parked.size <= 0 && quiet >= QUIET_TURNS) || isStuck) {
        // A background timer fires on the way to another timer, and never wakes a thread alone.
        const next = this.timers.isAwaited ? this.timers.first() : undefined;
        if (next) {
          this.jumpTo(next);
          quiet = 0;
        } else if (this.outside > 0) {
          this.watching = false;
          return;
        } else if (isStuck) {
          // Parked threads continue with the error; hanging threads that have not parked cannot be reached, so polling
          // would be useless.
          if (this.parked.size === 0) {
            this.watching = false;
            return;
          }
          this.rejectParked();
        }
      }
      setImmediate(poll);
    };
    setImmediate(poll);
  }

  /** Jumps to the timer and fires it, or to an event before it that the outside must see. */
  private jumpTo(next: PendingTimer): void {
    const event = this.elsewhere?.nextEvent();
    if (event !== undefined && event < next.at) {
      this.time = Math.max(this.time, event);
      this.elsewhere?.happen(this.time);
      return;
    }
    this.timers.remove(next);
    this.time = Math.max(this.time, next.at);
    next.fire();
  }

  private rejectParked(): void {
    const hanging = this.threads - this.parked.size;
    const deadlock = new VirtualDeadlock(
      `Virtual time stands still at ${new Date(this.time).toISOString()}: ${this.parked.size} of ${this.threads} threads are parked, ` +
        `${hanging > 0 ? `${hanging} hang without having parked, ` : ''}and no timer is left to wake one. ` +
        'A thread waits for a promise that never resolves, or for the outside (a socket, a file), which requires a real or scaled clock.',
    );
    for (const reject of this.parked) reject(deadlock);
  }
}
