/**
 * What the steps of the way back share: one look at all that its decision needs, and the deletion of what is left over.
 */
import { ownedOf } from '../../domain/associations/associations.ts';
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { AddonSnapshot, Association, Migration, Target } from '../../domain/migration/model.ts';
import { decideRestore, type RestoreDecision, type RestoreFacts } from '../../domain/rollback/restore.ts';
import { leftOvers, createdByThirdParty } from '../../domain/rollback/associations.ts';
import type { Clock, Eks, Ledger } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { assertNamespaceMatches } from '../migration/record-integrity.ts';
import { readAddonUntilSure } from '../pods/confirmed-reads.ts';

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

/** One look at the add-on and its associations; that it is absent is confirmed before it is believed. */
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
  /** To be called directly before each change. */
  guard: () => Promise<void>;
}

/** Deletes what this migration left behind, or those of it, each noted first; answers the facts without it. */
export async function deleteLeftOvers(
  look: RestoreObservation,
  { migrationId, eks, ledger, guard }: Restoring,
  which: (one: Association) => boolean = () => true,
): Promise<RestoreFacts> {
  const left = leftOvers(look.snapshot, look.record, look.now, look.associations).filter(which);
  for (const association of left) {
    await ledger.recordAssociation(migrationId, 'purged', association);
    await guard();
    await eks.deleteAssociation(association.id);
  }
  return { ...look, associations: look.associations.filter((one) => !left.includes(one)) };
}

/**
 * Runs a create or an update and makes of EKS's "Association already exists" what it means: somebody else's association
 * is in the way, or none is listed and the key of a deleted one is not free yet.
 * Source of the text: aws-controllers-k8s/community#2684.
 */
export async function overFreedKeys<T>(
  look: RestoreObservation,
  { eks }: Pick<Restoring, 'eks'>,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    const there = await listPlannedAssociations(eks, ownedOf(look.snapshot.planned));
    const [other] = createdByThirdParty(look.snapshot, look.record, look.now, there);
    if (other) {
      throw new MigrationError(
        'RestoreRefused',
        `Somebody else associated ${other.namespace}/${other.serviceAccount} with ${other.roleArn} meanwhile (${other.id}); it was left alone, and stands in the way of the add-on as it was.`,
        { cause: error },
      );
    }
    throw new MigrationError('AssociationStillThere', error.message, { cause: error });
  }
}
