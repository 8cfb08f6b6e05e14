/**
 * The rate at which one region of one account is asked. EKS's limits are low, and the customer's own tools share them:
 * no more calls are begun than the sweep allows, and what EKS or IAM refuses for the moment is asked again later.
 */
import { type ErrorName, MigrationError } from '../../domain/failures/errors.ts';
import type { AroundCalls, CalledService, Clock } from '../../ports/index.ts';
import { retryLater, RESERVE } from '../../runtime/retry.ts';

/** What may be over in a moment. */
const PASSING: readonly ErrorName[] = ['Throttled', 'ServiceUnavailable', 'ConnectionLost'];

/**
 * Begins at most so many calls in any window of `windowMilliseconds`: `callsPerSecond` in any second where that is a
 * whole number, one in so many seconds where it is less than one. What other calls than EKS's take of a second is made
 * up for within it.
 */
export class Pacer {
  readonly most: number;
  readonly windowMilliseconds: number;
  private readonly clock: Clock;
  /** When the last `most` calls began, oldest first. */
  private starts: number[];
  /** Of the turn that was asked for last: resolves once it is had, or given up. */
  private latest: Promise<void> = Promise.resolve();

  /** `used`: others of this sweep may have called a moment ago. */
  constructor(callsPerSecond: number, clock: Clock, { used = false }: { used?: boolean } = {}) {
    this.most = Math.max(1, Math.floor(callsPerSecond));
    this.windowMilliseconds = (this.most / callsPerSecond) * 1000;
    this.clock = clock;
    this.starts = used ? Array.from({ length: this.most }, () => clock.now()) : [];
  }

  /** Milliseconds until the next call may begin. */
  wait(): number {
    const [oldest] = this.starts;
    return oldest === undefined || this.starts.length < this.most
      ? 0
      : Math.max(0, oldest + this.windowMilliseconds - this.clock.now());
  }

  /**
   * In the order in which it was asked for. `before` is told of each wait before it begins, and may refuse it by
   * throwing.
   */
  async turn(before?: (wait: number) => void): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    const earlier = this.latest;
    this.latest = promise;
    await earlier;
    try {
      // A timer may be a little early.
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
  /** Milliseconds until the invocation is cut off. */
  remainingTime: () => number;
  /** See `Pacer`. */
  used?: boolean;
}

/** One for an invocation, with as many others of it as shall be counted apart. */
export interface Pace {
  around: AroundCalls;
  /** Calls around which it stood so far, those that were made again too, by service. */
  calls(): Record<string, number>;
  /** Shares the turns of this one, and counts for itself. */
  another(): Pace;
}

/** Throws OutOfTime where a wait would not leave enough of the invocation: another one has more. */
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
    beforeWait: (wait, service, name) => assertTime(wait, `to ask ${service} again, which answered ${name}`),
  });
  return { around, calls: () => ({ ...counts }), another: () => paceBy(pacer, options) };
}
