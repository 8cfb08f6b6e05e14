/** Counts the tracked lines, by git. */
import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const git = (root: string, ...args: string[]): string =>
  execFileSync('git', args, { cwd: root, encoding: 'utf8', maxBuffer: 1 << 28, stdio: ['ignore', 'pipe', 'ignore'] });

/** What is counted, by the name of its limit in budgets.json. */
export const COUNTED: Readonly<Record<string, (file: string) => boolean>> = {
  'tracked files': () => true,
  'TypeScript of tests': (file) => file.startsWith('test/') && file.endsWith('.ts'),
};

const linesOf = (path: string): number => {
  if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return 0;
  const bytes = readFileSync(path);
  let lines = 0;
  for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, at + 1)) lines += 1;
  return lines;
};

/** Returns the number of line ends of each tracked file, as in the working tree. */
export function trackedLines(root: string): Map<string, number> {
  const files = git(root, 'ls-files', '-z').split('\0').filter(Boolean);
  return new Map(files.map((file) => [file, linesOf(join(root, file))]));
}

/**
 * Returns the files with the most lines added since the last commit that changed `limits`, the file that has the
 * limits, at most ten; none if the history does not contain that commit.
 */
export function addedSince(root: string, limits: string, isCounted: (file: string) => boolean): [string, number][] {
  const since = git(root, 'log', '-1', '--format=%H', '--', limits).trim();
  if (since === '') return [];
  return git(root, 'diff', '--numstat', since)
    .split('\n')
    .flatMap((row): [string, number][] => {
      const [added, removed, file] = row.split('\t');
      return file !== undefined && isCounted(file) ? [[file, Number(added) - Number(removed)]] : [];
    })
    .filter(([, more]) => more > 0)
    .sort((a, b) => b[1] - a[1])
    .slice(0, 10);
}
