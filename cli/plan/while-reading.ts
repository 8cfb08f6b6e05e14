import type { Io } from '../io.ts';
import { drawTask } from '../progress.ts';

/** Shows on a terminal that something is read, and with `show` what; returns the result of the work. */
export const whileReading = async <T>(
  io: Io,
  what: string,
  work: (show: (text: string) => void) => Promise<T>,
): Promise<T> => {
  if (io.stderr.isTTY !== true) return work(() => {});
  const done = Promise.withResolvers<T>();
  await drawTask(io.stderr, `Reading ${what}`, async (task) => {
    const result = work((text) => {
      task.output = text;
    });
    done.resolve(result);
    await result;
  });
  return done.promise;
};
