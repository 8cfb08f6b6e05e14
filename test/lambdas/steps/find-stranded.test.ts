import { describe, expect, test } from 'vitest';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Retirement } from '../../../lambdas/domain/record/retirement.ts';
import type { Rollback } from '../../../lambdas/domain/record/rollback.ts';
import { findStrandedStep } from '../../../lambdas/steps/find-stranded/handler.ts';
import { type Fakes, invoke, lost, newFakes } from '../fakes.ts';
import {
  ADDON_LOCK,
  at,
  EXECUTION,
  executionArn,
  MIGRATION_ID,
  NOW,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  otherHolder,
  RUN,
  endedAs,
} from '../run-examples.ts';
import { addonArn } from '../example.ts';
import { aMigration, aRetirement, aRollback } from '../fixtures.ts';
import { containing } from '../matchers.ts';
import { begun, type Begun } from './begun.ts';

const it = test.extend('fakes', () => begun());
const EVENT = { source: 'aws.events', 'detail-type': 'Scheduled Event' };
const measured = ({
  telemetry: {
    counts,
    measured: { 'oldest-lock': oldest },
  },
}: Begun): unknown => ({ held: counts['locks-held'], stranded: counts.stranded, oldest });
const find = (fakes: Fakes): Promise<unknown> => invoke(findStrandedStep, EVENT, fakes);
const name = (migrationId: string): string => `${migrationId}-${NOW / 1000}`;
const stop = ({ executions }: Begun, arn = EXECUTION): unknown =>
  executions.states.set(arn, { status: 'TIMED_OUT', stoppedAt: at(-10) });

/** A second migration, of another add-on, that holds a lock. */
async function withOther(fakes: Begun): Promise<void> {
  await fakes.ledger.putMigration(aMigration({ migrationId: OTHER_MIGRATION_ID }));
  await fakes.ledger.acquireLock('another', otherHolder(at(0)));
}

