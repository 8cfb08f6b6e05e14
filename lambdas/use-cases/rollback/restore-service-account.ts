/** The way back of a service account's association: what the migration made goes, what was there before stays. */
import { plannedFor } from '../../domain/associations/associations.ts';
import { isTaken } from '../../domain/rollback/decisions.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Association, Migration, PlannedAssociation, Snapshot } from '../../domain/migration/model.ts';
import {
  accountProblemBack,
  associationText,
  foreignAssociations,
  isOwnAssociation,
  wasThere,
} from '../../domain/migration/service-account.ts';
import type { Clock, Eks, Kubernetes, Ledger } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { readUntilSure } from '../pods/confirmed-reads.ts';
import { readAccount } from '../migration/service-account.ts';
import { assertInTime } from './remove-associations.ts';

export interface AccountRestoring {
  record: Migration;
  snapshot: Snapshot;
  eks: Eks;
  kubernetes: Kubernetes;
  ledger: Ledger;
  clock: Clock;
  /** To be called directly before each change. */
  guard: () => Promise<void>;
}

/**
 * Without its annotation, which was put back before, or without the service account, new pods would have no role at
 * all: the association stays then.
 */
async function assertIrsaIsLeft(gone: readonly Association[], work: AccountRestoring): Promise<void> {
  const { record, snapshot, kubernetes, clock } = work;
  const { serviceAccount: was } = snapshot;
  if (!was || record.request.verification === 'api') return;
  const why = accountProblemBack(record, was, await readAccount(kubernetes, was, clock), false);
  if (why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `The way back stops: ${why}. The association was left as it is, since pods would be without a role; the record's hand-off has the commands that put it back.`,
    );
  await assertInTime(gone, work);
}

type AssociationRestoring = Pick<AccountRestoring, 'record' | 'snapshot' | 'eks' | 'ledger' | 'clock' | 'guard'>;

interface Restored {
  /** Ids of those that were there before and still are. */
  there: string[];
  /** This migration's own, by whichever call they went: EKS's webhook knows of them for some seconds more. */
  taken: Association[];
}

/**
 * Takes away what this migration has made by itself for those service accounts. Each association is in the ledger,
 * whole, before it is deleted. `assertLeft`: called before the first delete with what goes; throws where pods would be
 * without a role then. Throws RestoreRefused where somebody else's association takes the place, AssociationStillThere while a deleted
 * one is listed.
 */
export async function deleteOwnAssociations(
  { record, snapshot, eks, ledger, clock, guard }: AssociationRestoring,
  planned: readonly PlannedAssociation[],
  assertLeft: (gone: readonly Association[]) => Promise<void>,
): Promise<Restored> {
  const { migrationId, associations } = record;
  const list = (): Promise<Association[]> => listPlannedAssociations(eks, planned);
  const isLeft = (one: Association): boolean => !wasThere(snapshot, one) && isOwnAssociation(record, one);
  // One whose create's reply was lost may not be listed at once.
  const there = await readUntilSure(clock, list, (found) => found.length > 0);
  const made = associations.created.filter(
    (one) => one.ownerArn === undefined && plannedFor(one, planned) !== undefined,
  );
  // Where it has made none, whatever somebody else did to the service account is not this migration's to judge.
  if (made.length > 0 || there.some(isLeft)) await assertLeft(there.filter(isLeft));
  for (const association of there.filter(isLeft)) {
    await ledger.recordAssociation(migrationId, 'purged', association);
    await guard();
    await eks.deleteAssociation(association.id);
  }
  const now = await readUntilSure(clock, list, (found) => found.some(isLeft));
  const [left] = now.filter(isLeft);
  if (left)
    throw new MigrationError('AssociationStillThere', `Association ${left.id} of this migration is still listed.`);
  const [foreign] = foreignAssociations(record, snapshot, now);
  // As long as this migration has made none, no pod was restarted for it: theirs is in nobody's way.
  if (foreign && made.length > 0 && !isTaken(record, 'association-created'))
    throw new MigrationError(
      'RestoreRefused',
      `Somebody else made association ${associationText(foreign)} meanwhile; it was left alone, and with it new pods do not go back to IRSA. The record's hand-off says how it was before.`,
    );
  const known = new Set(made.map(({ id }) => id));
  return {
    there: now.map(({ id }) => id),
    taken: [...made, ...there.filter((one) => isLeft(one) && !known.has(one.id))],
  };
}

/** The same of a service account that is no add-on's. */
export const restoreOfAccount = (work: AccountRestoring): Promise<Restored> =>
  deleteOwnAssociations(work, work.snapshot.planned, (gone) => assertIrsaIsLeft(gone, work));
