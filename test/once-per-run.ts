/** What takes seconds to build, and several processes of one run of the tests need. */
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The variable with the folder of this run, which global-setup.ts creates and removes. */
export const RUN_FOLDER = 'TEST_RUN_FOLDER';

/**
 * Returns a folder that `build` has filled in this run: the first process that asks builds it, and the others wait.
 * Throws if the build fails, in each process that asks.
 */
export const oncePerRun = (name: string, build: (folder: string) => void): string => {
  const run = process.env[RUN_FOLDER];
  if (run === undefined) throw new Error(`${RUN_FOLDER} is not set, so this is no run of Vitest.`);
  const folder = join(run, name);
  const [built, failed] = [`${folder}.built`, `${folder}.failed`];
  // Only one process can create the folder.
  if (mkdirSync(folder, { recursive: true }) === undefined) {
    const pause = new Int32Array(new SharedArrayBuffer(4));
    while (!existsSync(built) && !existsSync(failed)) Atomics.wait(pause, 0, 0, 100);
    if (existsSync(failed)) throw new Error(`${name} could not be built, as the error of the other test file shows.`);
    return folder;
  }
  try {
    build(folder);
    writeFileSync(built, '');
  } catch (error) {
    writeFileSync(failed, '');
    throw error;
  }
  return folder;
};
