import {
  DescribeExecutionCommand,
  ExecutionDoesNotExist,
  GetExecutionHistoryCommand,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { cancel } from '../../cli/service/cancel.ts';
import { rollBackAndFollow } from '../../cli/service/rollback.ts';
import { lookUp } from '../../cli/service/show.ts';
import type { Cancellation, Migration } from '../../lambdas/domain/record/migration.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { aBackend, historyOf } from './backend-fixtures.ts';
import { TARGET } from './fixtures.ts';
import { containing, expectError, matching } from '../lambdas/matchers.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const FIRST = `arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:${ID}`;
const RECOVERY = `arn:aws:states:eu-west-1:111122223333:execution:Recover:${ID}-2`;
const watcher = { update: () => {}, say: () => {} };
const sfn = mockClient(SFNClient);

const base = {
  approvals: [],
  migrationId: ID,
  request: migrationRequest.parse({ target: TARGET, addon: 'aws-ebs-csi-driver' }),
  startedAt: '2026-01-15T09:00:00.000Z',
  executionArn: FIRST,
} as const;
const running = { ...base, status: 'running' } as unknown as Migration;
const ended = (outcome: Migration['outcome'], change: Partial<Migration> = {}): Migration =>
  ({
    ...base,
    status: 'ended',
    outcome,
    endedAt: '2026-01-15T09:05:00.000Z',
    verified: 'injected',
    warnings: [],
    restoreCommands: [],
    associations: { purged: [], created: [], restored: [] },
    ...change,
  }) as unknown as Migration;
const rollback = {
  id: `${ID}-2`,
  state: 'running',
  cause: 'requested',
  startedAt: '2026-01-15T09:04:00.000Z',
  executionArn: RECOVERY,
} as const;
const over = { ...rollback, state: 'ended' } as const;

const backendWith = (ledger: Partial<Ledger>) =>
  aBackend(
    {
      getSnapshot: async () => undefined,
      listSteps: async () => [],
      getEvidence: async () => [],
      getCancel: async () => undefined,
      ...ledger,
    },
    Date.parse('2026-01-15T09:10:00.000Z'),
  );
/** The ledger's records, one per read; the last one is returned from then on. */
const records = (...all: (Migration | undefined)[]): Pick<Ledger, 'getMigration'> => ({
  getMigration: async () => (all.length > 1 ? all.shift() : all[0]),
});

const takeOver = (error?: string) => historyOf('TakeOver', error);

afterAll(() => sfn.restore());
beforeEach(() => {
  sfn.reset();
  sfn.on(StartExecutionCommand).resolves({ executionArn: RECOVERY });
  sfn.on(GetExecutionHistoryCommand).resolves({ events: takeOver() });
  sfn.on(DescribeExecutionCommand).resolves({ status: 'SUCCEEDED' });
});
const unknownExecution = (): void => {
  sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: 'no', $metadata: {} }));
};

describe('a rollback on demand', () => {
  const rollBack = (ledger: Partial<Ledger>) =>
    rollBackAndFollow(backendWith(ledger), { migrationId: ID, requestedBy: 'me', reason: 'too slow' }, watcher);

  it('starts Recover for that migration and returns its report', async () => {
    const end = await rollBack(records(ended('migrated'), ended('rolled-back', { rollback: over })));
    expect(end.report).toMatchObject({ outcome: 'rolled-back', rollback: over });
    const { input, ...started } = sfn.commandCalls(StartExecutionCommand)[0]!.args[0].input;
    expect(started).toEqual({ stateMachineArn: matching(/:Recover$/), name: `${ID}-2` });
    expect(JSON.parse(input!)).toEqual({ migrationId: ID, cause: 'requested', requestedBy: 'me', reason: 'too slow' });
  });

  it("that is refused shows the service's reason", async () => {
    sfn.on(GetExecutionHistoryCommand).resolves({ events: takeOver('RollbackRefused') });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED', error: 'RecoveryFailed', cause: 'long text' });
    const line = {
      name: 'take-over',
      startedAt: '',
      endedAt: '',
      tries: 1,
      error: { name: 'RollbackRefused', message: 'The OIDC trust is gone.' },
    };
    const refused = { name: 'RollbackRefused', exitCode: 2, hint: containing(`show ${ID}`) };
    await expect(rollBack({ ...records(ended('migrated')), listSteps: async () => [line] })).rejects.toMatchObject({
      ...refused,
      message: 'The OIDC trust is gone.',
    });
    await expect(rollBack(records(ended('migrated')))).rejects.toMatchObject({
      ...refused,
      message: containing('long text'),
    });
  });

  it("that the migration records as refused shows why, regardless of the execution's end", async () => {
    sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED', error: 'RecoveryFailed', cause: 'long text' });
    const error = { name: 'RollbackRefused', message: 'Another migration holds the lock.' };
    const refused = ended('migrated', { rollback: { ...rollback, state: 'refused', error } });
    await expect(rollBack(records(ended('migrated'), refused))).rejects.toMatchObject({
      name: 'RollbackRefused',
      message: 'Another migration holds the lock.',
      exitCode: 2,
    });
  });

  it('that could not begin for another reason has no outcome, regardless of the record', async () => {
    sfn.on(GetExecutionHistoryCommand).resolves({ events: takeOver('AccessDenied') });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED', error: 'RecoveryFailed', cause: 'AccessDenied: no' });
    expect(await rollBack(records(ended('migrated')))).toMatchObject({
      failure: { exitCode: 1, message: containing('execution FAILED: RecoveryFailed: AccessDenied: no') },
    });
  });

  it('that is itself stopped is followed to the next recovery', async () => {
    sfn.on(DescribeExecutionCommand).resolves({ status: 'ABORTED' });
    const taken = { ...running, status: 'rolling-back', rollback, executionArn: RECOVERY } as Migration;
    const end = await rollBack(
      records(
        ended('migrated'),
        taken,
        taken,
        { ...taken, executionArn: `${RECOVERY}-next` },
        ended('rolled-back', { rollback: over }),
      ),
    );
    expect(end.report?.outcome).toBe('rolled-back');
    expect(sfn.commandCalls(GetExecutionHistoryCommand).map(({ args }) => args[0].input.executionArn)).toEqual([
      RECOVERY,
      `${RECOVERY}-next`,
    ]);
  });

  it('of an unknown migration starts nothing', async () => {
    unknownExecution();
    await expect(rollBack(records(undefined))).rejects.toMatchObject({ name: 'UnknownMigration', exitCode: 2 });
    expect(sfn.commandCalls(StartExecutionCommand)).toEqual([]);
  });

  it('of a migration that has just been started is refused in favour of cancel', async () => {
    sfn.on(DescribeExecutionCommand, { executionArn: FIRST }).resolves({ status: 'RUNNING' });
    await expectError(rollBack(records(undefined)), 'RollbackRefused', `cancel ${ID}`);
  });
});

