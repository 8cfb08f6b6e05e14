/**
 * A child of `mutants.ts`: tries the mutants that it is sent, one after the other. It can only be forked. It imports no
 * module of the service before `defectiveModules` notes which imports which.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type * as app from '../../lib/app.ts';
import { defectiveModules } from './defective-modules.ts';
import type { MutantOrder, MutantResult } from './mutants.ts';
import type * as promises from './promises.ts';
import type * as run from './run.ts';

const SIMULATION = 'test/simulation/run.ts';
const PROMISES = 'test/simulation/promises.ts';
const APP = 'lib/app.ts';

const modules = defectiveModules();

const tryMutant = async (
  { mutant, isInTemplates, application }: MutantOrder,
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

const answer = async (order: MutantOrder): Promise<MutantResult> => {
  const folder = mkdtempSync(join(tmpdir(), 'pod-identity-mutant-'));
  try {
    return await tryMutant(order, folder);
  } catch (error) {
    return { failed: error instanceof Error ? error.message : String(error) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

process.on('message', (order: MutantOrder) => {
  void answer(order).then((result) => process.send?.(result));
});
