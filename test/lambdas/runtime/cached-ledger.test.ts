import { describe, expect, test } from 'vitest';
import type { Ledger } from '../../../lambdas/ports/index.ts';
import { rememberedLedger } from '../../../lambdas/runtime/cached-ledger.ts';
import { lost, newFakes } from '../fakes.ts';
import { ADDON_LOCK, aMigration, aSnapshot, at, EXECUTION, MIGRATION_ID, ownHolder } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const it = test.extend('given', () => open());
const open = async () => {
  const fakes = newFakes();
  await fakes.ledger.putMigration(aMigration());
  fakes.journal.clear();
  return { fakes, ledger: rememberedLedger(fakes.dependencies.ledger, () => fakes.invocation.remaining) };
};

describe("an invocation's ledger", () => {
  it('reads a migration once, whatever is asked of it', async ({ given: { fakes, ledger } }) => {
    expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ migrationId: MIGRATION_ID });
    expect(await ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
    expect(await ledger.getCancel(MIGRATION_ID)).toBeUndefined();
    expect(fakes.journal.names()).toEqual(['ledger.getFile']);
  });

  it('reads it again after it has written to it', async () => {
    const { ledger } = await open();
    await ledger.getMigration(MIGRATION_ID);
    await ledger.putSnapshot(MIGRATION_ID, aSnapshot());
    await ledger.updateMigration(MIGRATION_ID, { attempt: 1 });
    expect(await ledger.getSnapshot(MIGRATION_ID)).toEqual(aSnapshot());
    expect((await ledger.getMigration(MIGRATION_ID))?.attempt).toBe(1);
  });

  it('reads it again after a write whose reply was lost', async ({ given: { fakes, ledger } }) => {
    await ledger.getMigration(MIGRATION_ID);
    fakes.journal.failNext('ledger.updateMigration', 'after');
    await expect(ledger.updateMigration(MIGRATION_ID, { attempt: 2 })).rejects.toThrow(lost().message);
    expect((await ledger.getMigration(MIGRATION_ID))?.attempt).toBe(2);
  });

  it.each([
    'putMigration',
    'recordPlan',
    'noteAttempt',
    'recordRecovery',
    'updateMigration',
    'recordAssociation',
    'recordCopy',
    'recordAnnotation',
    'recordTrustChange',
    'recordRetirement',
    'requestCancel',
    'putApproval',
    'decideApproval',
    'putSnapshot',
  ] as const satisfies (keyof Ledger)[])('reads it again after %s', async (method) => {
    let reads = 0;
    const inner = { getFile: async () => ((reads += 1), {}), [method]: async () => undefined } as unknown as Ledger;
    const ledger = rememberedLedger(inner, () => 60_000);
    await ledger.getFile(MIGRATION_ID);
    await ledger.getFile(MIGRATION_ID);
    await (ledger[method] as () => Promise<unknown>)();
    await ledger.getFile(MIGRATION_ID);
    expect(reads).toBe(2);
  });

  it('asks again for what it could not read', async ({ given: { fakes, ledger } }) => {
    fakes.journal.failNext('ledger.getFile');
    await expect(ledger.getMigration(MIGRATION_ID)).rejects.toThrow(lost().message);
    expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ migrationId: MIGRATION_ID });
  });

  it('writes nothing once its time is up, and still reads', async ({ given: { fakes, ledger } }) => {
    fakes.invocation.remaining = 0;
    await expectError(ledger.updateMigration(MIGRATION_ID, { attempt: 1 }), 'OutOfTime');
    await expectError(ledger.recordStep(MIGRATION_ID, { name: 'plan', startedAt: at(0), endedAt: at(1) }), 'OutOfTime');
    expect([await ledger.getMigration(MIGRATION_ID), await ledger.unsent(MIGRATION_ID)]).toEqual([aMigration(), []]);
    expect(await ledger.approvalToken(MIGRATION_ID, 1)).toBeUndefined();
  });

  it('never remembers a lock', async ({ given: { fakes, ledger } }) => {
    await ledger.acquireLock(ADDON_LOCK, ownHolder(at(0)));
    await ledger.assertLock(ADDON_LOCK, MIGRATION_ID, 1);
    await fakes.ledger.releaseLock(ADDON_LOCK, EXECUTION);
    await expectError(ledger.assertLock(ADDON_LOCK, MIGRATION_ID, 1), 'LockLost');
  });
});