describe('a cancellation', () => {
  const stored = (): Pick<Ledger, 'requestCancel' | 'getCancel'> & { all: Cancellation[] } => {
    const all: Cancellation[] = [];
    return { all, requestCancel: async (_id, wanted) => all.push(wanted) === 1, getCancel: async () => all[0] };
  };
  const ask = (ledger: Partial<Ledger>) =>
    cancel(backendWith(ledger), { migrationId: ID, requestedBy: 'me', reason: 'wrong day' });
  const cancellation = { requestedAt: '2026-01-15T09:10:00.000Z', requestedBy: 'me', reason: 'wrong day' };

  it('shows whether the migration has begun, and its end only if that is certain', async () => {
    expect(await ask({ ...records(running), ...stored() })).toEqual({
      migrationId: ID,
      cancellation,
      first: true,
      begun: false,
    });
    const snapshot = { getSnapshot: async () => ({ takenAt: '' }) as never };
    expect(await ask({ ...records(running), ...stored(), ...snapshot })).toMatchObject({ begun: true });
  });

  it('that is not the first changes nothing, and shows the first one', async () => {
    const flags = stored();
    flags.all.push({ requestedAt: '2026-01-15T09:09:00.000Z', requestedBy: 'you' });
    expect(await ask({ ...records(running), ...flags })).toMatchObject({
      first: false,
      cancellation: { requestedBy: 'you' },
    });
  });

  it('may come before the ledger has the migration', async () => {
    sfn.on(DescribeExecutionCommand, { executionArn: FIRST }).resolves({ status: 'RUNNING' });
    expect(await ask({ ...records(undefined), ...stored() })).toMatchObject({ first: true, begun: false });
  });

  it.each([
    ['migrated', /ended migrated at 2026-01-15T09:05:00\.000Z/, /rollback/],
    ['rolled-back', /ended rolled-back/, /left no changes/],
  ] as const)('of a migration that has ended (%s) is bad input', async (outcome, message, hint) => {
    const flags = stored();
    await expect(ask({ ...records(ended(outcome)), ...flags })).rejects.toMatchObject({
      name: 'MigrationOver',
      exitCode: 2,
      message: matching(message),
      hint: matching(hint),
    });
    expect(flags.all).toEqual([]);
  });

  it('does not stop a rollback', () =>
    expectError(
      ask({ ...records({ ...running, status: 'rolling-back', rollback }), ...stored() }),
      'MigrationOver',
      'is already being rolled back',
    ));

  it('requires an existing migration', async () => {
    unknownExecution();
    await expectError(ask({ ...records(undefined), ...stored() }), 'UnknownMigration');
  });
});

describe('show', () => {
  it('returns the report of a migration that has ended', async () =>
    expect(await lookUp(backendWith(records(ended('migrated'))), ID)).toMatchObject({
      ended: { outcome: 'migrated' },
    }));

  it('returns the progress of a running migration', async () => {
    const cancellation = { requestedAt: '2026-01-15T09:01:00.000Z' };
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    const shown = await lookUp(backendWith({ ...records(running), getCancel: async () => cancellation }), ID);
    expect(shown).toEqual({
      running: {
        migrationId: ID,
        status: 'running',
        target: TARGET,
        addon: 'aws-ebs-csi-driver',
        strategy: 'auto',
        startedAt: base.startedAt,
        executionArn: FIRST,
        executionStatus: 'RUNNING',
        cancellation,
        steps: [],
        simulated: false,
      },
    });
  });

  it('returns no status of an execution that Step Functions has deleted', async () => {
    unknownExecution();
    expect(await lookUp(backendWith(records(running)), ID)).not.toHaveProperty('running.executionStatus');
  });

  it('refuses a migration without a record yet', async () => {
    sfn.on(DescribeExecutionCommand, { executionArn: FIRST }).resolves({ status: 'RUNNING' });
    await expectError(lookUp(backendWith(records(undefined)), ID), 'NotYet');
  });
});
