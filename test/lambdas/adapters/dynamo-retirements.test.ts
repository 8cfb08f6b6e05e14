/** The last retirement of a migration: one conditional write each, held by DynamoDB (in process) and by the fake. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { Retirement } from '../../../lambdas/domain/record/retirement.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import { aMigration, aRetirement, aRollback, at, MIGRATION_ID } from '../fixtures.ts';
import { LEDGERS } from './ledgers.ts';

describe.each(LEDGERS)('the retirement of a migration, in the ledger on %s', (_, open) => {
  let ledger: Ledger;
  const requested = (n: number): Retirement =>
    aRetirement({ id: `r-${n}`, state: 'requested', executionArn: `arn:${n}` });
  const read = async (): Promise<Retirement | undefined> => (await ledger.getMigration(MIGRATION_ID))?.retirement;

  beforeEach(async () => {
    ledger = await open();
    await ledger.putMigration(aMigration());
    await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'migrated', endedAt: at(300) });
  });

  it('is requested once, of twenty at once, and is listed until it is begun', async () => {
    expect(await ledger.getRetirement(MIGRATION_ID)).toBeUndefined();
    const accepted = await Promise.all(
      Array.from({ length: 20 }, (__, n) => ledger.changeRetirement(MIGRATION_ID, undefined, requested(n))),
    );
    expect(accepted.filter(Boolean)).toHaveLength(1);
    const first = requested(accepted.indexOf(true));
    expect([await read(), await ledger.getRetirement(MIGRATION_ID)]).toEqual([first, first]);
    expect(await ledger.listRequestedRetirements()).toEqual([MIGRATION_ID]);
    expect([await ledger.listHeldLocks(), await ledger.listRequestedRollbacks()]).toEqual([[], []]);

    const running: Retirement = { ...first, state: 'running' };
    for (const before of [undefined, requested(99), running, { ...first, executionArn: 'arn:another' }])
      expect(await ledger.changeRetirement(MIGRATION_ID, before, running)).toBe(false);
    expect([await ledger.changeRetirement(MIGRATION_ID, first, running), await read()]).toEqual([true, running]);
    expect(await ledger.listRequestedRetirements()).toEqual([]);
    // A late call changes nothing, and another one may follow.
    expect(await ledger.changeRetirement(MIGRATION_ID, first, running)).toBe(false);
    const ended: Retirement = { ...running, state: 'ended', endedAt: at(400), done: false, checks: [], roles: [] };
    expect(await ledger.changeRetirement(MIGRATION_ID, running, ended)).toBe(true);
    expect(await ledger.changeRetirement(MIGRATION_ID, ended, requested(30))).toBe(true);
    expect(await ledger.listRequestedRetirements()).toEqual([MIGRATION_ID]);
  });

  it('and a rollback that is requested at the same time are both listed, and neither changes the other', async () => {
    const rollback = aRollback({ state: 'requested', after: 'migrated' });
    expect(await ledger.changeRetirement(MIGRATION_ID, undefined, requested(1))).toBe(true);
    expect(await ledger.changeRollback(MIGRATION_ID, { status: 'ended' }, { status: 'rolling-back', rollback })).toBe(
      true,
    );
    expect([await ledger.listRequestedRetirements(), await ledger.listRequestedRollbacks()]).toEqual([
      [MIGRATION_ID],
      [MIGRATION_ID],
    ]);
    await ledger.changeRetirement(MIGRATION_ID, requested(1), { ...requested(1), state: 'running' });
    expect([await ledger.listRequestedRetirements(), await ledger.listRequestedRollbacks()]).toEqual([
      [],
      [MIGRATION_ID],
    ]);
    expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ rollback, retirement: { state: 'running' } });
  });

  it('is no retirement that was noted of a role, and is not changed by other writes', async () => {
    await ledger.changeRetirement(MIGRATION_ID, undefined, requested(1));
    await ledger.updateMigration(MIGRATION_ID, { retirement: requested(2), verified: 'none' });
    expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ retirements: [], retirement: requested(1) });
  });
});