describe('find-stranded', () => {
  it('starts nothing while the executions run', async () =>
    expect(await find(await begun())).toEqual({ held: 2, started: [] }));

  it('measures at each look how many locks are held and how long the oldest has been, also where none is', async () => {
    const fakes = await begun();
    fakes.clock.advance(90_000);
    await fakes.ledger.acquireLock('younger', otherHolder(at(60)));
    await find(fakes);
    expect(measured(fakes)).toEqual({ held: 3, stranded: 0, oldest: 90 });
    const none = newFakes();
    await invoke(findStrandedStep, EVENT, none);
    expect(none.telemetry.counts).toEqual({ 'locks-held': 0, stranded: 0 });
    expect(none.telemetry.measured).toEqual({ 'oldest-lock': 0 });
  });

  it.each(['', 'yesterday', at(3600)])('measures no age of a lock that is held since %j', async (since) => {
    const fakes = newFakes();
    fakes.ledger.listHeldLocks = async () => [
      { key: 'x', fence: 1, holder: { ...RUN, since } },
      { key: 'garbage', fence: 0 },
    ];
    await invoke(findStrandedStep, EVENT, fakes);
    expect(fakes.telemetry.measured).toEqual({ 'oldest-lock': 0 });
  });

  it('writes a deleted record again from the snapshot, and else leaves the lock', async ({ fakes }) => {
    stop(fakes);
    const { ledger } = fakes;
    await ledger.recordStep(MIGRATION_ID, { name: 'delete-addon', startedAt: at(0), endedAt: at(1), result: '{}' });
    ledger.records.delete(MIGRATION_ID);
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
    expect(await fakes.record()).toMatchObject({
      status: 'running',
      executionArn: EXECUTION,
      locks: [ADDON_LOCK, ROLE_LOCK],
      removed: [addonArn(1)],
      warnings: [{ id: 'record-rebuilt' }],
    });
    ledger.records.delete(MIGRATION_ID);
    ledger.snapshots.delete(MIGRATION_ID);
    expect(await find(fakes)).toMatchObject({ started: [] });
  });

  it('counts one that is stranded, also where its Recover could not be started', async ({ fakes }) => {
    stop(fakes);
    fakes.executions.startRecovery = () => Promise.reject(lost());
    expect([await find(fakes), measured(fakes)]).toMatchObject([{ started: [] }, { held: 2, stranded: 1 }]);
  });

  it('tells of a lock that is not as the service writes it, and looks after the others', async ({ fakes }) => {
    stop(fakes);
    const list = fakes.ledger.listHeldLocks.bind(fakes.ledger);
    fakes.ledger.listHeldLocks = async () => [{ key: 'garbage', fence: 0 }, ...(await list())];
    expect(await find(fakes)).toEqual({ held: 3, started: [MIGRATION_ID] });
    expect(fakes.telemetry.lines).toEqual([
      { level: 'warn', message: containing('ignored a lock'), fields: { key: 'garbage' } },
    ]);
  });

  it('starts Recover once for a migration, whatever it holds', async ({ fakes }) => {
    stop(fakes);
    expect(await find(fakes)).toEqual({ held: 2, started: [MIGRATION_ID] });
    expect(fakes.executions.recoveries).toEqual([{ migrationId: MIGRATION_ID, name: name(MIGRATION_ID) }]);
  });

  it('takes an execution that Step Functions does not know for one that stopped', async ({ fakes }) => {
    fakes.executions.states.delete(EXECUTION);
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
  });

  it('looks after locks that an ended migration has left', async ({ fakes }) => {
    stop(fakes);
    await fakes.update(endedAs('migrated', 1));
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
  });

  it("parks the subject's lock of one that needs a person, and lets go of its role's", async ({ fakes }) => {
    stop(fakes);
    await fakes.update(endedAs('needs-human', 1));
    expect([await find(fakes), await find(fakes)]).toEqual([
      { held: 2, started: [] },
      { held: 0, started: [] },
    ]);
    expect(await fakes.ledger.readLock(ADDON_LOCK)).toMatchObject({ holder: { executionArn: EXECUTION } });
    expect((await fakes.ledger.readLock(ROLE_LOCK))?.holder).toBeUndefined();
  });

  it('does not let one keep the others waiting', async ({ fakes }) => {
    await withOther(fakes);
    stop(fakes);
    stop(fakes, OTHER_EXECUTION);
    fakes.journal.failNext('executions.startRecovery', 'before', lost());
    const answer = (await find(fakes)) as { held: number; started: string[] };
    expect([answer.held, fakes.executions.recoveries.map((one) => one.migrationId)]).toEqual([3, answer.started]);
    // The lock of the role has it looked at again within the same tick.
    expect(answer.started).toHaveLength(2);
    expect(fakes.telemetry.lines.filter((line) => line.level === 'error')).toHaveLength(1);
  });

  it('says that nobody knows whose a lock is', async ({ fakes }) => {
    await fakes.ledger.acquireLock('another', { migrationId: OTHER_MIGRATION_ID, executionArn: 'gone', since: at(0) });
    expect(await find(fakes)).toEqual({ held: 3, started: [] });
    expect(fakes.telemetry.lines).toMatchObject([
      { level: 'warn', fields: { key: 'another', migrationId: OTHER_MIGRATION_ID } },
    ]);
  });
});

