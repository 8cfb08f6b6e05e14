/** A migration that `begin` has let through: record, snapshot and locks are in the ledger, the journal is empty. */
import type { Association } from '../../../lambdas/domain/terms/observed.ts';
import type { Migration, Snapshot } from '../../../lambdas/domain/record/migration.ts';
import type { Plan } from '../../../lambdas/domain/record/plan.ts';
import { newFakes, type Fakes } from '../fakes.ts';
import { ADDON, target } from '../example.ts';
import { ADDON_LOCK, at, EXECUTION, MIGRATION_ID, ROLE_LOCK, ownHolder, otherHolder } from '../run-examples.ts';
import { anAssociation } from '../eks-fixtures.ts';
import { aMigration, aPlan, aSnapshot } from '../fixtures.ts';

export const LOCK = ADDON_LOCK;
export const LEFT_OVER = anAssociation();

export interface Begun extends Fakes {
  /** Input of a step of the change, on the first way. */
  input: { migrationId: string; target: typeof target; subject: string; fence: number; attempt: number };
  record(): Promise<Migration>;
  update(change: Parameters<Fakes['ledger']['updateMigration']>[1]): Promise<void>;
  /** Another migration takes the subject's lock away. */
  loseLock(): Promise<void>;
}

/** From that record and that snapshot, under the lock of that subject and the role's. */
export async function begunFrom(
  record: Migration,
  snapshot: Snapshot,
  { subject, lock }: { subject: string; lock: string },
): Promise<Begun> {
  const fakes = newFakes();
  const { ledger, journal } = fakes;
  await ledger.putMigration(record);
  await ledger.putSnapshot(MIGRATION_ID, snapshot);
  for (const key of [lock, ROLE_LOCK]) await ledger.acquireLock(key, ownHolder(at(0)));
  journal.clear();
  return {
    ...fakes,
    input: { migrationId: MIGRATION_ID, target, subject, fence: 1, attempt: 0 },
    record: async () => (await ledger.getMigration(MIGRATION_ID))!,
    update: (change) => ledger.updateMigration(MIGRATION_ID, change),
    loseLock: async () => {
      await ledger.releaseLock(lock, EXECUTION);
      await ledger.acquireLock(lock, otherHolder(at(1)));
    },
  };
}

export async function begun(
  change: { record?: Partial<Migration>; plan?: Partial<Plan>; snapshot?: Partial<Snapshot> } = {},
): Promise<Begun> {
  const plan = aPlan({
    ...(change.snapshot?.planned ? { associations: change.snapshot.planned } : {}),
    ...change.plan,
  });
  return begunFrom(
    aMigration({ plan, locks: [LOCK, ROLE_LOCK], attempt: 0, ...change.record }),
    aSnapshot(change.snapshot),
    { subject: ADDON, lock: LOCK },
  );
}

/** Begins a migration with a conflicting standalone association, which the plan and the snapshot contain. */
export const begunWithLeftOver = async (
  change: Partial<Association> = {},
  plan: Partial<Plan> = {},
): Promise<Begun> => {
  const association = { ...LEFT_OVER, ...change };
  const fakes = await begun({
    plan: { existing: [association.id], purge: [association.id], ...plan },
    snapshot: { associations: [association] },
  });
  fakes.eks.associations = [association];
  return fakes;
};
