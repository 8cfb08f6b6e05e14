/**
 * A create or an update of an add-on, and directly before it the deletion of the associations that would make EKS answer
 * "Association already exists". Both are one invocation's work, since the pods of such an association have none in
 * between.
 */
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/migration/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { changeGuard, type LockedInput } from './guard.ts';
import { associationChanged, decideNow } from './association-conflicts.ts';
import type { AddonWork } from './recorded.ts';

/**
 * How long the first try waits for after a delete, and each later one that many times longer: EKS frees the key of a
 * deleted association within seconds (aws-controllers-k8s/community#2684: one to three).
 */
const KEY_IS_FREED_MS = 2000;
const MOST_TRIES = 5;
/** What is left of an invocation's time when it still waits for a key: longer than the wait and a change. */
const NEEDED_MS = 30_000;

export interface ConflictWork {
  work: Omit<AddonWork, 'plan'>;
  input: LockedInput;
  dependencies: Pick<HandlerDependencies, 'portsFor' | 'ledger' | 'clock' | 'remainingTime'>;
}

/**
 * Lists what conflicts with the planned associations. Throws AssociationChanged where one of them is not this
 * migration's to delete.
 */
export async function conflicting({ work, input, dependencies }: ConflictWork): Promise<Association[]> {
  const { target, subject: addon } = input;
  const found: Association[] = [];
  for (const association of await listPlannedAssociations(dependencies.portsFor(target).eks, work.snapshot.planned)) {
    const decision = decideNow(association, { ...work, target, addon });
    if (decision.do === 'refuse') throw associationChanged(decision.reason, decision.remedy);
    if (decision.do === 'purge') found.push(association);
  }
  return found;
}

/**
 * Deletes the conflicting associations, one by one. Each is in the ledger, whole, before it goes, and the lock is read
 * before each. Returns the ids of those that it deleted. Throws AssociationChanged, having deleted none.
 */
export async function purgeConflicting(conflicts: ConflictWork): Promise<string[]> {
  const { input, dependencies } = conflicts;
  const { eks } = dependencies.portsFor(input.target);
  const guard = changeGuard(dependencies, input);
  const purged: string[] = [];
  for (const association of await conflicting(conflicts)) {
    await dependencies.ledger.recordAssociation(input.migrationId, 'purged', association);
    await guard();
    if (await eks.deleteAssociation(association.id)) purged.push(association.id);
  }
  return purged;
}

/**
 * Deletes the conflicting associations and makes the change, with the lock read before each. A key that is not free yet
 * is waited for as long as the invocation has time, then AssociationStillThere is thrown: whoever comes again goes on.
 */
export async function overConflicts<T>(conflicts: ConflictWork, change: () => Promise<T>): Promise<T> {
  const { input, dependencies } = conflicts;
  const guard = changeGuard(dependencies, input);
  for (let tries = 1; ; tries += 1) {
    const purged = await purgeConflicting(conflicts);
    if (purged.length > 0) await dependencies.clock.sleep(KEY_IS_FREED_MS);
    await guard();
    try {
      return await change();
    } catch (error) {
      if (!isAssociationConflict(error)) throw error;
      if (tries >= MOST_TRIES || dependencies.remainingTime() < NEEDED_MS)
        throw new MigrationError('AssociationStillThere', error.message, { cause: error });
      await dependencies.clock.sleep(tries * KEY_IS_FREED_MS);
    }
  }
}
