/** The plan of an add-on whose lock another execution holds: nothing of the target is read. */
import { describe, expect, it } from 'vitest';
import type { ExecutionState } from '../../../lambdas/ports/index.ts';
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import {
  ADDON_LOCK,
  at,
  MIGRATION_ID,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  otherHolder,
  ownHolder,
} from '../run-examples.ts';
import { aMigration } from '../fixtures.ts';
import { containing, expectError, matching, said } from '../matchers.ts';
import { aPlanAnswer, runPlan } from './planning.ts';

const lockCheck = async ({ ledger }: Fakes) =>
  (await ledger.getMigration(MIGRATION_ID))?.plan?.checks.find((check) => check.id === 'lock-free');

/** Fakes in which another migration holds the lock, in that state. */
async function held(execution: ExecutionState | undefined, record?: Partial<Migration>): Promise<Fakes> {
  const fakes = newFakes();
  await fakes.ledger.acquireLock(ADDON_LOCK, otherHolder(at(-60)));
  if (record)
    await fakes.ledger.putMigration(
      aMigration({ migrationId: OTHER_MIGRATION_ID, executionArn: OTHER_EXECUTION, ...record }),
    );
  if (execution) fakes.executions.states.set(OTHER_EXECUTION, execution);
  else fakes.executions.states.delete(OTHER_EXECUTION);
  fakes.journal.clear();
  return fakes;
}
const ABORTED: ExecutionState = { status: 'ABORTED', stoppedAt: at(-30) };

describe('a held lock', () => {
  it.each<[string, ExecutionState, Partial<Migration>, object, RegExp]>([
    ['whose execution is at work', { status: 'RUNNING' }, {}, {}, /is still running/],
    ['whose execution is at work, for a dry run', { status: 'RUNNING' }, {}, { dryRun: true }, /is still running/],
    [
      'that waits',
      { status: 'FAILED', stoppedAt: at(-30) },
      { status: 'ended', outcome: 'needs-human' },
      {},
      /ended needs-human/,
    ],
    ['that waits for Recover, for a dry run', ABORTED, {}, { dryRun: true }, /its changes are being rolled back/],
  ])('%s blocks, by name, and nothing else is read', async (_, execution, record, request, message) => {
    const fakes = await held(execution, record);
    expect(await runPlan(fakes, request)).toEqual(
      aPlanAnswer({
        verdict: 'blocked',
        firstPolls: { updated: 18, created: 27, deleted: 20 },
        planHash: matching(/^[0-9a-f]{64}$/),
        blockedBy: ['lock-free'],
      }),
    );
    expect(await lockCheck(fakes)).toMatchObject(said('fail', message));
    for (const part of [OTHER_MIGRATION_ID, OTHER_EXECUTION, at(-60)])
      expect((await lockCheck(fakes))?.message).toContain(part);
    expect(fakes.journal.names().filter((name) => /^(eks|roles|kubernetes)\./.test(name))).toEqual([]);
    expect(await fakes.ledger.getMigration(MIGRATION_ID)).toMatchObject({ status: 'ended', outcome: 'blocked' });
  });

  it.each<[string, ExecutionState | undefined, Partial<Migration> | undefined]>([
    ['was aborted', ABORTED, {}],
    ['timed out', { status: 'TIMED_OUT', stoppedAt: at(-30) }, {}],
    ['is not known any more', undefined, {}],
    ['left its lock behind', { status: 'SUCCEEDED', stoppedAt: at(-30) }, { status: 'ended', outcome: 'migrated' }],
    ['left no record', ABORTED, undefined],
  ])('is waited for where its execution %s', async (_, execution, record) => {
    const fakes = await held(execution, record);
    await expectError(runPlan(fakes), 'RecoveryPending', `Migration ${OTHER_MIGRATION_ID} has held the lock`);
    expect(await fakes.ledger.getMigration(MIGRATION_ID)).toMatchObject({ status: 'running' });
    // Recover lets go of it; the same step goes on.
    await fakes.ledger.releaseLock(ADDON_LOCK, OTHER_EXECUTION);
    expect(await runPlan(fakes)).toMatchObject({ verdict: 'migrate' });
  });

  describe('that Recover has taken over, whatever the outcome was before,', () => {
    const RECOVERY = OTHER_EXECUTION.replace('MigrateAddon', 'Recover').concat('-1767603600');
    const recovering = async (): Promise<Fakes> => {
      const fakes = await held(undefined, { status: 'running', outcome: 'needs-human' });
      await fakes.ledger.releaseLock(ADDON_LOCK, OTHER_EXECUTION);
      await fakes.ledger.acquireLock(ADDON_LOCK, {
        migrationId: OTHER_MIGRATION_ID,
        executionArn: RECOVERY,
        since: at(-30),
      });
      fakes.executions.states.set(RECOVERY, { status: 'RUNNING' });
      return fakes;
    };

    it('is waited for', async () => {
      const fakes = await recovering();
      await expectError(runPlan(fakes), 'RecoveryPending', `${RECOVERY} is rolling back its change`);
      await fakes.ledger.releaseLock(ADDON_LOCK, RECOVERY);
      expect(await runPlan(fakes)).toMatchObject({ verdict: 'migrate' });
    });
    it('blocks a dry run, and nobody is told to cancel what goes back', async () => {
      const fakes = await recovering();
      expect(await runPlan(fakes, { dryRun: true })).toMatchObject({ verdict: 'blocked', blockedBy: ['lock-free'] });
      expect(await lockCheck(fakes)).toMatchObject({
        message: containing('are being rolled back'),
        remedy: expect.not.stringContaining('cancel') as string,
      });
    });
  });

  it('is no obstacle where this very execution holds it', async () => {
    const fakes = newFakes();
    await fakes.ledger.acquireLock(ADDON_LOCK, ownHolder(at(0)));
    expect(await runPlan(fakes)).toMatchObject({ verdict: 'migrate' });
    expect(fakes.journal.names()).not.toContain('executions.describe');
  });
  it('is no obstacle where it was let go', async () => {
    const fakes = await held({ status: 'RUNNING' });
    await fakes.ledger.releaseLock(ADDON_LOCK, OTHER_EXECUTION);
    expect([await runPlan(fakes), await lockCheck(fakes)]).toMatchObject([{ verdict: 'migrate' }, { status: 'pass' }]);
  });
});
