/** What a worker does for one task. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Assembly } from '../../cli/assembly.ts';
import type * as app from '../../lib/app.ts';
import type { DefectiveModules } from './defective-modules.ts';
import type { SeenCall } from './exhaustive.ts';
import type { Mutant } from './mutants.ts';
import * as promises from './promises.ts';
import * as run from './run.ts';
import type { RunSpec } from './spec.ts';
import { emptyTally, failureText, outcomeOf, type Tally, tallyActs } from './tally.ts';

export type Task =
  /** Returns the calls of a run that faults could affect. */
  | { does: 'list'; spec: RunSpec; assembly: string }
  /** Checks the promises of a run. */
  | { does: 'run'; spec: RunSpec; assembly: string }
  /** Tries the runs of a mutant until its promise is broken. */
  | {
      does: 'try';
      mutant: Mutant;
      /** Whether the defect is in the templates, which must then be synthesised with it. */
      isInTemplates: boolean;
      /** The application without a defect. */
      application: Assembly;
    };

/** What a run ended with; `failure` shows the promises that it broke, if any. */
export interface Checked {
  tally: Tally;
  failure?: string;
}
/** How the promise was broken, the promises that were broken instead, or an error. */
export type MutantResult = { caught: string } | { instead: string[] } | { failed: string };

/** What each task is answered with. */
export interface Results {
  list: readonly SeenCall[];
  run: Checked;
  try: MutantResult;
}
export type TaskOf<Does extends Task['does']> = Extract<Task, { does: Does }>;

const check = async ({ spec, assembly }: TaskOf<'run'>): Promise<Checked> => {
  const result = await run.simulate(spec, assembly);
  const broken = await promises.brokenPromises(result);
  const tally = emptyTally();
  tally.runs = 1;
  tally[outcomeOf(result)] = 1;
  tally.broken = broken.length;
  tallyActs(tally, result);
  return broken.length === 0 ? { tally } : { tally, failure: failureText(result, broken) };
};

const SIMULATION = 'test/simulation/run.ts';
const PROMISES = 'test/simulation/promises.ts';
const APP = 'lib/app.ts';

const tryMutant = async (
  { mutant, isInTemplates, application }: TaskOf<'try'>,
  modules: DefectiveModules,
  folder: string,
): Promise<MutantResult> => {
  await modules.learn([SIMULATION, PROMISES, ...(isInTemplates ? [APP] : [])]);
  if (isInTemplates) {
    const { createApp } = (await modules.load(mutant, APP)) as typeof app;
    // The functions run from their sources, so that the bundles may be those without the defect.
    createApp({ outdir: folder, lambdaDirectory: application.lambdaDirectory, everyRole: true }).synth();
  }
  const { simulate } = (await modules.load(mutant, SIMULATION)) as typeof run;
  const { brokenPromises } = (await modules.load(mutant, PROMISES)) as typeof promises;
  const instead = new Set<string>();
  for (const spec of mutant.specs) {
    const result = await simulate(spec, isInTemplates ? folder : application.directory);
    for (const { promise, how } of await brokenPromises(result)) {
      if (promise === mutant.promise) return { caught: how };
      instead.add(promise);
    }
  }
  return { instead: [...instead] };
};

const tryInFolder = async (task: TaskOf<'try'>, modules: DefectiveModules): Promise<MutantResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-mutant-'));
  try {
    return await tryMutant(task, modules, folder);
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

/** Does a task. Rejects if a run fails in the simulation itself; a mutant's run may fail in any way. */
export const answer = async (task: Task, modules: DefectiveModules): Promise<Results[Task['does']]> => {
  if (task.does === 'run') return check(task);
  if (task.does === 'try') return tryInFolder(task, modules);
  return (await run.simulate(task.spec, task.assembly)).sandbox.world.faults.seen;
};
