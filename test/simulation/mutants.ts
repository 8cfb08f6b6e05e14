/**
 * Planted defects: each file of `mutants/` is a one-line patch whose head names the promise that must catch it and the
 * runs in which it does. The patch is applied to a copy of the sources, and those runs must break that promise.
 */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { applyPatch, parsePatch } from 'diff';
import { ensureAssembly } from '../../cli/assembly.ts';
import { distribute } from './workers.ts';
import type { Broken, Order } from './share.ts';
import { PROMISES } from './promises.ts';
import type { RunSpec } from './spec.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const MUTANTS = join(import.meta.dirname, 'mutants');
const COPIED = [
  'bin',
  'cli',
  'lambdas',
  'lib',
  'sandbox',
  'scripts',
  'test',
  'package.json',
  'package-lock.json',
  'cdk.json',
  'tsconfig.json',
];

export interface Mutant {
  name: string;
  /** A description of the defect. */
  about: string;
  promise: string;
  specs: RunSpec[];
  patch: string;
}

const headOf = (text: string, key: string): string[] =>
  [...text.matchAll(new RegExp(`^# ${key}: (.*)$`, 'gm'))].map((match) => match[1] ?? '');

export const readMutants = (): Mutant[] =>
  readdirSync(MUTANTS)
    .filter((file) => file.endsWith('.patch'))
    .sort()
    .map((file) => {
      const text = readFileSync(join(MUTANTS, file), 'utf8');
      const [about = ''] = headOf(text, 'about');
      const [promise = ''] = headOf(text, 'promise');
      if (!PROMISES.some(({ name }) => name === promise))
        throw new Error(`${file} names the promise ${JSON.stringify(promise)}, which does not exist.`);
      const specs = headOf(text, 'run').map((json) => JSON.parse(json) as RunSpec);
      if (specs.length === 0) throw new Error(`${file} names no run.`);
      return { name: file.replace(/\.patch$/, ''), about, promise, specs, patch: text.replaceAll(/^# .*\n/gm, '') };
    });

/**
 * Applies the patch, which changes one line of one file in the copy. Throws if the patch no longer fits the sources.
 */
export const plant = ({ name, patch }: Pick<Mutant, 'name' | 'patch'>, directory: string): string => {
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

const copySources = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'pod-identity-mutant-'));
  for (const entry of COPIED) cpSync(join(ROOT, entry), join(directory, entry), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
};

/** Returns the promises that the mutant's runs broke, each with an explanation. */
export const tryMutant = async (mutant: Mutant, workers: number): Promise<Broken[]> => {
  const directory = copySources();
  try {
    const file = plant(mutant, directory);
    // Handlers run from their sources: only a changed state machine has to be built.
    const assembly = file.startsWith('lib/')
      ? (
          await (
            (await import(pathToFileURL(join(directory, 'cli/assembly.ts')).href)) as {
              ensureAssembly: typeof ensureAssembly;
            }
          ).ensureAssembly()
        ).directory
      : (await ensureAssembly()).directory;
    const broken: Broken[] = [];
    const order: Omit<Order, 'part' | 'parts'> & { what: 'specs'; specs: RunSpec[] } = {
      what: 'specs',
      specs: mutant.specs,
      assembly,
      quiet: true,
    };
    await distribute(
      order,
      Math.min(workers, mutant.specs.length),
      pathToFileURL(join(directory, 'test/simulation/worker.ts')),
      (news) => {
        broken.push(...news.broken);
        return !broken.some(({ promise }) => promise === mutant.promise);
      },
    );
    return broken;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
};

/**
 * Tries all mutants, or those with these names, and reports for each whether it was caught. Returns false if one was
 * not. Throws an Error if there is no mutant of a name.
 */
export const runMutants = async (workers: number, names?: readonly string[]): Promise<boolean> => {
  const all = readMutants();
  const missing = names?.filter((name) => !all.some((mutant) => mutant.name === name)) ?? [];
  if (missing.length > 0) throw new Error(`There is no mutant ${missing.join(', ')}.`);
  const mutants = names ? all.filter(({ name }) => names.includes(name)) : all;
  let caught = 0;
  for (const mutant of mutants) {
    const broken = await tryMutant(mutant, workers);
    const how = broken.find(({ promise }) => promise === mutant.promise)?.how;
    if (how !== undefined) caught += 1;
    process.stdout.write(
      `${how === undefined ? 'NOT CAUGHT' : 'caught'} ${mutant.name}: ${mutant.about}\n  ${how === undefined ? `broken instead: ${[...new Set(broken.map(({ promise }) => promise))].join(', ') || 'nothing'}` : `${mutant.promise}: ${how}`}\n`,
    );
  }
  process.stdout.write(`${mutants.length} mutants: ${caught} caught, ${mutants.length - caught} not caught\n`);
  return caught === mutants.length;
};
