import { spawn } from 'node:child_process';
import { join } from 'node:path';

/** The exit code of a part that could not be run, as opposed to one with differences (1) and unusable flags (2). */
export const NOT_RUN = 3;

/** Runs a part of the project in a directory, in a process of its own, and returns its exit code. */
export const runInProcess = (directory: string, words: readonly string[]): Promise<number> =>
  new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(directory, 'conformance/main.ts'), ...words], {
      cwd: directory,
      stdio: 'inherit',
    });
    child.on('error', reject);
    child.on('close', (code) => resolve(code ?? NOT_RUN));
  });
