/**
 * Limits the rate of calls to one region of one account. EKS's limits are low, and the customer's own tools share them: no
 * more calls are begun than the sweep allows, and what EKS or IAM refuses for the moment is retried later.
 */
import { type ErrorName, MigrationError } from '../../domain/failures/errors.ts';
import type { AroundCalls, CalledService, Clock } from '../../ports/index.ts';
import { retryLater, RESERVE } from '../../runtime/retry.ts';

/** Errors that may be transient. */
const PASSING: readonly ErrorName[] = ['Throttled', 'ServiceUnavailable', 'ConnectionLost'];

/**
 * Begins at most `most` calls in any window of `windowMilliseconds`: `callsPerSecond` in any second if that is a whole
 * number, and one in several seconds if it is less than one. Time that calls of other services take is made up for within the
 * window.
 */
export class Pacer {
  readonly most: number;
  readonly windowMilliseconds: number;
  private readonly clock: Clock;
  /** When the last `most` calls began, oldest first. */
  private starts: number[];
  /** Resolves once the turn that was requested last is taken or given up. */
  private latest: Promise<void> = Promise.resolve();

  /** `used`: other calls of this sweep may have been made a moment ago. */
  constructor(callsPerSecond: number, clock: Clock, { used = false }: { used?: boolean } = {}) {
    this.most = Math.max(1, Math.floor(callsPerSecond));
    this.windowMilliseconds = (this.most / callsPerSecond) * 1000;
    this.clock = clock;
    this.starts = used ? Array.from({ length: this.most }, () => clock.now()) : [];
  }

  /** Returns the milliseconds until the next call may begin. */
  wait(): number {
    const [oldest] = this.starts;
    return oldest === undefined || this.starts.length < this.most
      ? 0
      : Math.max(0, oldest + this.windowMilliseconds - this.clock.now());
  }

  /**
   * Resolves when it is the caller's turn, in the order of the requests. `before` is called with each wait before it begins,
   * and may refuse the wait by throwing.
   */
  async turn(before?: (wait: number) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const earlier = this.latest;
    this.latest = promise;
    await earlier;
    try {
      // A timer may fire a little early.
      for (let wait = this.wait(); wait > 0; wait = this.wait()) {
        before?.(wait);
        await this.clock.sleep(Math.ceil(wait));
      }
      this.starts = [...this.starts, this.clock.now()].slice(-this.most);
    } finally {
      resolve();
    }
  }
}

export interface PaceOptions {
  callsPerSecond: number;
  clock: Clock;
  random: () => number;
  /** Returns the milliseconds until the invocation is cut off. */
  remainingTime: () => number;
  /** See `Pacer`. */
  used?: boolean;
}

/** The pace of an invocation; `another` creates further ones that count separately. */
export interface Pace {
  around: AroundCalls;
  /** Returns the number of paced calls so far by service, including retries. */
  calls(): Record<string, number>;
  /** Returns a pace that shares the turns of this one and counts separately. */
  another(): Pace;
}

/** Returns a pace that throws OutOfTime if a wait would not leave enough of the invocation: another invocation has more time. */
export function paceOf(options: PaceOptions): Pace {
  const { callsPerSecond, clock, used = false } = options;
  return paceBy(new Pacer(callsPerSecond, clock, { used }), options);
}

function paceBy(pacer: Pacer, options: PaceOptions): Pace {
  const { clock, random, remainingTime } = options;
  const counts: Partial<Record<CalledService, number>> = {};

  const assertTime = (wait: number, why: string): void => {
    if (remainingTime() - wait < RESERVE)
      throw new MigrationError('OutOfTime', `Too little time is left of this invocation ${why}.`);
  };
  const begin = async (service: CalledService): Promise<void> => {
    const assertFor = (wait: number): void => assertTime(wait, `for a call of ${service}`);
    if (service === 'eks') await pacer.turn(assertFor);
    assertFor(0);
    counts[service] = (counts[service] ?? 0) + 1;
  };
  const around = retryLater({
    clock,
    random,
    errors: PASSING,
    begin,
    beforeWait: (wait, service, name) => assertTime(wait, `to retry a call of ${service} after ${name}`),
  });
  return { around, calls: () => ({ ...counts }), another: () => paceBy(pacer, options) };
}
