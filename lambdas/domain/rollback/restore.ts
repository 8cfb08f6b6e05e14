/**
 * Decides the next action of a rollback from the snapshot, the record and the current state, so that the same function
 * serves the first read, each poll, and a read after a lost reply. It never changes the version or the configuration of
 * the add-on, and leaves changes by another principal to a person.
 */
import { accountOf } from '../terms/subject.ts';
import { ownedOf } from '../associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../addons/copies.ts';
import { isTaken } from './decisions.ts';
import type { Addon, Association } from '../terms/observed.ts';
import type { Migration, AddonSnapshot } from '../record/migration.ts';
import type { ResolveConflicts } from '../request/request.ts';
import type { Attempt } from '../record/plan.ts';
import { compareOwned, type KnownAssociations, leftOvers, ownedBefore, wasOwned } from './associations.ts';

export type RestoreDecision =
  | { do: 'wait'; why: string }
  | { do: 'create' }
  /** Restore the role and the associations of the add-on by UpdateAddon, without removing anything yet. */
  | { do: 'update' }
  /** A copy that never worked must be deleted before the add-on can be created again. */
  | { do: 'delete' }
  | { do: 'done' }
  | { do: 'refuse'; why: string };

export type RestoreRecord = KnownAssociations &
  Pick<Migration, 'removed' | 'plan' | 'attempt' | 'rollback' | 'request'>;

export interface RestoreFacts {
  snapshot: AddonSnapshot;
  record: RestoreRecord;
  /** `undefined` if several reads have confirmed that there is no copy. */
  now: Addon | undefined;
  /** The current associations of the service accounts for which the add-on takes associations. */
  associations: Association[];
  /** How many actions the rollback has taken so far. */
  actions: number;
}

/** A failed delete is tried again until the rollback has taken this many actions. */
const DELETES_AGAIN = 2;

const BUSY: ReadonlySet<Addon['status']> = new Set(['CREATING', 'UPDATING', 'DELETING']);

const reasons = (addon: Addon): string => addon.issues.map((issue) => issue.message).join('; ') || 'no reason given';

/** Returns the attempt during which the migration failed; `undefined` if there was none. */
const triedAttempt = ({ plan, attempt = 0 }: Pick<RestoreRecord, 'plan' | 'attempt'>): Attempt | undefined =>
  plan?.attempts[attempt];

/**
 * Returns whether the add-on's Kubernetes objects were kept when the migration deleted the add-on, which is the case
 * unless the attempt was without `preserve`.
 */
const objectsPreserved = (record: Pick<RestoreRecord, 'plan' | 'attempt'>): boolean => {
  const tried = triedAttempt(record);
  return tried?.strategy !== 'recreate' || tried.preserve;
};

/** Returns DeleteAddon's `preserve` for a copy that failed, as in the attempt that failed. */
export const preservesFailedCopy = objectsPreserved;

/**
 * Returns CreateAddon's `resolveConflicts` for the rollback: third-party changes of preserved objects are reset only if
 * the request accepted that.
 */
export const conflictsOfCreate = (
  record: Pick<RestoreRecord, 'plan' | 'attempt'>,
): Extract<ResolveConflicts, 'NONE' | 'OVERWRITE'> =>
  !objectsPreserved(record) || triedAttempt(record)?.resolveConflicts === 'OVERWRITE' ? 'OVERWRITE' : 'NONE';

/**
 * Returns whether a create over preserved objects failed because of third-party fields, and the request did not accept
 * that they are reset.
 */
export const needsConsent = (record: Pick<RestoreRecord, 'plan' | 'attempt'>, now: Addon): boolean =>
  now.issues.some((issue) => issue.code === 'ConfigurationConflict') && conflictsOfCreate(record) === 'NONE';

/**
 * Returns the associations that the add-on owns now, or `undefined` while DescribeAddon and the list differ. An
 * association that this migration has deleted counts as deleted, even if DescribeAddon still shows its ARN, since it is
 * not known for how long it does.
 */
function ownedNow({ snapshot, record, associations }: RestoreFacts, now: Addon): Association[] | undefined {
  const owned = associations.filter((one) => one.ownerArn === now.arn);
  // Associations of service accounts that are not planned, if the add-on has any, do not belong to this migration.
  const others = new Set(
    snapshot.addon.podIdentityAssociations.filter((arn) => snapshot.associations.every((one) => one.arn !== arn)),
  );
  const listed = new Set(owned.map((one) => one.arn));
  const purged = new Set(record.associations.purged.map((one) => one.arn));
  const described = now.podIdentityAssociations.filter(
    (arn) => !others.has(arn) && (listed.has(arn) || !purged.has(arn)),
  );
  return described.length === listed.size && described.every((arn) => listed.has(arn)) ? owned : undefined;
}

/**
 * Returns whether EKS must replace the pods, by an update that removes the associations, since the service may not read
 * the pods. Otherwise the associations are deleted one by one, followed by the pods (`restore-associations`).
 */
export const isReplacedByEks = ({ request }: Pick<RestoreRecord, 'request'>): boolean => request.verification === 'api';

/** The parameters of the next UpdateAddon. */
export interface RestoreUpdate {
  /** Absent: the associations stay as they are. */
  podIdentityAssociations?: Association[];
  /** The associations to pass together with the role, if EKS refuses the role while there are associations. */
  instead?: Association[];
}

/**
 * Returns the next update. The role is restored first, by an update that leaves the associations unchanged: while there
 * is
 * an association, new pods use it, regardless of the annotation of their service account. The associations are deleted
 * when the annotation is back.
 */
