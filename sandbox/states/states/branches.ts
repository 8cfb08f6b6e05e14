/** The common part of Map and Parallel: concurrent work in which one failure cancels the rest. */
import { Cancellation } from '../cancellation.ts';
import { Interrupted } from '../failure.ts';
import type { Scope } from '../scope.ts';

/**
 * Runs `count` branches, at most `concurrency` at once, each on a thread of its own; returns their results in order.
 * Throws the first failure, once all the other branches have stopped.
 */
export const runBranches = async (
  scope: Scope,
  count: number,
  concurrency: number,
  runOne: (index: number, cancellation: Cancellation) => Promise<unknown>,
): Promise<unknown[]> => {
  const { clock } = scope.run;
  const group = new Cancellation(scope.cancellation);
  const results: unknown[] = Array.from({ length: count });
  let failure: { reason: unknown } | undefined;
  let next = 0;

  const work = async (): Promise<void> => {
    while (next < count && !group.cancelled) {
      const index = next;
      next += 1;
      try {
        results[index] = await runOne(index, group);
      } catch (reason) {
        failure ??= { reason };
        group.cancel();
      }
    }
  };
  const workers = Array.from({ length: Math.min(count, concurrency) }, () => clock.spawn(work));
  await clock.park(Promise.all(workers));
  group.release();
  if (scope.cancellation.cancelled) throw new Interrupted('Cancelled.');
  if (failure) throw failure.reason;
  return results;
};
