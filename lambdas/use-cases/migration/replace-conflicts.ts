/**
 * Creates or updates an add-on, and directly before that deletes the associations that would make EKS answer "Association
 * already exists". Both happen in one invocation, since the pods of a deleted association have none in between.
 */
import { isAssociationConflict, MigrationError } from '../../domain/failures/errors.ts';
import type { Association } from '../../domain/terms/observed.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { changeGuard, type LockedInput } from './guard.ts';
import { associationChanged, decideNow } from './association-conflicts.ts';
import type { AddonWork } from '../record/recorded.ts';

/**
 * The milliseconds of the first wait after a delete; each later wait is that many times longer. EKS frees the key of a
 * deleted association within seconds (aws-controllers-k8s/community#2684: one to three).
 */
const KEY_IS_FREED_MS = 2000;
const MOST_TRIES = 5;
/** The milliseconds that must be left of an invocation's time to wait for a key: more than the wait and a change take. */
const NEEDED_MS = 30_000;

export interface ConflictWork {
  work: Omit<AddonWork, 'plan'>;
  input: LockedInput;
  dependencies: Pick<HandlerDependencies, 'portsFor' | 'ledger' | 'clock' | 'remainingTime'>;
}

/**
 * Returns the associations that conflict with the planned ones. Throws AssociationChanged if this migration may not delete
 * one of them.
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
 * Deletes the conflicting associations one by one. Each is stored whole in the ledger before its deletion, and the lock is
 * read before each. Returns the ids of the deleted ones. Throws AssociationChanged before any was deleted.
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
 * Deletes the conflicting associations and makes the change, with the lock read before each. Waits for a key that is not
 * free yet as long as the invocation has time, then throws AssociationStillThere; the next invocation continues.
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
