/** Rolls back a service account's association: deletes what the migration has created, and keeps what existed before. */
import { plannedFor } from '../../domain/associations/associations.ts';
import { isTaken } from '../../domain/rollback/decisions.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Migration, Snapshot } from '../../domain/record/migration.ts';
import type { PlannedAssociation } from '../../domain/terms/planned.ts';
import {
  accountProblemBack,
  associationText,
  foreignAssociations,
  ownAssociations,
} from '../../domain/migration/service-account.ts';
import type { Clock, Eks, Kubernetes, Ledger, Roles } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { readUntilSure } from '../confirmed/reads.ts';
import { readAccount } from '../confirmed/service-account.ts';
import { assertIrsaWorks } from './irsa.ts';
import { assertInTime } from './remove-associations.ts';
import { deleteNoted } from './restore.ts';

export interface AccountRestoring {
  record: Migration;
  snapshot: Snapshot;
  eks: Eks;
  kubernetes: Kubernetes;
  roles: Roles;
  ledger: Ledger;
  clock: Clock;
  /** Must be called directly before each change. */
  guard: () => Promise<void>;
}

/**
 * Throws if the service account or its annotation, which was restored before, is missing: new pods would have no role
 * without the association, so that it is kept. So it is if IRSA no longer works.
 */
async function assertIrsaIsLeft(gone: readonly Association[], work: AccountRestoring): Promise<void> {
  const { record, snapshot, kubernetes, clock } = work;
  const { serviceAccount: was } = snapshot;
  await assertIrsaWorks(gone, work);
  if (!was || record.request.verification === 'api') return;
  const why = accountProblemBack(record, was, await readAccount(kubernetes, was, clock), false);
  if (why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `The rollback stopped: ${why}. The association was left as it is, since pods would have no role without it; run the record's restore commands to restore the former state.`,
    );
  await assertInTime(gone, work);
}

type AssociationRestoring = Pick<AccountRestoring, 'record' | 'snapshot' | 'eks' | 'ledger' | 'clock' | 'guard'>;

interface Restored {
  /** The ids of the associations that existed before and still exist. */
  there: string[];
  /** This migration's own associations that are deleted, by any call: EKS's webhook knows them for some seconds more. */
  taken: Association[];
}

/**
 * Deletes the associations that this migration itself has created for those service accounts. Each association is stored
 * whole in the ledger before it is deleted. `assertRemovable` is called before the first delete with the associations to
 * delete, and throws if pods would have no role then. Throws RestoreRefused if an association was created outside this
 * migration in the meantime, and AssociationStillThere while a deleted one is listed.
 */
export async function deleteOwnAssociations(
  { record, snapshot, eks, ledger, clock, guard }: AssociationRestoring,
  planned: readonly PlannedAssociation[],
  assertRemovable: (gone: readonly Association[]) => Promise<void>,
): Promise<Restored> {
  const { migrationId, associations } = record;
  const list = (): Promise<Association[]> => listPlannedAssociations(eks, planned);
  const ownIn = (found: readonly Association[]): Association[] => ownAssociations(record, snapshot, found);
  // An association whose create lost its reply may not be listed at once.
  const there = await readUntilSure(clock, list, (found) => found.length > 0);
  const created = associations.created.filter(
    (one) => one.ownerArn === undefined && plannedFor(one, planned) !== undefined,
  );
  // If this migration has created none, a change of the service account by another principal is not for it to judge.
  const own = ownIn(there);
  if (created.length > 0 || own.length > 0) await assertRemovable(own);
  await deleteNoted(own, { migrationId, eks, ledger, guard });
  const now = await readUntilSure(clock, list, (found) => ownIn(found).length > 0);
  const [left] = ownIn(now);
  if (left)
    throw new MigrationError(
      'AssociationStillThere',
      `Association ${left.id} of this migration is still listed after its deletion.`,
    );
  const [foreign] = foreignAssociations(record, snapshot, now);
  // If this migration has created none, no pod was restarted for it: a third-party association conflicts with nothing.
  if (foreign && created.length > 0 && !isTaken(record, 'association-created'))
    throw new MigrationError(
      'RestoreRefused',
      `Association ${associationText(foreign)} was created outside this migration. It was left alone, and new pods do not use IRSA while it exists. The record's restore commands show the former state.`,
    );
  const known = new Set(created.map(({ id }) => id));
  return {
    there: now.map(({ id }) => id),
    taken: [...created, ...own.filter(({ id }) => !known.has(id))],
  };
}

/** Rolls back the association of a service account that belongs to no add-on. */
export const restoreOfAccount = (work: AccountRestoring): Promise<Restored> =>
  deleteOwnAssociations(work, work.snapshot.planned, (gone) => assertIrsaIsLeft(gone, work));
