/**
 * Planted defects: each row of `mutants/*.txt` (`conformance/planted.ts`) names, besides the defect, the promise that
 * must catch it and the runs in which it does. Those runs, with the defect, must break that promise.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { Assembly } from '../../cli/assembly.ts';
import { type Planted, readPlanted } from '../../conformance/planted.ts';
import type { RunSpec } from './spec.ts';
import { NODE_OPTIONS } from './workers.ts';

const MUTANTS = join(import.meta.dirname, 'mutants');
const WORKER = new URL('./mutant-worker.ts', import.meta.url);

export interface Mutant extends Planted {
  /** A description of the defect. */
  about: string;
  promise: string;
  specs: RunSpec[];
}

/** What a worker receives. */
export interface MutantOrder {
  mutant: Mutant;
  /** Whether the defect is in the templates, which must then be synthesised with it. */
  isInTemplates: boolean;
  /** The application without a defect. */
  application: Assembly;
}

/** What a worker answers: how the promise was broken, the promises that were broken instead, or an error. */
export type MutantResult = { caught: string } | { instead: string[] } | { failed: string };

/**
 * Returns the specs of a run. Instead of a number of a call, `afterCall` may name several, as `"90-146/4"`: from 90 to
 * 146, every fourth. The call that shows the defect changes with the number of calls that precede it.
 */
const specsOf = (json: string): RunSpec[] => {
  const several = /"afterCall":"(\d+)-(\d+)(?:\/(\d+))?"/.exec(json);
  if (!several) return [JSON.parse(json) as RunSpec];
  const [text, from, to, by = '1'] = several;
  const count = Math.floor((Number(to) - Number(from)) / Number(by)) + 1;
  return Array.from(
    { length: count },
    (_, index) => JSON.parse(json.replace(text, `"afterCall":${Number(from) + index * Number(by)}`)) as RunSpec,
  );
};

export const readMutants = (): Mutant[] =>
  readdirSync(MUTANTS)
    .flatMap((file) => readPlanted(join(MUTANTS, file)))
    .map(({ values, ...defect }) => {
      const specs = values('run').flatMap(specsOf);
      if (specs.length === 0) throw new Error(`The mutant ${defect.name} names no run.`);
      return { ...defect, about: values('about').join(' '), promise: values('promise').join(), specs };
    })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1));

/** A part of the domain that the templates contain as well: the errors that each state waits for. */
const OF_TEMPLATES = 'lambdas/domain/waiting/paused-errors.ts';
const isInTemplates = ({ file }: Mutant): boolean => file.startsWith('lib/') || file === OF_TEMPLATES;

/** Sends a worker one order after the other, as long as `next` returns one. Rejects if the worker ends by itself. */
const keepBusy = (
  worker: ChildProcess,
  next: () => MutantOrder | undefined,
  onResult: (order: MutantOrder, result: MutantResult) => void,
): Promise<void> =>
  new Promise((resolve, reject) => {
    let order: MutantOrder | undefined;
    const proceed = (): void => {
      order = next();
      if (order) worker.send(order);
      else worker.disconnect();
    };
    worker.on('message', (result: MutantResult) => {
      if (order) onResult(order, result);
      proceed();
    });
    worker.on('error', reject);
    worker.on('exit', (code) =>
      order === undefined ? resolve() : reject(new Error(`A worker ended with exit code ${String(code)}.`)),
    );
    proceed();
  });

const report = ({ mutant: { name, about, promise } }: MutantOrder, result: MutantResult): string => {
  if ('caught' in result) return `caught ${name}: ${about}\n  ${promise}: ${result.caught}\n`;
  const problem = 'failed' in result ? result.failed : `broken instead: ${result.instead.join(', ') || 'nothing'}`;
  return `NOT CAUGHT ${name}: ${about}\n  ${problem}\n`;
};

/**
 * Tries all mutants, or those with these names, and reports for each whether it was caught. Returns false if one was
 * not. Throws an Error if there is no mutant of a name.
 */
export const runMutants = async (
  application: Assembly,
  workers: number,
  names?: readonly string[],
): Promise<boolean> => {
  const all = readMutants();
  const missing = names?.filter((name) => !all.some((mutant) => mutant.name === name)) ?? [];
  if (missing.length > 0) throw new Error(`There is no mutant ${missing.join(', ')}.`);
  const mutants = names ? all.filter(({ name }) => names.includes(name)) : all;
  // The first worker begins with those for which the CDK must be loaded, and the others end with them.
  const orders = [...mutants.filter(isInTemplates), ...mutants.filter((mutant) => !isInTemplates(mutant))].map(
    (mutant): MutantOrder => ({ mutant, isInTemplates: isInTemplates(mutant), application }),
  );
  let caught = 0;
  await Promise.all(
    Array.from({ length: Math.min(workers, orders.length) }, (_, index) =>
      keepBusy(
        fork(WORKER, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'], execArgv: NODE_OPTIONS }),
        () => (index === 0 ? orders.shift() : orders.pop()),
        (order, result) => {
          if ('caught' in result) caught += 1;
          process.stdout.write(report(order, result));
        },
      ),
    ),
  );
  process.stdout.write(`${mutants.length} mutants: ${caught} caught, ${mutants.length - caught} not caught\n`);
  return caught === mutants.length;
};