export function updateOf(facts: RestoreFacts, now: Addon): RestoreUpdate {
  const { snapshot, record } = facts;
  const before = ownedBefore(snapshot);
  const { missing, extra } = compareOwned(snapshot, ownedNow(facts, now) ?? []);
  if (missing.length > 0 && !isReplacedByEks(record)) {
    const named = new Set(before.map(accountOf));
    return { podIdentityAssociations: [...before, ...extra.filter((one) => !named.has(accountOf(one)))] };
  }
  const isRoleFirst =
    snapshot.addon.serviceAccountRoleArn !== undefined &&
    (!isReplacedByEks(record) || now.serviceAccountRoleArn !== snapshot.addon.serviceAccountRoleArn) &&
    extra.length > 0;
  return isRoleFirst ? { instead: before } : { podIdentityAssociations: before };
}

/**
 * Decides about the role and the associations of a copy that is not busy, and whose create or delete has not failed.
 */
function decideIdentity(facts: RestoreFacts, now: Addon, mayUpdate: boolean): RestoreDecision {
  const { snapshot, record, associations } = facts;
  const was = snapshot.addon;
  const owned = ownedNow(facts, now);
  if (!owned) return { do: 'wait', why: `EKS does not list the associations that add-on ${was.name} shows yet` };
  const { missing, extra } = compareOwned(snapshot, owned);
  const byEks = isReplacedByEks(record);
  const isBack = now.serviceAccountRoleArn === was.serviceAccountRoleArn && missing.length === 0;
  if (isBack && (extra.length === 0 || (mayUpdate && !byEks))) {
    const left = leftOvers(snapshot, record, now, associations);
    if ((byEks && left.length > 0) || (mayUpdate && now.status === 'UPDATE_FAILED')) return { do: 'update' };
    // With their current identity the pods may never become ready, so the rollback continues to their former identity. It
    // verifies the pods, and then waits for the add-on, whose associations may be gone already, or be standalone ones.
    const mayGoOn = now.status === 'DEGRADED' && !byEks;
    return now.status === 'ACTIVE' || mayGoOn
      ? { do: 'done' }
      : { do: 'wait', why: `add-on ${was.name} has its former identity, and is ${now.status}: ${reasons(now)}` };
  }
  if (mayUpdate && isAsPlanned(facts, owned)) return { do: 'update' };
  return {
    do: 'refuse',
    why: `another principal has changed add-on ${was.name}: it has ${now.serviceAccountRoleArn ?? 'no role'} and ${owned.length} associations, which is neither its former state nor the planned one`,
  };
}

/** Returns whether the add-on owns the planned associations, except those that the rollback has already deleted. */
function isAsPlanned({ snapshot, record }: RestoreFacts, owned: readonly Association[]): boolean {
  const planned = new Set(ownedOf(snapshot.planned).map(accountOf));
  const there = new Set(owned.map(accountOf));
  // A conflicting standalone association was purged too, but was never one of the planned associations.
  const ofCopies = ({ ownerArn }: Association): boolean =>
    ownerArn !== undefined && [snapshot.addon.arn, ...record.made].includes(ownerArn);
  const taken = new Set(
    record.associations.purged.filter((one) => ofCopies(one) && !wasOwned(snapshot, one)).map(accountOf),
  );
  return (
    owned.every((one) => planned.has(accountOf(one))) && [...planned].every((one) => there.has(one) || taken.has(one))
  );
}

/** Decides the next action to restore the add-on. */
export function decideRestore(facts: RestoreFacts): RestoreDecision {
  const { snapshot, record, now, actions } = facts;
  const was = snapshot.addon;
  const copy = classifyCopy(snapshot, record, now);
  if (!now)
    return copy === 'removed-by-us'
      ? { do: 'create' }
      : { do: 'refuse', why: `another principal has deleted add-on ${was.name}` };
  if (BUSY.has(now.status)) return { do: 'wait', why: `add-on ${was.name} is ${now.status}` };

  const changed = changedByThirdParty(snapshot, now);
  if (changed !== undefined || copy === 'foreign') {
    // The add-on is left unchanged. If it has its former identity, there is nothing to restore.
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
        `another principal has created add-on ${was.name} again, with a different state (${now.serviceAccountRoleArn ?? 'no role'}, ${now.status})`,
    };
  }
  if (now.status === 'CREATE_FAILED') {
    if (!needsConsent(record, now)) return { do: 'delete' };
    return {
      do: 'refuse',
      why: `add-on ${was.name} cannot be created again over objects that other field managers have changed, and the request does not accept that these fields are reset: ${reasons(now)}`,
    };
  }
  if (now.status === 'DELETE_FAILED') {
    if (record.removed.includes(now.arn) && actions < DELETES_AGAIN) return { do: 'delete' };
    return { do: 'refuse', why: `EKS could not delete add-on ${was.name}: ${reasons(now)}` };
  }
  return decideIdentity(facts, now, true);
}

/**
 * Returns whether the add-on is still the one of the snapshot: same ARN, version, role and configuration.
 */
export const isAsSnapshot = (snapshot: Pick<AddonSnapshot, 'addon'>, now: Addon): boolean =>
  now.arn === snapshot.addon.arn &&
  now.version === snapshot.addon.version &&
  now.serviceAccountRoleArn === snapshot.addon.serviceAccountRoleArn &&
  now.configurationValues === snapshot.addon.configurationValues;