describe('of migrations that wait, find-stranded', () => {
  const CAPS = { perPrincipal: 10, perDeployment: 10 };
  const SINCE = at(-3600);

  /** One that waits for an approval, with nothing begun. */
  async function waiting(change: Partial<Migration> = {}): Promise<Fakes> {
    const fakes = newFakes();
    await fakes.ledger.putMigration(aMigration(change));
    await fakes.ledger.putApproval(
      MIGRATION_ID,
      { round: 1, planHash: 'a'.repeat(64), state: 'pending', requestedAt: SINCE, expiresAt: at(3600) },
      { taskToken: 'token', at: 0 },
    );
    fakes.executions.tasks.set('token', 'waiting');
    await fakes.ledger.takeWaitingSlot(
      { migrationId: MIGRATION_ID, principal: 'ann', subject: ADDON_LOCK, since: SINCE },
      CAPS,
    );
    return fakes;
  }
  const slots = async ({ ledger }: Fakes): Promise<number> => (await ledger.listWaiting()).length;

  it('leaves those alone that wait for a person', async () => {
    const fakes = await waiting();
    expect(await find(fakes)).toEqual({ held: 0, started: [] });
    expect([await slots(fakes), fakes.executions.tasks.get('token')]).toEqual([1, 'waiting']);
  });

  it.each([
    ['superseded', { supersededBy: OTHER_MIGRATION_ID }, 'Superseded', `Migration ${OTHER_MIGRATION_ID} began`],
    ['cancelled', { requestedBy: 'ann' }, 'Cancelled', 'was cancelled'],
  ])('ends the wait of one that was %s', async (_, cancel, error, cause) => {
    const fakes = await waiting();
    await fakes.ledger.requestCancel(MIGRATION_ID, { requestedAt: at(0), ...cancel });
    await find(fakes);
    expect(fakes.executions.tasks.get('token')).toMatchObject({ error, cause: containing(cause) });
    // Its own end frees the slot.
    expect(await slots(fakes)).toBe(1);
  });

  it('starts Recover for one whose execution has stopped, once', async () => {
    const fakes = await waiting();
    fakes.executions.states.set(EXECUTION, { status: 'ABORTED', stoppedAt: at(-600) });
    expect(await find(fakes)).toEqual({ held: 0, started: [MIGRATION_ID] });
    expect(fakes.executions.recoveries).toEqual([{ migrationId: MIGRATION_ID, name: name(MIGRATION_ID) }]);
    expect(fakes.telemetry.counts).toMatchObject({ stranded: 1 });
  });

  it.each<[string, Partial<Migration>]>([
    ['has ended', endedAs('blocked', 0)],
    ['has begun', { attempt: 0 }],
  ])('frees the slot of one that %s', async (_, change) => {
    const fakes = await waiting();
    await fakes.ledger.updateMigration(MIGRATION_ID, change);
    expect([await find(fakes), await slots(fakes)]).toEqual([{ held: 0, started: [] }, 0]);
  });

  it.each(['ledger.listWaiting', 'ledger.getMigration', 'ledger.getFile', 'executions.describe'])(
    'measures the locks also where %s fails',
    async (call) => {
      const fakes = await waiting();
      fakes.journal.failNext(call, 'before', lost());
      expect(await find(fakes)).toEqual({ held: 0, started: [] });
      expect(fakes.telemetry.counts).toMatchObject({ 'locks-held': 0 });
    },
  );

  it('begins with another one each time, and stops where its time is up', async () => {
    const fakes = newFakes();
    for (const id of ['a', 'b', 'c'])
      await fakes.ledger.takeWaitingSlot({ migrationId: id, principal: id, subject: id, since: at(-7200) }, CAPS);
    fakes.invocation.remaining = 5000;
    await find(fakes);
    expect(await slots(fakes)).toBe(3);
    fakes.invocation.remaining = 60_000;
    await find(fakes);
    expect(await slots(fakes)).toBe(0);
  });
});

describe('of rollbacks that were requested, find-stranded', () => {
  const requested = aRollback({ state: 'requested', after: 'migrated', startedAt: at(-61), requestedBy: 'jo' });
  async function accepted(change: Partial<Rollback> = {}): Promise<Fakes> {
    const fakes = newFakes();
    const rollback = { ...requested, ...change };
    await fakes.ledger.putMigration(aMigration());
    await fakes.ledger.updateMigration(MIGRATION_ID, {
      status: 'rolling-back',
      outcome: 'migrated',
      endedAt: at(-100),
      rollback,
    });
    return fakes;
  }

  it('starts one that was accepted and never started, under its own name', async () => {
    const fakes = await accepted({ reason: 'slow', accept: ['credential-gap'] });
    expect(await find(fakes)).toEqual({ held: 0, started: [MIGRATION_ID] });
    expect(fakes.executions.rollbacks).toMatchObject([
      { migrationId: MIGRATION_ID, name: requested.id, requestedBy: 'jo', reason: 'slow', accept: ['credential-gap'] },
    ]);
    expect(fakes.executions.recoveries).toEqual([]);
  });

  it('has one taken over whose execution stopped before it began', async () => {
    const fakes = await accepted();
    fakes.executions.states.set(RECOVERY_EXECUTION, { status: 'ABORTED', stoppedAt: at(-30) });
    expect(await find(fakes)).toEqual({ held: 0, started: [MIGRATION_ID] });
    expect(fakes.executions.recoveries).toEqual([{ migrationId: MIGRATION_ID, name: name(MIGRATION_ID) }]);
    expect(fakes.executions.rollbacks).toEqual([]);
  });

  it('leaves one alone that is at work, was accepted a moment ago, or is begun', async () => {
    const atWork = await accepted();
    atWork.executions.states.set(RECOVERY_EXECUTION, { status: 'RUNNING' });
    for (const fakes of [atWork, await accepted({ startedAt: at(-59) }), await accepted({ state: 'running' })]) {
      expect(await find(fakes)).toEqual({ held: 0, started: [] });
      expect([fakes.executions.rollbacks, fakes.executions.recoveries]).toEqual([[], []]);
    }
  });

  it('does not keep the locks from being looked after', async ({ fakes }) => {
    stop(fakes);
    fakes.ledger.listRequestedRollbacks = () => Promise.reject(lost());
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
    const other = await begun();
    stop(other);
    other.ledger.listRequestedRollbacks = async () => [OTHER_MIGRATION_ID];
    other.journal.failNext('executions.describe');
    await find(other);
    expect(await find(other)).toMatchObject({ started: [MIGRATION_ID] });
  });
});

