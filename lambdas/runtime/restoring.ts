/**
 * What the steps of the way back share: one look at all that its decision needs, and the deletion of what is left over.
 */
import { ownedOf } from '../domain/associations.ts';
import { isAssociationConflict, MigrationError } from '../domain/errors.ts';
import type { AddonSnapshot, Association, Migration, Target } from '../domain/model.ts';
import { decideRestore, type RestoreDecision, type RestoreFacts } from '../domain/restore.ts';
import { leftOvers, madeByOthers } from '../domain/restore-associations.ts';
import type { Clock, Eks, Ledger } from '../ports/index.ts';
import { listPlannedAssociations } from './associations.ts';
import { assertNamespaceHolds } from './file-holds.ts';
import { lookAtAddon } from './looks.ts';

export interface RestoreLook extends RestoreFacts {
  record: Migration;
  decision: RestoreDecision;
}

interface Looking {
  eks: Eks;
  clock: Clock;
  record: Migration;
  snapshot: AddonSnapshot;
  actions: number;
}

/** One look at the add-on and its associations; that it is absent is confirmed before it is believed. */
export async function lookAtRestore({ eks, clock, record, snapshot, actions }: Looking): Promise<RestoreLook> {
  const now = await lookAtAddon(eks, snapshot.addon.name, clock);
  assertNamespaceHolds(snapshot, now);
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
  look: RestoreLook,
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
  look: RestoreLook,
  { eks }: Pick<Restoring, 'eks'>,
  change: () => Promise<T>,
): Promise<T> {
  try {
    return await change();
  } catch (error) {
    if (!isAssociationConflict(error)) throw error;
    const there = await listPlannedAssociations(eks, ownedOf(look.snapshot.planned));
    const [other] = madeByOthers(look.snapshot, look.record, look.now, there);
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
