/**
 * Planted defects: rows in text files, each of which replaces one line of one source.
 *
 *     [name-of-the-defect]
 *     about: what is wrong with it
 *     run: what shows it
 *     file: lambdas/domain/waiting/pause.ts
 *     before: the text that is replaced
 *     after: the text that replaces it, or nothing
 *
 * `before` must occur exactly once in the file. A second line of either has the key again, and its whole indentation.
 */
import { cpSync, mkdtempSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const ROOT = join(import.meta.dirname, '..');

/** A planted defect: `after` in place of `before`, in `file`, a path from the root of the project. */
export interface Planted {
  name: string;
  file: string;
  before: string;
  after: string;
}

/** A row of a text file. */
export interface PlantedRow extends Planted {
  /** Returns the values of a key, in order. */
  values: (key: string) => string[];
}

const rowOf = (name: string, lines: readonly string[], path: string): PlantedRow => {
  const pairs = lines.map((line) => {
    const [, key, value = ''] = /^([a-z]+):(?: (.*))?$/.exec(line) ?? [];
    if (key === undefined) throw new Error(`${path}: a line of ${name} has no key: ${line}`);
    return { key, value };
  });
  const values = (key: string): string[] => pairs.filter((pair) => pair.key === key).map(({ value }) => value);
  for (const key of ['file', 'before', 'after'])
    if (values(key).length === 0) throw new Error(`${path}: ${name} has no line ${key}.`);
  return {
    name,
    file: values('file').join(),
    before: values('before').join('\n'),
    after: values('after').join('\n'),
    values,
  };
};

/** Reads the rows of a text file, in the order of their names. Throws an Error for text that is not of this form. */
export const readPlanted = (path: string): PlantedRow[] =>
  readFileSync(path, 'utf8')
    .trim()
    .split(/\n{2,}/)
    .map((block) => {
      const [head = '', ...lines] = block.split('\n');
      const [, name] = /^\[([a-z0-9-]+)\]$/.exec(head) ?? [];
      if (name === undefined) throw new Error(`${path}: a row begins with ${head}, not with its name in brackets.`);
      return rowOf(name, lines, path);
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));

/** Returns how many lines the change removes and adds. */
const changedLines = (source: string, changed: string): [number, number] => {
  const one = source.split('\n');
  const other = changed.split('\n');
  let from = 0;
  while (from < one.length && from < other.length && one[from] === other[from]) from += 1;
  let behind = 0;
  while (behind < Math.min(one.length, other.length) - from && one.at(-1 - behind) === other.at(-1 - behind))
    behind += 1;
  return [one.length - behind - from, other.length - behind - from];
};

/**
 * Returns a source with the defect. Throws an Error if the text that it replaces does not occur exactly once, or if it
 * does not change exactly one line.
 */
export const withDefect = ({ name, file, before, after }: Planted, source: string): string => {
  const times = source.split(before).length - 1;
  if (before === '' || times !== 1)
    throw new Error(`The text before of the defect ${name} must occur once in ${file}, not ${times} times: ${before}`);
  const changed = source.replace(before, () => after);
  const [removed, added] = changedLines(source, changed);
  if (removed > 1 || added > 1 || removed + added === 0)
    throw new Error(`The defect ${name} must change one line of ${file}, not ${Math.max(removed, added)}.`);
  return changed;
};

/** Returns the source of the project with the defect; throws as `withDefect` does. */
export const defectiveSource = (defect: Planted): string =>
  withDefect(defect, readFileSync(join(ROOT, defect.file), 'utf8'));

/** Plants the defect in a copy of the sources; throws as `withDefect` does. */
export const plant = (defect: Planted, directory: string): void => {
  const path = join(directory, defect.file);
  writeFileSync(path, withDefect(defect, readFileSync(path, 'utf8')));
};

/**
 * Copies these files and folders of the project to a temporary directory, which shares the packages, and returns it.
 * `isCopied` leaves paths out.
 */
export const copySources = (entries: readonly string[], isCopied: (path: string) => boolean = () => true): string => {
  const directory = mkdtempSync(join(tmpdir(), 'pod-identity-defect-'));
  for (const entry of entries) cpSync(join(ROOT, entry), join(directory, entry), { recursive: true, filter: isCopied });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
};
