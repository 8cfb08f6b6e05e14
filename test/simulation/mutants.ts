/**
 * Planted defects: each file of `mutants/` is a one-line patch whose head names the promise that must catch it and the
 * runs in which it does. The patch is applied to a copy of the sources, and those runs must break that promise.
 */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureAssembly } from '../../cli/assembly.ts';
import { copySources, plant, type Planted, readPlanted } from '../../conformance/planted.ts';
import { distribute } from './workers.ts';
import type { Broken, Order } from './share.ts';
import { PROMISES } from './promises.ts';
import type { RunSpec } from './spec.ts';

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

export interface Mutant extends Planted {
  /** A description of the defect. */
  about: string;
  promise: string;
  specs: RunSpec[];
}

export const readMutants = (): Mutant[] =>
  readPlanted(MUTANTS).map(({ name, patch, head }) => {
    const [about = ''] = head('about');
    const [promise = ''] = head('promise');
    if (!PROMISES.some((one) => one.name === promise))
      throw new Error(`${name}.patch names the promise ${JSON.stringify(promise)}, which does not exist.`);
    const specs = head('run').map((json) => JSON.parse(json) as RunSpec);
    if (specs.length === 0) throw new Error(`${name}.patch names no run.`);
    return { name, about, promise, specs, patch };
  });

/** Returns the promises that the mutant's runs broke, each with an explanation. */
export const tryMutant = async (mutant: Mutant, workers: number): Promise<Broken[]> => {
  const directory = copySources(COPIED);
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
