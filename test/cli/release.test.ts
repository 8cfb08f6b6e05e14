import { DescribeExecutionCommand, ExecutionDoesNotExist, SFNClient } from '@aws-sdk/client-sfn';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { release, type Released } from '../../cli/service/release.ts';
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { subjectLock } from '../../lambdas/use-cases/record/lock.ts';
import { FakeLedger } from '../lambdas/fake-ledger.ts';
import {
  ADDON,
  aMigration,
  at,
  EXECUTION,
  MIGRATION_ID,
  OTHER_MIGRATION_ID,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  target,
} from '../lambdas/fixtures.ts';
import { otherHolder } from '../lambdas/run-examples.ts';
import { aBackend } from './backend-fixtures.ts';
import { anExit, expectError } from '../lambdas/matchers.ts';

const LOCK = subjectLock(target, ADDON);
const NOW = at(600);
const sfn = mockClient(SFNClient);
afterAll(() => sfn.restore());
beforeEach(() => {
  sfn.reset();
  sfn.on(DescribeExecutionCommand).rejects(new ExecutionDoesNotExist({ message: 'no', $metadata: {} }));
});

/** A migration with that outcome, whose execution holds both its locks, parked. */
const ended = async (change: Partial<Migration> = {}, holder = EXECUTION): Promise<FakeLedger> => {
  const ledger = new FakeLedger();
  await ledger.putMigration(aMigration());
  await ledger.updateMigration(MIGRATION_ID, {
    executionArn: EXECUTION,
    locks: [LOCK, ROLE_LOCK],
    status: 'ended',
    outcome: 'needs-human',
    endedAt: at(300),
    ...change,
  });
  for (const key of [LOCK, ROLE_LOCK]) {
    await ledger.acquireLock(key, { migrationId: MIGRATION_ID, executionArn: holder, since: at(0) });
    await ledger.parkLock(key, holder);
  }
  return ledger;
};
const ask = (ledger: Ledger, change: { reason?: string } = { reason: 'gone for good' }): Promise<Released> =>
  release(aBackend(ledger, Date.parse(NOW)), { migrationId: MIGRATION_ID, requestedBy: 'me', ...change });
const holders = (ledger: Ledger): Promise<(string | undefined)[]> =>
  Promise.all([LOCK, ROLE_LOCK].map(async (key) => (await ledger.readLock(key))?.holder?.migrationId));

const released = { at: NOW, by: 'me', reason: 'gone for good' };

