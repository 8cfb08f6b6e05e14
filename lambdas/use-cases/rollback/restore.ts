/**
 * Shared by the steps of the rollback: reads all that a decision needs, and deletes left-over associations.
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { AddonSnapshot, Migration } from '../../domain/record/migration.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { Target } from '../../domain/terms/subject.ts';
import { decideRestore, type RestoreDecision, type RestoreFacts } from '../../domain/rollback/restore.ts';
import { leftOvers, createdByThirdParty } from '../../domain/rollback/associations.ts';
import type { Clock, Eks, Ledger } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { assertNamespaceMatches } from '../record/integrity.ts';
import { readAddonUntilSure } from '../confirmed/reads.ts';

export interface RestoreObservation extends RestoreFacts {
  record: Migration;
  decision: RestoreDecision;
}

interface Observer {
  eks: Eks;
  clock: Clock;
  record: Migration;
  snapshot: AddonSnapshot;
  actions: number;
}

/** Reads the add-on and its associations once; an absence is confirmed before it is believed. */
export async function observeRestore({ eks, clock, record, snapshot, actions }: Observer): Promise<RestoreObservation> {
  const now = await readAddonUntilSure(eks, snapshot.addon.name, clock);
  assertNamespaceMatches(snapshot, now);
  const associations = await listPlannedAssociations(eks, ownedOf(snapshot.planned));
  const facts = { snapshot, record, now, associations, actions };
  return { ...facts, decision: decideRestore(facts) };
}

export interface Restoring {
  migrationId: string;
  target: Target;
  eks: Eks;
  ledger: Ledger;
  /** Must be called directly before each change. */
  guard: () => Promise<void>;
}

/** Deletes these associations, each noted first. */
export async function deleteNoted(
  associations: readonly Association[],
  { migrationId, eks, ledger, guard }: Omit<Restoring, 'target'>,
): Promise<void> {
  for (const association of associations) {
    await ledger.recordAssociation(migrationId, 'purged', association);
    await guard();
    await eks.deleteAssociation(association.id);
  }
}

/** Deletes the associations that this migration left behind, or those chosen by `which`. Returns the facts without them. */
export async function deleteLeftOvers(
  seen: RestoreObservation,
  work: Restoring,
  which: (one: Association) => boolean = () => true,
): Promise<RestoreFacts> {
  const left = leftOvers(seen.snapshot, seen.record, seen.now, seen.associations).filter(which);
  await deleteNoted(left, work);
  return { ...seen, associations: seen.associations.filter((one) => !left.includes(one)) };
}

/**
 * Runs a create or an update and interprets EKS's "Association already exists": a third-party association conflicts, or none
 * is listed and the key of a deleted association is not free yet.
 * Source of the text: aws-controllers-k8s/community#2684.
 */
export async function overFreedKeys<T>(
  seen: RestoreObservation,
  { eks }: Pick<Restoring, 'eks'>,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    const there = await listPlannedAssociations(eks, ownedOf(seen.snapshot.planned));
    const [other] = createdByThirdParty(seen.snapshot, seen.record, seen.now, there);
    if (other) {
      throw new MigrationError(
        'RestoreRefused',
        `${other.namespace}/${other.serviceAccount} was associated with ${other.roleArn} outside this migration (${other.id}), which conflicts with the add-on's former state. The association was left alone. Delete it, or run the record's restore commands.`,
        { cause: error },
      );
    }
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
}
