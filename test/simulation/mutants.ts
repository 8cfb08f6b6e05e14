/**
 * Planted defects: each file of `mutants/` is a patch of one line, with a head that says which promise has to catch it
 * and in which runs. A copy of the sources gets the patch, and those runs must break that promise.
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
  /** What the defect is. */
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
        throw new Error(`${file} names the promise ${JSON.stringify(promise)}, which there is not.`);
      const specs = headOf(text, 'run').map((json) => JSON.parse(json) as RunSpec);
      if (specs.length === 0) throw new Error(`${file} names no run.`);
      return { name: file.replace(/\.patch$/, ''), about, promise, specs, patch: text.replaceAll(/^# .*\n/gm, '') };
    });

/** Changes one line of one file in the copy. Throws where the patch does not fit the sources any more. */
export const plant = ({ name, patch }: Pick<Mutant, 'name' | 'patch'>, directory: string): string => {
  const [parsed, ...more] = parsePatch(patch);
  const file = parsed?.newFileName?.replace(/^b\//, '');
  if (!parsed || file === undefined || more.length > 0) throw new Error(`The mutant ${name} must patch one file.`);
  const lines = parsed.hunks.flatMap((hunk) => hunk.lines);
  const removed = lines.filter((line) => line.startsWith('-')).length;
  const added = lines.filter((line) => line.startsWith('+')).length;
  if (removed > 1 || added > 1 || removed + added === 0)
    throw new Error(`The mutant ${name} must change a single line.`);
  const path = join(directory, file);
  const patched = applyPatch(readFileSync(path, 'utf8'), parsed, { fuzzFactor: 0 });
  if (patched === false) throw new Error(`The mutant ${name} does not fit ${file} any more: make its patch again.`);
  writeFileSync(path, patched);
  return file;
};

const copySources = (): string => {
  const directory = mkdtempSync(join(tmpdir(), 'pod-identity-mutant-'));
  for (const entry of COPIED) cpSync(join(ROOT, entry), join(directory, entry), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'), 'dir');
  return directory;
};

/** Which promises the mutant's runs broke, each with how. */
export const tryMutant = async (mutant: Mutant, workers: number): Promise<Broken[]> => {
  const directory = copySources();
  try {
    const file = plant(mutant, directory);
    // Handlers run from their sources: only another state machine has to be built.
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

/** Tries them all and says of each whether it was caught; false where one was not. */
export const runMutants = async (workers: number): Promise<boolean> => {
  const mutants = readMutants();
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