describe('a release', () => {
  it('releases every lock that the migration holds, and records the requester', async () => {
    const ledger = await ended();
    const before = await ledger.getMigration(MIGRATION_ID);
    expect(await ask(ledger)).toEqual({ migrationId: MIGRATION_ID, released, locks: [LOCK, ROLE_LOCK], first: true });
    expect(await holders(ledger)).toEqual([undefined, undefined]);
    expect(await ledger.getMigration(MIGRATION_ID)).toEqual({ ...before, released });
    // The next holder gets the lock under a new fence.
    expect(await ledger.acquireLock(LOCK, otherHolder(NOW))).toEqual({ acquired: true, fence: 2 });
  });

  it("releases the add-on's lock if the record names no locks", async () => {
    const ledger = await ended({ locks: [] });
    expect((await ask(ledger)).locks).toEqual([LOCK]);
  });

  it('leaves the locks of other migrations as they are', async () => {
    const ledger = await ended();
    await ledger.releaseLock(ROLE_LOCK, EXECUTION);
    await ledger.acquireLock(ROLE_LOCK, otherHolder(at(400)));
    expect([(await ask(ledger)).locks, await holders(ledger)]).toEqual([[LOCK], [undefined, OTHER_MIGRATION_ID]]);
  });

  it('can be repeated, and keeps what the first one recorded', async () => {
    const first = { at: at(500), by: 'you' };
    const ledger = await ended({ released: first });
    for (const key of [LOCK, ROLE_LOCK]) await ledger.releaseLock(key, EXECUTION);
    expect(await ask(ledger)).toEqual({ migrationId: MIGRATION_ID, released: first, locks: [], first: false });
    expect((await ledger.getMigration(MIGRATION_ID))?.released).toEqual(first);
  });

  it('that was recorded and then interrupted is completed by the next one', async () => {
    const ledger = await ended({ released: { at: at(500), by: 'you' } });
    await ledger.releaseLock(LOCK, EXECUTION);
    expect(await ask(ledger)).toMatchObject({ locks: [ROLE_LOCK], first: true, released });
  });

  it('of an earlier end does not count for this one', async () => {
    const ledger = await ended({ released: { at: at(200), by: 'you' } });
    for (const key of [LOCK, ROLE_LOCK]) await ledger.releaseLock(key, EXECUTION);
    const mine = { at: NOW, by: 'me' };
    expect(await ask(ledger, {})).toEqual({ migrationId: MIGRATION_ID, released: mine, locks: [], first: true });
  });

  it('counts for the end that it follows, even with a wrong local clock', async () =>
    expect((await ask(await ended({ endedAt: at(700) }))).released.at).toBe(at(700)));

  it.each([
    ['is still running', { status: 'running' } as const, 'is still running'],
    ['ended migrated', { outcome: 'migrated' } as const, 'ended migrated'],
    ['was blocked', { outcome: 'blocked' } as const, 'ended blocked'],
  ])('of a migration that %s is bad input', async (_, change, message) => {
    const ledger = await ended(change);
    await expect(ask(ledger)).rejects.toMatchObject(anExit('NotReleased', 2, message));
    expect(await holders(ledger)).toEqual([MIGRATION_ID, MIGRATION_ID]);
  });

  it('of a migration that has just been started, or that does not exist, is bad input', async () => {
    await expect(ask(new FakeLedger())).rejects.toMatchObject({ name: 'UnknownMigration', exitCode: 2 });
    sfn.on(DescribeExecutionCommand).resolves({ status: 'RUNNING' });
    await expect(ask(new FakeLedger())).rejects.toMatchObject(anExit('NotReleased', 2, 'is still running'));
  });

  it.each([
    ['runs', { status: 'RUNNING' } as const],
    ['has only just stopped', { status: 'ABORTED', stopDate: new Date(Date.parse(NOW) - 74_000) } as const],
  ])('waits for a rollback that has taken the locks and %s', async (_, execution) => {
    sfn.on(DescribeExecutionCommand, { executionArn: RECOVERY_EXECUTION }).resolves(execution);
    const ledger = await ended({}, RECOVERY_EXECUTION);
    await expect(ask(ledger)).rejects.toMatchObject(anExit('NotReleased', 2, RECOVERY_EXECUTION));
    expect(await holders(ledger)).toEqual([MIGRATION_ID, MIGRATION_ID]);
    expect((await ledger.getMigration(MIGRATION_ID))?.released).toBeUndefined();
  });

  it('releases locks left by a rollback that stopped before it was recorded', async () => {
    sfn
      .on(DescribeExecutionCommand, { executionArn: RECOVERY_EXECUTION })
      .resolves({ status: 'ABORTED', stopDate: new Date(Date.parse(NOW) - 75_000) });
    const ledger = await ended({}, RECOVERY_EXECUTION);
    expect([(await ask(ledger)).locks, await holders(ledger)]).toEqual([
      [LOCK, ROLE_LOCK],
      [undefined, undefined],
    ]);
  });

  it('releases nothing if a rollback takes the locks in the meantime', async () => {
    const ledger = await ended();
    const note = ledger.updateMigration.bind(ledger);
    ledger.updateMigration = async (...change) => {
      await note(...change);
      await ledger.takeOverLock(
        LOCK,
        { executionArn: EXECUTION, fence: 1 },
        { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, since: NOW },
      );
    };
    await expectError(ask(ledger), 'NotReleased', RECOVERY_EXECUTION);
    expect((await ledger.readLock(LOCK))?.holder?.executionArn).toBe(RECOVERY_EXECUTION);
  });
});
