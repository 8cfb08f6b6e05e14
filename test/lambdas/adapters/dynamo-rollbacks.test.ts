/** The rollback in a record: one conditional write each, held by DynamoDB (in process) and by the fake. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Rollback } from '../../../lambdas/domain/record/rollback.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import { aMigration, aRollback, at, MIGRATION_ID, RECOVERY_EXECUTION } from '../fixtures.ts';
import { LEDGERS } from './ledgers.ts';

describe.each(LEDGERS)('the rollback of a migration, in the ledger on %s', (_, open) => {
  let ledger: Ledger;
  const requested = (n: number): Rollback =>
    aRollback({ id: `r-${n}`, state: 'requested', after: 'migrated', executionArn: `arn:${n}` });
  const request = (n: number): Promise<boolean> =>
    ledger.changeRollback(MIGRATION_ID, { status: 'ended' }, { status: 'rolling-back', rollback: requested(n) });
  const read = () => ledger.getMigration(MIGRATION_ID);

  beforeEach(async () => {
    ledger = await open();
    await ledger.putMigration(aMigration());
    await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'migrated', endedAt: at(300) });
  });

  it('is requested once, of twenty at once, and the end of before stays in the record', async () => {
    const accepted = await Promise.all(Array.from({ length: 20 }, (__, n) => request(n)));
    const first = accepted.indexOf(true);
    expect(accepted.filter(Boolean)).toHaveLength(1);
    expect(await read()).toMatchObject({
      status: 'rolling-back',
      outcome: 'migrated',
      endedAt: at(300),
      rollback: requested(first),
    });
    expect(await ledger.listRequestedRollbacks()).toEqual([MIGRATION_ID]);
    // No lock is listed by that.
    expect(await ledger.listHeldLocks()).toEqual([]);
  });

  it('is refused or begun where it is still as it was read, and is listed until then', async () => {
    await request(1);
    const refused: Rollback = { ...requested(1), state: 'refused', error: { name: 'X', message: 'y' } };
    const after = { status: 'ended', rollback: refused } as const;
    for (const rollback of [requested(2), { ...requested(1), executionArn: 'arn:2' }, undefined])
      expect(
        await ledger.changeRollback(MIGRATION_ID, { status: 'rolling-back', ...(rollback ? { rollback } : {}) }, after),
      ).toBe(false);
    expect(await read()).toMatchObject({ status: 'rolling-back', rollback: requested(1) });
    const before = { status: 'rolling-back', rollback: requested(1) } as const;
    expect(await ledger.changeRollback(MIGRATION_ID, before, after)).toBe(true);
    expect(await read()).toMatchObject({ status: 'ended', outcome: 'migrated', endedAt: at(300), rollback: refused });
    expect(await ledger.listRequestedRollbacks()).toEqual([]);
    // A late call changes nothing.
    expect(await ledger.changeRollback(MIGRATION_ID, before, after)).toBe(false);
    // A refused one may be followed by another one.
    expect(await ledger.changeRollback(MIGRATION_ID, after, { status: 'rolling-back', rollback: requested(3) })).toBe(
      true,
    );
    const running: Rollback = { ...requested(3), state: 'running' };
    const third = { status: 'rolling-back', rollback: requested(3) } as const;
    const begun = { ...third, rollback: running, executionArn: RECOVERY_EXECUTION, verified: 'none' } as const;
    expect(await ledger.changeRollback(MIGRATION_ID, third, begun)).toBe(true);
    expect(await read()).toMatchObject({ executionArn: RECOVERY_EXECUTION, verified: 'none', rollback: running });
    expect(await ledger.listRequestedRollbacks()).toEqual([]);
  });

  it('has what it waits for noted, and nothing of what the migration waited for before', async () => {
    await ledger.updateMigration(MIGRATION_ID, {
      waitingFor: { what: 'pods', since: at(1), until: at(2), text: 'x', state: 'S', notedAt: at(1), notified: false },
    });
    await request(1);
    expect((await read())?.waitingFor).toBeUndefined();
    const wait = { what: 'execution', since: at(9), until: at(99), text: 'x', state: 'TakeOver' } as const;
    await ledger.noteWait(MIGRATION_ID, { ...wait, notedAt: at(9), notified: false }, []);
    expect((await read())?.waitingFor).toMatchObject(wait);
  });

  it('is of a migration that is there', async () =>
    expect(
      await ledger.changeRollback('another', { status: 'ended' }, { status: 'rolling-back', rollback: requested(1) }),
    ).toBe(false));
});
