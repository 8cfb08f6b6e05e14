/** A migration that `begin` has let through: record, snapshot and lock are in the ledger, the journal is empty. */
import type { Migration, Plan, Snapshot } from '../../../lambdas/domain/model.ts';
import { addonLock } from '../../../lambdas/runtime/lock.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { ADDON, aMigration, anAssociation, aPlan, aSnapshot, at, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID, target } from '../fixtures.ts';

export const LOCK = addonLock(target, ADDON);
export const LEFT_OVER = anAssociation();

export interface Begun extends Fakes {
  /** Input of a step that holds the lock. */
  input: { migrationId: string; target: typeof target; addon: string; fence: number };
  record(): Promise<Migration>;
  /** Another migration takes the lock away. */
  loseLock(): Promise<void>;
}

export async function begun(change: { record?: Partial<Migration>; plan?: Partial<Plan>; snapshot?: Partial<Snapshot> } = {}): Promise<Begun> {
  const fakes = newFakes();
  const { ledger, journal } = fakes;
  await ledger.putMigration(aMigration({ plan: aPlan(change.plan), ...change.record }));
  await ledger.putSnapshot(MIGRATION_ID, aSnapshot(change.snapshot));
  await ledger.acquireLock(LOCK, { migrationId: MIGRATION_ID, executionArn: EXECUTION, since: at(0) });
  journal.clear();
  return {
    ...fakes,
    input: { migrationId: MIGRATION_ID, target, addon: ADDON, fence: 1 },
    record: async () => (await ledger.getMigration(MIGRATION_ID))!,
    loseLock: async () => {
      await ledger.releaseLock(LOCK, MIGRATION_ID);
      await ledger.acquireLock(LOCK, { migrationId: OTHER_MIGRATION_ID, executionArn: 'another', since: at(1) });
    },
  };
}

/** With a stand-alone association in the way, known to plan and snapshot. */
export const begunWithLeftOver = async (change: Partial<typeof LEFT_OVER> = {}): Promise<Begun> => {
  const association = { ...LEFT_OVER, ...change };
  const fakes = await begun({ plan: { purge: [association.id] }, snapshot: { associations: [association] } });
  fakes.eks.associations = [association];
  return fakes;
};
