import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { zipSync, type Zippable } from 'fflate';

/** The first time that a .zip file can have. The same files always result in the same bytes. */
const TIME = new Date(1980, 0, 1);
/** Unix, and a regular file that everyone may read, as Lambda requires. */
const [UNIX, READABLE] = [3, 0o100_644 << 16];

/** Returns a .zip file with all files of the folder, in the order of their names. */
export function zipOf(folder: string): Uint8Array {
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).replaceAll('\\', '/'))
    .toSorted();
  const files = names.map((name): [string, Zippable[string]] => [
    name,
    [readFileSync(join(folder, name)), { os: UNIX, attrs: READABLE, mtime: TIME, level: 9 }],
  ]);
  return zipSync(Object.fromEntries(files));
}
