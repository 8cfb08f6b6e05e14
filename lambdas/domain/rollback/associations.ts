/** Decides which associations a rollback restores and deletes, and which of their settings are still missing. */
import { accountOf } from '../terms/subject.ts';
import { ownTags } from '../associations/associations.ts';
import { isOwnedBy } from '../aws/arn.ts';
import type { Addon, Association } from '../terms/observed.ts';
import type { Migration, AddonSnapshot } from '../record/migration.ts';

/**
 * Returns the associations of the snapshot that the add-on owned. They are restored with it, through the add-on's API.
 */
export const ownedBefore = ({ addon, associations }: AddonSnapshot): Association[] =>
  associations.filter((one) => one.ownerArn === addon.arn);

export const wasOwned = (snapshot: AddonSnapshot, { id }: Pick<Association, 'id'>): boolean =>
  ownedBefore(snapshot).some((one) => one.id === id);

/** Returns the fields of an association that the add-on's API can express, as text. */
const contentOf = (one: Association): string => `${accountOf(one)} ${one.roleArn}`;

/** Compares an add-on's associations with those before: which are missing, and which are new. */
export function compareOwned(
  snapshot: AddonSnapshot,
  owned: readonly Association[],
): { missing: Association[]; extra: Association[] } {
  const before = ownedBefore(snapshot);
  const had = new Set(before.map(contentOf));
  const has = new Set(owned.map(contentOf));
  return {
    missing: before.filter((one) => !has.has(contentOf(one))),
    extra: owned.filter((one) => !had.has(contentOf(one))),
  };
}

/**
 * Returns the associations that are restored as standalone ones: standalone associations, and left-overs of an earlier
 * copy of the add-on, whose owner can't be created again. Associations of another add-on are never purged.
 */
export const standAloneBefore = ({ addon, associations }: AddonSnapshot, cluster: string): Association[] =>
  associations.filter(
    (one) => one.ownerArn === undefined || (one.ownerArn !== addon.arn && isOwnedBy(one.ownerArn, cluster, addon.name)),
  );

/** The copies and associations of this migration according to the record. */
export type KnownAssociations = Pick<Migration, 'made' | 'associations'>;

/**
 * Returns the existing associations that this migration has caused and that are not deleted with an add-on: their owner
 * is
 * a copy that is gone, or EKS has cleared the owner. They would keep new pods on Pod Identity, and would conflict with
 * a
 * new association for the same service account.
 */
export function leftOvers(
  snapshot: AddonSnapshot,
  record: KnownAssociations,
  now: Addon | undefined,
  there: Association[],
): Association[] {
  const copies = new Set([snapshot.addon.arn, ...record.made]);
  const known = new Set([...record.associations.created, ...ownedBefore(snapshot)].map((one) => one.id));
  return there.filter((one) => {
    if (one.ownerArn === undefined) return known.has(one.id);
    return one.ownerArn !== now?.arn && copies.has(one.ownerArn);
  });
}

/**
 * Returns the existing associations that the rollback deletes once the role is back: those of this migration, whether the
 * current copy or an earlier copy owns them.
 */
export function toRemove(
  snapshot: AddonSnapshot,
  record: KnownAssociations,
  now: Addon | undefined,
  there: Association[],
): Association[] {
  const owned = now === undefined ? [] : there.filter((one) => one.ownerArn === now.arn);
  return [...compareOwned(snapshot, owned).extra, ...leftOvers(snapshot, record, now, there)];
}

/** Returns the associations that belong neither to the snapshot, nor to this migration, nor to the current copy. */
export function createdByThirdParty(
  snapshot: AddonSnapshot,
  record: KnownAssociations,
  now: Addon | undefined,
  there: Association[],
): Association[] {
  const ours = new Set(
    [...snapshot.associations, ...record.associations.restored, ...leftOvers(snapshot, record, now, there)].map(
      (one) => one.id,
    ),
  );
  return there.filter((one) => !ours.has(one.id) && (now === undefined || one.ownerArn !== now.arn));
}

export interface MissingFields {
  /** For UpdatePodIdentityAssociation; absent if nothing is missing. */
  change?: { targetRoleArn?: string; disableSessionTags?: boolean; policy?: string };
  /** For TagResource. */
  tags?: Record<string, string>;
}

/** Returns the settings that an association had and its replacement lacks; empty if nothing is missing. */
export function missingFields(was: Association, now: Association): MissingFields {
  const change = {
    ...(was.targetRoleArn !== undefined && was.targetRoleArn !== now.targetRoleArn
      ? { targetRoleArn: was.targetRoleArn }
      : {}),
    ...((was.disableSessionTags ?? false) === (now.disableSessionTags ?? false)
      ? {}
      : { disableSessionTags: was.disableSessionTags ?? false }),
    ...(was.policy !== undefined && was.policy !== now.policy ? { policy: was.policy } : {}),
  };
  const tags = Object.fromEntries(Object.entries(ownTags(was.tags)).filter(([key, value]) => now.tags[key] !== value));
  return { ...(Object.keys(change).length > 0 ? { change } : {}), ...(Object.keys(tags).length > 0 ? { tags } : {}) };
}

const KEPT = ['namespace', 'serviceAccount', 'roleArn', 'targetRoleArn', 'policy'] as const;

/** Returns whether two associations are the same in every field that a caller can set. */
export function isSameAssociation(was: Association, now: Association): boolean {
  const tags = (one: Association): string =>
    JSON.stringify(Object.entries(ownTags(one.tags)).sort(([a], [b]) => (a < b ? -1 : 1)));
  return (
    KEPT.every((field) => was[field] === now[field]) &&
    (was.disableSessionTags ?? false) === (now.disableSessionTags ?? false) &&
    tags(was) === tags(now)
  );
}
