import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  type HistoryEvent,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import type { StepProgress } from '../../cli/history.ts';
import { runMigration } from '../../cli/service/run.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { migrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { aBackend } from './backend-fixtures.ts';
import { TARGET } from './fixtures.ts';
import { containing, expectError, matching } from '../lambdas/matchers.ts';

const ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
const ARN = `arn:aws:states:eu-west-1:111122223333:execution:MigrateAddon:${ID}`;
const request = migrationRequest.parse({ target: TARGET, addon: 'aws-ebs-csi-driver' });
const sfn = mockClient(SFNClient);

const backendWith = (ledger: Partial<Ledger>, sleeps: number[] = []) =>
  aBackend({ getMigration: async () => undefined, readLock: async () => undefined, ...ledger }, 0, {
    clock: { now: () => 0, sleep: (ms) => Promise.resolve(void sleeps.push(ms)), spawn: (run) => run() },
    ids: { ulid: () => ID },
  });

const events: HistoryEvent[] = [
  { id: 1, type: 'ExecutionStarted', timestamp: new Date(0) },
  { id: 2, type: 'TaskStateEntered', timestamp: new Date(0), stateEnteredEventDetails: { name: 'Plan' } },
  { id: 3, type: 'TaskStateExited', timestamp: new Date(1000), stateExitedEventDetails: { name: 'Plan' } },
  { id: 4, type: 'ExecutionFailed', timestamp: new Date(1000) },
];
const newestFirst = (upTo: number): HistoryEvent[] => events.slice(0, upTo).toReversed();

afterAll(() => sfn.restore());
beforeEach(() => {
  sfn.reset();
  sfn.on(StartExecutionCommand).resolves({ executionArn: ARN });
});

describe('a run without an outcome in the ledger', () => {
  beforeEach(() => {
    sfn.on(GetExecutionHistoryCommand).resolves({ events: newestFirst(4) });
    sfn.on(DescribeExecutionCommand).resolves({
      status: 'FAILED',
      error: 'States.Runtime',
      cause: JSON.stringify({ errorMessage: 'no such function' }),
    });
  });

  it("fails with the execution's error, and reports that nothing was changed", () =>
    expect(runMigration(backendWith({}), request)).rejects.toMatchObject({
      name: 'ExecutionFailed',
      exitCode: 1,
      message: `migration ${ID} ended without an outcome: execution FAILED: States.Runtime: no such function`,
      hint: containing('was not changed'),
    }));

  it('reports that the add-on may have been changed', async () => {
    const record = { migrationId: ID, request, startedAt: '2026-01-15T09:00:00.000Z', status: 'running' };
    const ledger = {
      getMigration: async () => record as never,
      getSnapshot: async () => ({ takenAt: '2026-01-15T09:00:01.000Z' }) as never,
      listSteps: async () => [],
      getEvidence: async () => [],
    };
    await expect(runMigration(backendWith(ledger), request)).rejects.toMatchObject({
      hint: matching(
        /had begun to change .*snapshot of 2026-01-15T09:00:01[^]*aws eks describe-addon --cluster-name demo/,
      ),
    });
  });
});

