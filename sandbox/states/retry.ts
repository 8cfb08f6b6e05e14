import type { Random } from '../random.ts';
import type { MapState, Retrier, TaskState } from './definition.ts';
import { StateFailure, handles } from './failure.ts';
import type { Outcome, Visit } from './scope.ts';

/**
 * Returns the milliseconds before a retry, whose number is counted from 0: IntervalSeconds × BackoffRate^n, at most
 * MaxDelaySeconds; with FULL jitter a random value between zero and that.
 */
export const retryDelay = (retrier: Retrier, retry: number, random: Random): number => {
  const seconds = Math.min(retrier.IntervalSeconds * retrier.BackoffRate ** retry, retrier.MaxDelaySeconds ?? Infinity);
  return Math.round(seconds * 1000 * (retrier.JitterStrategy === 'FULL' ? random.next() : 1));
};

/**
 * Attempts until success, or until the failure's retrier has no attempts left; then the first matching catcher
 * determines the next state. Each retrier counts its own attempts, for one visit of the state.
 */
export const withRetryAndCatch = async (
  state: Pick<TaskState | MapState, 'Retry' | 'Catch'>,
  visit: Visit,
  attempt: () => Promise<Outcome>,
): Promise<Outcome> => {
  const retries = new Map<Retrier, number>();
  for (;;) {
    try {
      return await attempt();
    } catch (failure) {
      if (!(failure instanceof StateFailure)) throw failure;
      const retrier = state.Retry?.find((each) => handles(each, failure));
      const done = retrier ? (retries.get(retrier) ?? 0) : 0;
      if (retrier && done < retrier.MaxAttempts) {
        retries.set(retrier, done + 1);
        await visit.scope.sleep(retryDelay(retrier, done, visit.scope.run.random));
        visit.retryCount += 1;
        continue;
      }
      const index = state.Catch?.findIndex((each) => handles(each, failure)) ?? -1;
      const catcher = state.Catch?.[index];
      if (!catcher) throw failure;
      const errorOutput = failure.output();
      return { next: catcher.Next, ...(await visit.settle(catcher, errorOutput, { errorOutput }, `Catch[${index}]/`)) };
    }
  }
};
