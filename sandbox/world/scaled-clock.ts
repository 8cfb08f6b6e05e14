import { AsyncLocalStorage } from 'node:async_hooks';
import type { ParkOptions, SandboxClock, Timer, TimerOptions } from './clock.ts';
import { Timers } from './timers.ts';

/** A thread of control. It works unless it is parked. */
interface Thread {
  /** How many promises it waits for; a thread may wait for several at once. */
  parks: number;
  hasEnded: boolean;
  /** The tick at which it began to work. */
  since: number;
}

/** The longest that Node.js can wait; it would fire at once after a longer one. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const TICK_MILLISECONDS = 1000;

export interface ScaledClockOptions {
  /**
   * How many seconds a thread may work without a pause before it counts as hanging; default 60. They are counted by
   * ticks of this process, so that one that got no processor for a while is not taken for one that hangs.
   */
  patience?: number;
}

/**
 * Time that passes `scale` times as fast as on the wall, but only while everybody waits: it stands still while any
 * thread works. It starts at `startAt` (milliseconds since 1970).
 *
 * A limit of the world, such as a function's time-out, therefore never runs out because the machine is slow. For the
 * same reason time never passes a timer that has not fired: one timer fires, whoever it wakes does its work, and only
 * then time goes on. A slow machine makes the world slower than `scale`, and changes nothing else.
 *
 * A thread that hangs (a handler that waits for a promise that nobody resolves) counts as parked after `patience`, so
 * that its time-out comes. Whoever is no thread, such as a program that calls over a socket, stops time only while its
 * request is answered by a thread.
 */
export class ScaledClock implements SandboxClock {
  readonly kind: 'real' | 'scaled';
  private readonly patience: number;
  private readonly timers = new Timers();
  private readonly current = new AsyncLocalStorage<Thread>();
  private readonly working = new Set<Thread>();
  private scale: number;
  /** The world's time when it last stood still. */
  private time: number;
  /** By the machine's clock: since when time has been passing; undefined while it stands still. */
  private passingSince: number | undefined = performance.now();
  private isResuming = false;
  private alarm: { cancel: () => void; unref: () => void } | undefined;
  private ticks = 0;
  private isTicking = false;

  constructor(scale: number, startAt: number, { patience = 60 }: ScaledClockOptions = {}) {
    this.kind = scale === 1 ? 'real' : 'scaled';
    this.scale = scale;
    this.time = startAt;
    this.patience = patience;
  }

  now(): number {
    return Math.round(this.exactNow());
  }

  sleep(milliseconds: number): Promise<void> {
    return this.park(this.timer(milliseconds).elapsed);
  }

  /** Lets time pass that many times as fast as on the wall from now on. */
  setScale(scale: number): void {
    this.time = this.exactNow();
    if (this.passingSince !== undefined) this.passingSince = performance.now();
    this.scale = scale;
    this.setAlarm();
  }

  async spawn<T>(run: () => Promise<T>): Promise<T> {
    const thread: Thread = { parks: 0, hasEnded: false, since: 0 };
    this.beginWork(thread);
    try {
      return await this.current.run(thread, run);
    } finally {
      thread.hasEnded = true;
      this.endWork(thread);
    }
  }

  /** Parks the thread that calls; whoever is no thread just waits. */
  async park<T>(promise: Promise<T>, _options?: ParkOptions): Promise<T> {
    const thread = this.current.getStore();
    if (!thread || thread.hasEnded) return promise;
    thread.parks += 1;
    this.endWork(thread);
    try {
      return await promise;
    } finally {
      thread.parks -= 1;
      if (thread.parks === 0 && !thread.hasEnded) this.beginWork(thread);
    }
  }

  timer(milliseconds: number, { background = false }: TimerOptions = {}): Timer {
    const { promise: elapsed, resolve: fire } = Promise.withResolvers<void>();
    const timer = this.timers.add(this.exactNow() + Math.max(0, milliseconds), fire, background);
    this.setAlarm();
    const cancel = (): void => {
      this.timers.remove(timer);
      this.setAlarm();
    };
    return { elapsed, cancel };
  }

  private exactNow(): number {
    if (this.passingSince === undefined) return this.time;
    const unhindered = this.time + (performance.now() - this.passingSince) * this.scale;
    return Math.min(unhindered, this.timers.first()?.at ?? Infinity);
  }

  private beginWork(thread: Thread): void {
    this.stop();
    thread.since = this.ticks;
    this.working.add(thread);
    this.tick();
  }

  private endWork(thread: Thread): void {
    if (this.working.delete(thread)) this.resumeSoon();
  }

  private stop(): void {
    this.time = this.exactNow();
    this.passingSince = undefined;
  }

  /** In a turn of its own: between two threads of which one wakes the other no time passes. */
  private resumeSoon(): void {
    if (this.isResuming || this.working.size > 0) return;
    this.isResuming = true;
    setImmediate(() => {
      this.isResuming = false;
      if (this.working.size > 0 || this.passingSince !== undefined) return;
      this.passingSince = performance.now();
      this.setAlarm();
    });
  }

  /** Wakes the clock when the first timer is due. Only an awaited timer keeps the process alive. */
  private setAlarm(): void {
    this.alarm?.cancel();
    this.alarm = undefined;
    const first = this.timers.first();
    if (this.passingSince === undefined || !first) return;
    const due = this.passingSince + (first.at - this.time) / this.scale;
    const left = due - performance.now();
    const wake = (): void => {
      this.alarm = undefined;
      this.fireFirst();
    };
    // A time-out of Node.js takes a millisecond at least, which may be seconds of the world's time.
    if (left < 1) {
      const turn = setImmediate(wake);
      this.alarm = { cancel: () => clearImmediate(turn), unref: () => turn.unref() };
    } else {
      const timeout = setTimeout(wake, Math.min(LONGEST_TIMEOUT, Math.ceil(left)));
      this.alarm = { cancel: () => clearTimeout(timeout), unref: () => timeout.unref() };
    }
    if (!this.timers.isAwaited) this.alarm.unref();
  }

  /** Time stands still until those that the timer wakes have begun to work, or have found nothing to do. */
  private fireFirst(): void {
    const first = this.timers.first();
    if (this.passingSince === undefined || !first) return;
    if (this.exactNow() < first.at) return this.setAlarm();
    this.stop();
    this.timers.remove(first);
    first.fire();
    this.resumeSoon();
  }

  /** Counts the seconds while there is work, and no longer waits for a thread that hangs. */
  private tick(): void {
    if (this.isTicking) return;
    this.isTicking = true;
    setTimeout(() => {
      this.isTicking = false;
      if (this.working.size === 0) return;
      this.ticks += 1;
      for (const thread of this.working) if (this.ticks - thread.since >= this.patience) this.endWork(thread);
      if (this.working.size > 0) this.tick();
    }, TICK_MILLISECONDS).unref();
  }
}
