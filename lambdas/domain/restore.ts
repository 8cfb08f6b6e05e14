/**
 * What to do next to put back what was: a decision from the snapshot, the record and what is there now, so that the
 * same function serves the first look, each poll, and one that follows a lost reply. It never answers with another
 * version or another configuration than the add-on has, and what somebody else has done meanwhile is left to a person.
 */
import { ownedOf } from './associations.ts';
import { changedByOthers, classifyCopy } from './copies.ts';
import { isTaken } from './decided.ts';
import type { Addon, Association, Migration, ResolveConflicts, Rung, AddonSnapshot } from './model.ts';
import { type KnownAssociations, leftOvers, ownedBefore } from './restore-associations.ts';

export type RestoreDecision =
  | { do: 'wait'; why: string }
  | { do: 'create' }
  /** Detach the new associations and attach the role again, by UpdateAddon: pods roll, nothing is removed. */
  | { do: 'update' }
  /** A copy that never worked has to go before it can be made again. */
  | { do: 'delete' }
  | { do: 'done' }
  | { do: 'refuse'; why: string };

export type RestoreRecord = KnownAssociations & Pick<Migration, 'removed' | 'plan' | 'rung' | 'recovery'>;

export interface RestoreFacts {
  snapshot: AddonSnapshot;
  record: RestoreRecord;
  /** `undefined` for an absence that was confirmed by several looks. */
  now: Addon | undefined;
  /** Of the service accounts that the add-on takes associations for, as they are now. */
  associations: Association[];
  /** How many actions the way back has taken so far. */
  actions: number;
}

/** A delete that failed is tried again as long as the way back has not taken more actions than this. */
const DELETES_AGAIN = 2;

const BUSY: ReadonlySet<Addon['status']> = new Set(['CREATING', 'UPDATING', 'DELETING']);

const reasons = (addon: Addon): string => addon.issues.map((issue) => issue.message).join('; ') || 'no reason given';

/** The way that was being tried when the migration failed; `undefined` where none was begun. */
export const rungTried = ({ plan, rung = 0 }: Pick<RestoreRecord, 'plan' | 'rung'>): Rung | undefined =>
  plan?.ladder[rung];

/**
 * Whether the add-on's Kubernetes objects outlived what the migration deleted: they did unless it asked for the
 * opposite.
 */
const objectsPreserved = (record: Pick<RestoreRecord, 'plan' | 'rung'>): boolean => {
  const tried = rungTried(record);
  return tried?.strategy !== 'recreate' || tried.preserve;
};

/** DeleteAddon's `preserve` for a copy that failed, as the way that failed had it. */
export const preservesFailedCopy = objectsPreserved;

/**
 * CreateAddon's `resolveConflicts` on the way back: what others changed in preserved objects is reset by consent alone.
 */
export const conflictsOfCreate = (
  record: Pick<RestoreRecord, 'plan' | 'rung'>,
): Extract<ResolveConflicts, 'NONE' | 'OVERWRITE'> =>
  !objectsPreserved(record) || rungTried(record)?.resolveConflicts === 'OVERWRITE' ? 'OVERWRITE' : 'NONE';

/** Fields that others own stopped a create over preserved objects, and nobody has agreed to reset them. */
export const needsConsent = (record: Pick<RestoreRecord, 'plan' | 'rung'>, now: Addon): boolean =>
  now.issues.some((issue) => issue.code === 'ConfigurationConflict') && conflictsOfCreate(record) === 'NONE';

/** One association, as far as the add-on's API can say it. */
const key = ({ namespace, serviceAccount, roleArn }: Association): string =>
  `${namespace}/${serviceAccount} ${roleArn}`;
const sameKeys = (a: Association[], b: Association[]): boolean =>
  a.map(key).sort().join('\n') === b.map(key).sort().join('\n');

/** What the add-on owns now, or `undefined` while DescribeAddon and the list do not agree. */
function ownedNow({ snapshot, associations }: RestoreFacts, now: Addon): Association[] | undefined {
  const owned = associations.filter((one) => one.ownerArn === now.arn);
  // Of service accounts that are not planned, if the add-on has any: not looked at, and not ours.
  const others = new Set(
    snapshot.addon.podIdentityAssociations.filter((arn) => snapshot.associations.every((one) => one.arn !== arn)),
  );
  const listed = new Set(owned.map((one) => one.arn));
  const described = now.podIdentityAssociations.filter((arn) => !others.has(arn));
  return described.length === listed.size && described.every((arn) => listed.has(arn)) ? owned : undefined;
}

