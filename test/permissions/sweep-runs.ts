/** Sweeps that together rest on every right that is theirs: asked for by the HTTP API, and by the clock. */
import { StartExecutionCommand } from '@aws-sdk/client-sfn';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { POLLS_PER_EXECUTION } from '../../lambdas/domain/sweep/executions.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import type { ApiCaller, ByApi } from './by-api.ts';
import { SCHEDULED_AT } from './deployment.ts';
import { MIGRATED, type Run, runOf, SWEPT } from './follow.ts';
import { managed } from './runs.ts';

const MINUTE = 60;
const SWEEP_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4C';

const start = async ({ ask, target: { account, region } }: ApiCaller, body: object): Promise<string> =>
  (await ask('createSweep', { body: { selection: { accounts: [account], regions: [region] }, ...body } })).sweepId;

/** One that is asked for, and comes to its end. */
export const sweeps =
  (body: object): ByApi =>
  async (api) => {
    await start(api, body);
    await api.rest();
  };

/** Paused while it looks, gone on with, and asked about then. */
const pauses: ByApi = async (api) => {
  const { ask, sleep, rest } = api;
  const id = await start(api, { mode: 'migrate' });
  await sleep(1);
  await ask('pauseSweep', { id, body: {} });
  await sleep(2 * MINUTE);
  await ask('resumeSweep', { id, body: {} });
  await rest();
  await ask('getSweep', { id });
  await ask('listSweeps');
  await ask('getSweepReport', { id });
};

/** Stopped before anything was begun, and gone on with by an execution of its own. */
const stops: ByApi = async (api) => {
  const { ask, sleep, rest } = api;
  const id = await start(api, { mode: 'plan' });
  await sleep(1);
  await ask('stopSweep', { id, body: {} });
  await rest();
  await ask('resumeSweep', { id, body: {} });
  await rest();
};

/** The clock reaches the time of the schedule. */
const waits: ByApi = async ({ sleep, rest }) => {
  await sleep(MINUTE);
  await rest();
};

const beforeSchedule = (scenario: Scenario): void => {
  const due = Date.parse(`${scenario.startAt.slice(0, 10)}T${SCHEDULED_AT}:00Z`);
  scenario.startAt = new Date(due - 30_000).toISOString();
};

/** By an execution of the state machine's own, without a record. */
const startDirectly = (sandbox: Sandbox, { account, region }: Target): Promise<unknown> => {
  const request = { mode: 'inventory', selection: { accounts: [account], regions: [region] } };
  const input = JSON.stringify({ sweepId: SWEEP_ID, request });
  const stateMachineArn = sandbox.outputs.sweepStateMachineArn;
  const command = new StartExecutionCommand({ stateMachineArn, name: SWEEP_ID, input });
  return sandbox.clients().stepFunctions().send(command);
};

/** The first cluster so many times. */
const times =
  (count: number) =>
  ({ accounts: [account] }: Scenario): void => {
    const [cluster] = account!.clusters;
    account!.clusters = Array.from({ length: count }, (_, index) => ({
      ...structuredClone(cluster!),
      name: `${cluster!.name}-${index}`,
    }));
  };

/** The only one that nobody asks for. */
export const BY_THE_CLOCK = runOf('a sweep looks by the clock', {
  ends: [SWEPT],
  byApi: waits,
  change: beforeSchedule,
  knobs: { schedulesTwice: true },
});

export const SWEEPS: Run[] = [
  BY_THE_CLOCK,
  runOf('a sweep is paused, resumed, and migrates', { ends: [MIGRATED, SWEPT], byApi: pauses }),
  runOf('a sweep is stopped, resumed, and plans', { ends: [MIGRATED, SWEPT, 'Sweep SweepStopped'], byApi: stops }),
  runOf('a sweep looks at roles with managed policies and policies of their own', {
    scenario: 'role-chaining',
    ends: [SWEPT],
    byApi: sweeps({ mode: 'inventory' }),
    change: managed,
  }),
  runOf('a sweep is started at its state machine', {
    ends: [MIGRATED, SWEPT],
    request: { dryRun: true },
    afterwards: startDirectly,
  }),
  runOf('a sweep looks for longer than one invocation lasts', {
    ends: [SWEPT],
    byApi: sweeps({ mode: 'inventory', callsPerSecond: 0.1 }),
    change: times(8),
  }),
  runOf('an execution of a sweep hands over to the next one', {
    ends: [MIGRATED, SWEPT, SWEPT],
    // Without a settling time, the migration ends in the second execution.
    byApi: sweeps({ mode: 'migrate', options: { verification: 'injected' } }),
    looked: POLLS_PER_EXECUTION - 1,
  }),
  runOf('a migration of a sweep has no record for long', {
    ends: [MIGRATED, SWEPT],
    byApi: sweeps({ mode: 'migrate' }),
    faults: [{ kind: 'time-out-before', step: 'plan', operation: 'Query', times: 3 }],
  }),
];