describe('of retirements that were requested, find-stranded', () => {
  const arn = executionArn('retire-1', 'Retire');
  const requested = aRetirement({
    id: 'retire-1',
    state: 'requested',
    executionArn: arn,
    startedAt: at(-61),
    requestedBy: 'jo',
    reason: 'it is time',
  });
  async function accepted(change: Partial<Retirement> = {}): Promise<Fakes> {
    const fakes = newFakes();
    fakes.settings.retires = true;
    await fakes.ledger.putMigration(aMigration());
    await fakes.ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'migrated', endedAt: at(-100) });
    await fakes.ledger.changeRetirement(MIGRATION_ID, undefined, { ...requested, ...change });
    return fakes;
  }

  it('starts one that was accepted and never started, under its own name, and with what was asked for', async () => {
    const fakes = await accepted();
    expect(await find(fakes)).toEqual({ held: 0, started: [] });
    const { action, dryRun, soakDays, requestedBy, reason } = requested;
    expect(fakes.executions.retirements).toEqual([
      { migrationId: MIGRATION_ID, name: 'retire-1', action, dryRun, soakDays, requestedBy, reason },
    ]);
    expect([fakes.executions.recoveries, fakes.telemetry.counts.stranded]).toEqual([[], 1]);
  });

  it('leaves one alone that is at work, was accepted a moment ago, or is begun', async () => {
    const atWork = await accepted();
    atWork.executions.states.set(arn, { status: 'RUNNING' });
    for (const fakes of [atWork, await accepted({ startedAt: at(-59) }), await accepted({ state: 'running' })]) {
      await find(fakes);
      expect(fakes.executions.retirements).toEqual([]);
      expect(fakes.telemetry.counts.stranded).toBe(0);
    }
  });

  it.each(['stopped before it began', 'can not be started any more'])('ends one that %s', async (how) => {
    const fakes = await accepted();
    if (how.startsWith('stopped')) fakes.executions.states.set(arn, { status: 'ABORTED', stoppedAt: at(-30) });
    else fakes.settings.retires = false;
    await find(fakes);
    expect(fakes.executions.retirements).toEqual([]);
    expect(await fakes.ledger.getRetirement(MIGRATION_ID)).toMatchObject({
      state: 'ended',
      error: { name: 'ExecutionStopped' },
    });
    expect(await fakes.ledger.listRequestedRetirements()).toEqual([]);
  });

  it('starts Recover for the same migration too, where its lock was left', async ({ fakes }) => {
    fakes.settings.retires = true;
    stop(fakes);
    await fakes.ledger.changeRetirement(MIGRATION_ID, undefined, requested);
    expect(await find(fakes)).toEqual({ held: 2, started: [MIGRATION_ID] });
    expect([fakes.executions.retirements.length, fakes.executions.recoveries.length]).toEqual([1, 1]);
  });

  it('does not keep the locks from being looked after', async ({ fakes }) => {
    stop(fakes);
    fakes.ledger.listRequestedRetirements = () => Promise.reject(lost());
    expect(await find(fakes)).toMatchObject({ started: [MIGRATION_ID] });
  });
});
