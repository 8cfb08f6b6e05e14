/** Which associations the way back puts back, which it takes away, and what of one is still missing. */
import { ownTags } from '../associations/associations.ts';
import { isOwnedBy } from '../aws/arn.ts';
import type { Addon, Association, Migration, AddonSnapshot } from '../migration/model.ts';

/**
 * Those of the snapshot that belonged to the add-on's copy itself: they come back with it, through the add-on's API.
 */
export const ownedBefore = ({ addon, associations }: AddonSnapshot): Association[] =>
  associations.filter((one) => one.ownerArn === addon.arn);

export const wasOwned = (snapshot: AddonSnapshot, { id }: Pick<Association, 'id'>): boolean =>
  ownedBefore(snapshot).some((one) => one.id === id);

/** Whose it is: `namespace/name` of its service account. */
export const accountOf = ({ namespace, serviceAccount }: Pick<Association, 'namespace' | 'serviceAccount'>): string =>
  `${namespace}/${serviceAccount}`;

/** One association, as far as the add-on's API can say it. */
const contentOf = (one: Association): string => `${accountOf(one)} ${one.roleArn}`;

/** What of an add-on's own associations is missing, and which it did not have before. */
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
 * Those that come back by themselves: standalone ones, and left-overs of an earlier copy of the add-on, whose owner
 * can't be made again. What another add-on owns is never purged, so there is nothing to put back.
 */
export const standAloneBefore = ({ addon, associations }: AddonSnapshot, cluster: string): Association[] =>
  associations.filter(
    (one) => one.ownerArn === undefined || (one.ownerArn !== addon.arn && isOwnedBy(one.ownerArn, cluster, addon.name)),
  );

/** What the record knows of the copies and the associations that are this migration's. */
export type KnownAssociations = Pick<Migration, 'made' | 'associations'>;

/**
 * Of the associations that are there now: those that this migration has brought about and that no add-on would take
 * with it: their owner is a copy that is gone, or EKS has cleared the owner. They would keep new pods on Pod Identity,
 * and no create could make one for the same service account.
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
 * Of the associations that are there now: those that the way back takes away once the role is back. They are the
 * migration's own, of the copy that is there and of earlier ones.
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

/** Those that neither the snapshot, nor this migration, nor the copy that is there now accounts for. */
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
  /** For UpdatePodIdentityAssociation; absent where nothing is missing. */
  change?: { targetRoleArn?: string; disableSessionTags?: boolean; policy?: string };
  /** For TagResource. */
  tags?: Record<string, string>;
}

/** What an association had that the one in its place has not; both empty where it is as it was. */
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

/** Whether one is the other again, in every field that a caller can set. */
export function isSameAssociation(was: Association, now: Association): boolean {
  const tags = (one: Association): string =>
    JSON.stringify(Object.entries(ownTags(one.tags)).sort(([a], [b]) => (a < b ? -1 : 1)));
  return (
    KEPT.every((field) => was[field] === now[field]) &&
    (was.disableSessionTags ?? false) === (now.disableSessionTags ?? false) &&
    tags(was) === tags(now)
  );
}
