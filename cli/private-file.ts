/**
 * Files that reveal weaknesses of a fleet, or hold keys: only their owner may read them. An existing report or log keeps
 * its permissions, because it may be shared on purpose; the program's own files become unreadable for all other users.
 */
import { chmodSync, statSync, writeFileSync } from 'node:fs';

export const OWNER_ONLY = 0o600;

/** Writes a report or a log. A new file is its owner's alone; one that exists keeps its permissions. */
export const writePrivate = (file: string, text: string): void => writeFileSync(file, text, { mode: OWNER_ONLY });

/** Removes the permissions of all others from a file. Leaves a file of another user, who alone can change it. */
export const tighten = (file: string): void => {
  try {
    if ((statSync(file).mode & 0o077) !== 0) chmodSync(file, OWNER_ONLY);
  } catch (error) {
    if (!['EPERM', 'EROFS', 'ENOENT'].includes((error as NodeJS.ErrnoException).code ?? '')) throw error;
  }
};
