/** Plants defects: one-line patches of the sources, applied to a copy of them. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { applyPatch, parsePatch } from 'diff';

const ROOT = join(import.meta.dirname, '..');

/** A planted defect. `patch` changes exactly one line of one file. */
export interface Planted {
  name: string;
  patch: string;
}

/** A file of a planted defect: a patch, after a head of lines such as `# about: …`. */
export interface PlantedFile extends Planted {
  /** Returns the values of a key of the head, in order. */
  head: (key: string) => string[];
}

/** Reads the patches of a folder, in the order of their names. */
export const readPlanted = (folder: string): PlantedFile[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.patch'))
    .toSorted()
    .map((file) => {
      const text = readFileSync(join(folder, file), 'utf8');
      return {
        name: file.replace(/\.patch$/, ''),
        patch: text.replaceAll(/^# .*\n/gm, ''),
        head: (key) => [...text.matchAll(new RegExp(`^# ${key}: (.*)$`, 'gm'))].map((match) => match[1] ?? ''),
      };
    });

/**
 * Applies the patch to a copy of the sources, and returns the changed file. Throws an Error if the patch does not change
 * exactly one line, or no longer fits the sources.
 */
export const plant = ({ name, patch }: Planted, directory: string): string => {
  const [parsed, ...more] = parsePatch(patch);
  const file = parsed?.newFileName?.replace(/^b\//, '');
  if (!parsed || file === undefined || more.length > 0)
    throw new Error(`The mutant ${name} must patch exactly one file.`);
  const lines = parsed.hunks.flatMap((hunk) => hunk.lines);
  const removed = lines.filter((line) => line.startsWith('-')).length;
  const added = lines.filter((line) => line.startsWith('+')).length;
  if (removed > 1 || added > 1 || removed + added === 0)
    throw new Error(`The mutant ${name} must change exactly one line.`);
  const path = join(directory, file);
  const patched = applyPatch(readFileSync(path, 'utf8'), parsed, { fuzzFactor: 0 });
  if (patched === false) throw new Error(`The mutant ${name} does not fit ${file}. Create its patch again.`);
  writeFileSync(path, patched);
  return file;
};

/**
 * Copies these files and folders of the project to a temporary directory, which shares the packages, and returns it.
 * `isCopied` leaves paths out.
 */
export const copySources = (entries: readonly string[], isCopied: (path: string) => boolean = () => true): string => {
  const directory = mkdtempSync(join(tmpdir(), 'pod-identity-mutant-'));
  for (const entry of entries) cpSync(join(ROOT, entry), join(directory, entry), { recursive: true, filter: isCopied });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
};
