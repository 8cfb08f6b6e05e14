/** The estimate of a sweep's cost assumes for one migration what the sandbox counts. */
import { expect, it } from 'vitest';
import type { MigrationRequestInput } from '../../lambdas/domain/request/request.ts';
import { RUNS } from '../../lambdas/domain/sweep/cost.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { migrate, type Run, scenarioWith, trustOf } from './fixture.ts';

/**
 * Transitions: each state that is entered, and each retry ("each retry will be charged as an additional state
 * transition": aws.amazon.com/step-functions/pricing).
 */
function counted({ backend: { sandbox } }: Run): { transitions: number; invocations: number } {
  const [execution] = sandbox.executions.list(sandbox.outputs.stateMachineArn);
  const types = execution!.history.events.map(({ type }) => type);
  const entered = types.filter((type) => type.endsWith('StateEntered')).length;
  const tasks = types.filter((type) => type === 'TaskStateEntered').length;
  const invocations = types.filter((type) => type === 'TaskScheduled').length;
  return { transitions: entered + invocations - tasks, invocations };
}

const pick = ({ transitions, invocations }: (typeof RUNS)['migrated']) => ({ transitions, invocations });

const untrusted = (): Scenario =>
  scenarioWith((scenario) => {
    const trust = trustOf(scenario);
    trust.Statement = trust.Statement.filter(({ Sid }) => Sid !== 'PodIdentity');
  });
const keptOld = (): Scenario => scenarioWith((scenario) => void (scenario.knobs.webhookLagSeconds = 86_400));

const cases: [keyof typeof RUNS, Partial<MigrationRequestInput>, Scenario][] = [
  ['migrated', {}, scenarioWith()],
  ['planned', { dryRun: true }, scenarioWith()],
  ['blocked', {}, untrusted()],
  ['rolled-back', { strategy: 'in-place' }, keptOld()],
];

it.each(cases)(
  'one execution of MigrateAddon that ends %s has the transitions and invocations of the estimate',
  async (outcome, request, scenario) => {
    const run = await migrate({ request, scenario });
    expect(run.report.outcome).toBe(outcome);
    expect(counted(run)).toEqual(pick(RUNS[outcome]));
  },
);