describe('a run whose execution has stopped', () => {
  const RECOVERY = `${ARN.replace('MigrateAddon', 'Recover')}-1`;
  const running = {
    migrationId: ID,
    request,
    startedAt: '2026-01-15T09:00:00.000Z',
    status: 'running',
    executionArn: ARN,
  } as unknown as Migration;
  const over = {
    ...running,
    status: 'ended',
    outcome: 'rolled-back',
    endedAt: '2026-01-15T09:05:00.000Z',
    verified: 'injected',
    warnings: [],
    restoreCommands: [],
    associations: { purged: [], created: [], restored: [] },
  } as unknown as Migration;
  /** The ledger's records, one per read; the last one is returned from then on. */
  const ledgerOf = (...records: Migration[]): Partial<Ledger> => ({
    getMigration: async () => (records.length > 1 ? records.shift() : records[0]),
    getSnapshot: async () => undefined,
    listSteps: async () => [],
    getEvidence: async () => [],
  });
  const recoverySteps: HistoryEvent[] = [
    { id: 1, type: 'ExecutionStarted', timestamp: new Date(0) },
    { id: 2, type: 'TaskStateEntered', timestamp: new Date(0), stateEnteredEventDetails: { name: 'TakeOver' } },
    { id: 3, type: 'ExecutionSucceeded', timestamp: new Date(1000) },
  ];

  beforeEach(() => {
    sfn.on(GetExecutionHistoryCommand, { executionArn: ARN }).resolves({ events: newestFirst(4) });
    sfn.on(GetExecutionHistoryCommand, { executionArn: RECOVERY }).resolves({ events: recoverySteps.toReversed() });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'ABORTED' });
  });

  it('waits for Recover, follows it as one list of steps, and returns its report', async () => {
    const sleeps: number[] = [];
    const seen: StepProgress[][] = [];
    const messages: string[] = [];
    const progress = {
      update: (steps: readonly StepProgress[]) => void seen.push([...steps]),
      say: (text: string) => void messages.push(text),
      close: () => Promise.resolve(),
    };
    const report = await runMigration(
      backendWith(ledgerOf(running, running, { ...running, executionArn: RECOVERY }, over), sleeps),
      request,
      progress,
    );
    expect([report.outcome, sleeps]).toEqual(['rolled-back', [15_000, 15_000]]);
    expect(messages).toEqual([containing('The execution stopped')]);
    expect(seen.at(-1)!.map(({ id, name }) => [id, name])).toEqual([
      [2, 'plan'],
      [4, 'take-over'],
    ]);
  });

  it('gives up if it is not taken over for ten minutes', async () => {
    const sleeps: number[] = [];
    await expectError(
      runMigration(backendWith(ledgerOf(running), sleeps), request),
      'ExecutionFailed',
      'execution ABORTED',
    );
    expect(sleeps.reduce((sum, one) => sum + one)).toBe(600_000);
  });

  it('gives up if every recovery stops, and reports that there was one', async () => {
    let n = 0;
    const recovery = { startedAt: '2026-01-15T09:05:00.000Z', executionArn: RECOVERY, cause: 'stranded' as const };
    const ledger = {
      ...ledgerOf(running),
      getMigration: async () => ({ ...running, recovery, executionArn: `${RECOVERY}${(n += 1)}` }),
    };
    sfn.on(GetExecutionHistoryCommand).resolves({ events: recoverySteps.toReversed() });
    await expect(runMigration(backendWith(ledger), request)).rejects.toMatchObject({
      hint: containing('Recover took it over at 2026-01-15T09:05:00.000Z'),
    });
    expect(n).toBeLessThan(10);
  });
});

describe('following an execution', () => {
  it('polls for new events, less often while the same step runs, and reports the steps', async () => {
    sfn
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: newestFirst(2) })
      .resolvesOnce({ events: newestFirst(2) })
      .resolvesOnce({ events: newestFirst(2) })
      .resolvesOnce({ events: newestFirst(3) })
      .resolvesOnce({ events: newestFirst(3) })
      .resolves({ events: newestFirst(4) });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED' });
    const sleeps: number[] = [];
    const seen: StepProgress[][] = [];
    const progress = {
      update: (steps: readonly StepProgress[]) => void seen.push([...steps]),
      say: () => {},
      close: () => Promise.resolve(),
    };
    await expect(runMigration(backendWith({}, sleeps), request, progress)).rejects.toThrow(/without an outcome/);
    expect(sleeps).toEqual([1000, 2000, 4000, 8000, 10_000]);
    expect(seen.map(([step]) => step?.endedAt?.getTime())).toEqual([undefined, undefined, undefined, 1000, 1000, 1000]);
  });

  it('reads page after page until it reaches known events', async () => {
    sfn
      .on(GetExecutionHistoryCommand)
      .resolvesOnce({ events: newestFirst(4).slice(0, 2), nextToken: 'more' })
      .resolvesOnce({ events: newestFirst(4).slice(2) });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'FAILED' });
    await expect(runMigration(backendWith({}), request)).rejects.toThrow(/without an outcome/);
    const calls = sfn.commandCalls(GetExecutionHistoryCommand).map(({ args }) => args[0].input.nextToken);
    expect(calls).toEqual([undefined, 'more']);
  });
});