/** Role and associations of a copy that is not busy and did not fail to be made or deleted. */
function decideIdentity(facts: RestoreFacts, now: Addon, mayUpdate: boolean): RestoreDecision {
  const { snapshot, record, associations } = facts;
  const was = snapshot.addon;
  const owned = ownedNow(facts, now);
  if (!owned) return { do: 'wait', why: `the associations of add-on ${was.name} are not listed as it shows them yet` };
  if (now.serviceAccountRoleArn === was.serviceAccountRoleArn && sameKeys(owned, ownedBefore(snapshot))) {
    if (leftOvers(snapshot, record, now, associations).length > 0 || (mayUpdate && now.status === 'UPDATE_FAILED'))
      return { do: 'update' };
    return now.status === 'ACTIVE'
      ? { do: 'done' }
      : { do: 'wait', why: `add-on ${was.name} has its identity back and is ${now.status}: ${reasons(now)}` };
  }
  const planned = new Set(ownedOf(snapshot.planned).map((one) => `${one.namespace}/${one.serviceAccount}`));
  const asPlanned =
    owned.length === planned.size && owned.every((one) => planned.has(`${one.namespace}/${one.serviceAccount}`));
  if (mayUpdate && asPlanned) return { do: 'update' };
  return {
    do: 'refuse',
    why: `somebody else changed add-on ${was.name} meanwhile: it has ${now.serviceAccountRoleArn ?? 'no role'} and ${owned.length} associations, which is neither as it was nor as this migration makes it`,
  };
}

export function decideRestore(facts: RestoreFacts): RestoreDecision {
  const { snapshot, record, now, actions } = facts;
  const was = snapshot.addon;
  const copy = classifyCopy(snapshot, record, now);
  if (!now)
    return copy === 'removed-by-us'
      ? { do: 'create' }
      : { do: 'refuse', why: `somebody else deleted add-on ${was.name} meanwhile` };
  if (BUSY.has(now.status)) return { do: 'wait', why: `add-on ${was.name} is ${now.status}` };

  const changed = changedByOthers(snapshot, now);
  if (changed !== undefined || copy === 'foreign') {
    // Left as it is; but where it has its identity back, there is nothing to put back either.
    const identity = decideIdentity(facts, now, false);
    if (
      (changed === undefined || isTaken(record, 'addon-changed')) &&
      (now.status === 'ACTIVE' || now.status === 'DEGRADED') &&
      identity.do !== 'refuse'
    )
      return identity;
    return {
      do: 'refuse',
      why:
        changed ??
        `somebody else made add-on ${was.name} again meanwhile, otherwise than it was (${now.serviceAccountRoleArn ?? 'no role'}, ${now.status})`,
    };
  }
  if (now.status === 'CREATE_FAILED') {
    if (!needsConsent(record, now)) return { do: 'delete' };
    return {
      do: 'refuse',
      why: `add-on ${was.name} can't be made again over objects that others have changed, and nobody has agreed to reset them: ${reasons(now)}`,
    };
  }
  if (now.status === 'DELETE_FAILED') {
    if (record.removed.includes(now.arn) && actions < DELETES_AGAIN) return { do: 'delete' };
    return { do: 'refuse', why: `EKS could not delete add-on ${was.name}: ${reasons(now)}` };
  }
  return decideIdentity(facts, now, true);
}

/**
 * Whether the add-on is still the very one that the snapshot shows: same incarnation, version, role and configuration.
 */
export const isAsSnapshot = (snapshot: Pick<AddonSnapshot, 'addon'>, now: Addon): boolean =>
  now.arn === snapshot.addon.arn &&
  now.version === snapshot.addon.version &&
  now.serviceAccountRoleArn === snapshot.addon.serviceAccountRoleArn &&
  now.configurationValues === snapshot.addon.configurationValues;
