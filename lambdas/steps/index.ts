import type { Step } from '../runtime/step.ts';
import { exportOf, type StepName, STEP_NAMES } from './schemas.ts';

async function load(name: StepName): Promise<Step> {
  const module = (await import(`./${name}/handler.ts`)) as Record<string, Step>;
  const step = module[exportOf(name)];
  if (!step) throw new Error(`lambdas/steps/${name}/handler.ts does not export ${exportOf(name)}.`);
  return step;
}

/** Every step with its handler, by name. */
export const steps = Object.fromEntries(
  await Promise.all(STEP_NAMES.map(async (name) => [name, await load(name)] as const)),
) as Record<StepName, Step>;
