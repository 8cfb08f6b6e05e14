import { AsyncLocalStorage } from 'node:async_hooks';
import type { ParkOptions, SandboxClock, Timer, TimerOptions } from './clock.ts';
import { Timers } from './timers.ts';

/** A thread of control. It works unless it is parked. */
interface Thread {
  /** Number of promises that it waits for; a thread may wait for several at once. */
  parks: number;
  hasEnded: boolean;
  /** The tick at which it started working. */
  since: number;
}

/** The longest timeout of Node.js; a longer one would fire at once. */
const LONGEST_TIMEOUT = 2 ** 31 - 1;

const TICK_MILLISECONDS = 1000;

export interface ScaledClockOptions {
  /**
   * How many seconds a thread may work without a pause before it counts as hanging; default 60. Seconds are counted by
   * ticks of this process, so that a process that got no processor time for a while is not mistaken for one that hangs.
   */
  patience?: number;
}

/**
 * Time that passes `scale` times as fast as real time, but only while all threads wait: it stands still while any
 * thread works. It starts at `startAt` (milliseconds since 1970).
 *
 * A limit of the world, such as a function's timeout, therefore never expires because the machine is slow. For the same
 * reason time never passes a timer that has not fired: one timer fires, the threads that it wakes do their work, and
 * only then does time continue. A slow machine makes the world slower than `scale`, and changes nothing else.
 *
 * A thread that hangs (a handler that waits for a promise that never resolves) counts as parked after `patience`, so
 * that its timeout fires. A caller that is not a thread, such as a program that calls over a socket, stops time only
 * while a thread answers its request.
 */
export class ScaledClock implements SandboxClock {
  readonly kind: 'real' | 'scaled';
  private readonly patience: number;
  private readonly timers = new Timers();
  private readonly current = new AsyncLocalStorage<Thread>();
  private readonly working = new Set<Thread>();
  private scale: number;
  /** The world's time when it last stopped. */
  private time: number;
  /** The machine's time since which the world's time has been passing; undefined while it stands still. */
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

  /** Makes time pass that many times as fast as real time from now on. */
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

  /** Parks the calling thread; a caller that is not a thread just waits. */
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

  /** Runs in a later turn: no time passes between one thread and another that it wakes. */
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
    // A timeout of Node.js takes at least a millisecond, which may be seconds of the world's time.
    if (left < 1) {
      const turn = setImmediate(wake);
      this.alarm = { cancel: () => clearImmediate(turn), unref: () => turn.unref() };
    } else {
      const timeout = setTimeout(wake, Math.min(LONGEST_TIMEOUT, Math.ceil(left)));
      this.alarm = { cancel: () => clearTimeout(timeout), unref: () => timeout.unref() };
    }
    if (!this.timers.isAwaited) this.alarm.unref();
  }

  /**
   * Fires the first timer; time stands still until the threads that it wakes have started working, or have had nothing
   * to do.
   */
  private fireFirst(): void {
    const first = this.timers.first();
    if (this.passingSince === undefined || !first) return;
    if (this.exactNow() < first.at) return this.setAlarm();
    this.stop();
    this.timers.remove(first);
    first.fire();
    this.resumeSoon();
  }

  /** Counts the seconds while there is work, and stops waiting for threads that hang. */
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
