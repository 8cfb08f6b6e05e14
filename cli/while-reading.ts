import type { Io } from './io.ts';
import { drawTask } from './progress.ts';

/**
 * Shows on a terminal that something is read, and with `show` what; returns the result of the work, or throws its error,
 * once that is drawn.
 */
export const whileReading = async <T>(
  io: Io,
  what: string,
  work: (show: (text: string) => void) => Promise<T>,
): Promise<T> => {
  if (io.stderr.isTTY !== true) return work(() => {});
  let settled: PromiseSettledResult<T> | undefined;
  await drawTask(io.stderr, `Reading ${what}`, async (task) => {
    [settled] = await Promise.allSettled([
      work((text) => {
        task.output = text;
      }),
    ]);
    if (settled.status === 'rejected') throw new Error('could not be read');
  });
  if (settled?.status === 'fulfilled') return settled.value;
  throw settled?.reason;
};
