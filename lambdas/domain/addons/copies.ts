/**
 * Whose copy of the add-on is this? Each CreateAddon makes a new copy with an ARN of its own; the ledger's record says
 * which copies this migration asked EKS to delete (noted before the call) and which it made (noted after it). A copy of
 * somebody else's is left alone, and what somebody else has deleted is not made again.
 */
import { ownedOf } from '../associations/associations.ts';
import type { Addon, Migration, AddonSnapshot } from '../migration/model.ts';

/** What the record knows of the add-on's copies, ARNs. */
export type KnownCopies = Pick<Migration, 'removed' | 'made'>;

/**
 * - `snapshot`: the copy that the snapshot shows, whatever became of it since.
 * - `made`: one that this migration is known to have made.
 * - `planned-shape`: not known, but as CreateAddon on the road makes it, and all known ones were removed by this
 *   migration: its own, from a call whose reply was lost.
 * - `restored-shape`: the same for the CreateAddon of the way back.
 * - `foreign`: somebody else's.
 * - `removed-by-us`: there is none, and this migration has removed all that it knew.
 * - `gone`: there is none, and it was not this migration that removed the last one.
 */
export type Copy = 'snapshot' | 'made' | 'planned-shape' | 'restored-shape' | 'foreign' | 'removed-by-us' | 'gone';

/** `undefined` for an absence that was confirmed by several looks. */
export function classifyCopy(snapshot: AddonSnapshot, record: KnownCopies, now: Addon | undefined): Copy {
  const allRemoved = [snapshot.addon.arn, ...record.made].every((arn) => record.removed.includes(arn));
  if (!now) return allRemoved ? 'removed-by-us' : 'gone';
  if (now.arn === snapshot.addon.arn) return 'snapshot';
  if (record.made.includes(now.arn)) return 'made';
  // As long as a copy of ours has not been removed, no other one can be ours.
  if (!allRemoved) return 'foreign';
  if (hasPlannedShape(snapshot, now)) return 'planned-shape';
  return hasRestoredShape(snapshot, now) ? 'restored-shape' : 'foreign';
}

/** Version and raw configuration values never change in a migration: neither on the road nor on the way back. */
const isSameSoftware = ({ addon: was }: AddonSnapshot, now: Addon): boolean =>
  now.version === was.version && now.configurationValues === was.configurationValues;

/** As `create-addon` makes it: no role, one association for each service account that it takes one for. */
export const hasPlannedShape = (snapshot: AddonSnapshot, now: Addon): boolean =>
  isSameSoftware(snapshot, now) &&
  now.serviceAccountRoleArn === undefined &&
  now.podIdentityAssociations.length === ownedOf(snapshot.planned).length;

/** As the way back makes it: the snapshot's role and as many associations as the add-on owned then. */
export const hasRestoredShape = (snapshot: AddonSnapshot, now: Addon): boolean =>
  isSameSoftware(snapshot, now) &&
  now.serviceAccountRoleArn === snapshot.addon.serviceAccountRoleArn &&
  now.podIdentityAssociations.length === snapshot.addon.podIdentityAssociations.length;

/**
 * What somebody else has changed at a copy of this migration's, in words, or undefined. The migration itself only ever
 * takes the role away or puts the snapshot's back.
 */
export function changedByThirdParty({ addon: was }: AddonSnapshot, now: Addon): string | undefined {
  if (now.version !== was.version)
    return `somebody else changed add-on ${was.name} meanwhile: version ${now.version}, was ${was.version}`;
  if (now.configurationValues !== was.configurationValues)
    return `somebody else changed the configuration values of add-on ${was.name} meanwhile`;
  if (now.serviceAccountRoleArn !== undefined && now.serviceAccountRoleArn !== was.serviceAccountRoleArn) {
    return `somebody else gave add-on ${was.name} the role ${now.serviceAccountRoleArn}`;
  }
  return undefined;
}

/** ARN of the copy that stands, as far as the record knows: the one that this migration has not asked EKS to delete. */
export const standingCopy = (snapshot: AddonSnapshot, record: KnownCopies): string | undefined =>
  [...record.made, snapshot.addon.arn].find((arn) => !record.removed.includes(arn));
