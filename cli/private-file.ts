/**
 * Files that say what is weak in a fleet, or hold keys: only their owner may read them. A file that exists keeps its
 * permissions where somebody may have shared it on purpose, and loses them where it is the program's own.
 */
import { chmodSync, statSync, writeFileSync } from 'node:fs';

export const OWNER_ONLY = 0o600;

/** Writes a report or a log. A new file is its owner's alone; one that exists keeps its permissions. */
export const writePrivate = (file: string, text: string): void => writeFileSync(file, text, { mode: OWNER_ONLY });

/** Takes the permissions of all others from a file. That of another user is left as it is: only they can change it. */
export const tighten = (file: string): void => {
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, OWNER_ONLY);
  } catch (error) {
    if (!['EPERM', 'EROFS', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};
