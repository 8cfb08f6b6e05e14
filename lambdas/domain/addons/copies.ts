/**
 * Determines who created a copy of the add-on. Each CreateAddon creates a copy with its own ARN. The ledger's record
 * has
 * the copies that this migration asked EKS to delete (recorded before the call) and those that it created (recorded
 * after
 * the call). A third-party copy is left unchanged, and a copy that another principal has deleted is not created again.
 */
import { ownedOf } from '../associations/associations.ts';
import type { Addon } from '../terms/observed.ts';
import type { Migration, AddonSnapshot } from '../record/migration.ts';

/** The ARNs of the add-on's copies that the record has. */
export type KnownCopies = Pick<Migration, 'removed' | 'made'>;

/**
 * - `snapshot`: the copy in the snapshot, even if it has changed since.
 * - `made`: a copy that this migration is known to have created.
 * - `planned-shape`: not known, but as the migration's CreateAddon creates it, and this migration has deleted all known
 *   copies: its own copy, from a call whose reply was lost.
 * - `restored-shape`: the same for the CreateAddon of the rollback.
 * - `foreign`: a copy of another principal.
 * - `removed-by-us`: there is no copy, and this migration has deleted all copies that it knew.
 * - `gone`: there is no copy, and this migration has not deleted the last one.
 */
export type Copy = 'snapshot' | 'made' | 'planned-shape' | 'restored-shape' | 'foreign' | 'removed-by-us' | 'gone';

/** Classifies the current copy. `now` is `undefined` if several reads have confirmed that there is none. */
export function classifyCopy(snapshot: AddonSnapshot, record: KnownCopies, now: Addon | undefined): Copy {
  const allRemoved = [snapshot.addon.arn, ...record.made].every((arn) => record.removed.includes(arn));
  if (!now) return allRemoved ? 'removed-by-us' : 'gone';
  if (now.arn === snapshot.addon.arn) return 'snapshot';
  if (record.made.includes(now.arn)) return 'made';
  // While a copy of this migration has not been deleted, no other copy can belong to this migration.
  if (!allRemoved) return 'foreign';
  if (hasPlannedShape(snapshot, now)) return 'planned-shape';
  return hasRestoredShape(snapshot, now) ? 'restored-shape' : 'foreign';
}

/** Version and raw configuration values never change, neither in a migration nor in its rollback. */
const isSameSoftware = ({ addon: was }: AddonSnapshot, now: Addon): boolean =>
  now.version === was.version && now.configurationValues === was.configurationValues;

/**
 * Returns whether a copy looks as `create-addon` creates it: no role, and one association per owned planned
 * association.
 */
export const hasPlannedShape = (snapshot: AddonSnapshot, now: Addon): boolean =>
  isSameSoftware(snapshot, now) &&
  now.serviceAccountRoleArn === undefined &&
  now.podIdentityAssociations.length === ownedOf(snapshot.planned).length;

/** Returns whether a copy looks as the rollback creates it: the snapshot's role, and as many associations as before. */
export const hasRestoredShape = (snapshot: AddonSnapshot, now: Addon): boolean =>
  isSameSoftware(snapshot, now) &&
  now.serviceAccountRoleArn === snapshot.addon.serviceAccountRoleArn &&
  now.podIdentityAssociations.length === snapshot.addon.podIdentityAssociations.length;

/**
 * Returns, as text, what another principal has changed at a copy of this migration, or `undefined`. The migration
 * itself
 * only removes the role or restores the one of the snapshot.
 */
export function changedByThirdParty({ addon: was }: AddonSnapshot, now: Addon): string | undefined {
  if (now.version !== was.version)
    return `another principal has changed the version of add-on ${was.name} to ${now.version}, was ${was.version}`;
  if (now.configurationValues !== was.configurationValues)
    return `another principal has changed the configuration values of add-on ${was.name}`;
  if (now.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn !== was.serviceAccountRoleArn) {
    return `another principal has given add-on ${was.name} the role ${now.serviceAccountRoleArn}`;
  }
  return undefined;
}

/**
 * Returns the ARN of the existing copy according to the record: the one that this migration has not asked EKS to
 * delete.
 */
export const standingCopy = (snapshot: AddonSnapshot, record: KnownCopies): string | undefined =>
  [...record.made, snapshot.addon.arn].find((arn) => !record.removed.includes(arn));
