/** The step plan over the fakes: of the example's add-on, unless the request names another subject. */
import type { Check } from '../../../lambdas/domain/terms/check.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { planStep } from '../../../lambdas/steps/plan/handler.ts';
import { type Fakes, invoke } from '../fakes.ts';
import { ADDON, MIGRATION_ID, target } from '../fixtures.ts';
import { RUN } from '../run-examples.ts';

/** Returns the names of those calls of a port, as the journal has them. */
export const callsOf = (port: 'eks' | 'roles' | 'kubernetes', ...names: string[]): string[] =>
  names.map((name) => `${port}.${name}`);

/** Returns the step's answer. */
export const runPlan = (fakes: Fakes, request: object = {}): Promise<unknown> =>
  invoke(planStep, { ...RUN, request: { target, addon: ADDON, ...request } }, fakes);

/** Returns the plan that the step has left in the record. */
export const planOf = async (fakes: Fakes, request: object = {}): Promise<Plan> => {
  await runPlan(fakes, request);
  return (await fakes.ledger.getMigration(MIGRATION_ID))!.plan!;
};

export const checkOf = ({ checks }: Plan, id: string): Check | undefined => checks.find((check) => check.id === id);

/** The step's answer to a plan of the example's add-on that may go on, with what is given. */
export const aPlanAnswer = (change: object): object => ({
  verdict: 'migrate',
  target,
  subject: ADDON,
  attempts: [],
  installsAgent: false,
  repairsTrust: false,
  createsStandalone: false,
  removesAnnotation: false,
  needsApproval: false,
  approvalSeconds: 86_400,
  hasWindow: false,
  blockedBy: [],
  ...change,
});
