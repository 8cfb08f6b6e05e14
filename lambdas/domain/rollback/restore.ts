/**
 * What to do next to put back what was: a decision from the snapshot, the record and what is there now, so that the
 * same function serves the first look, each poll, and one that follows a lost reply. It never answers with another
 * version or another configuration than the add-on has, and what somebody else has done meanwhile is left to a person.
 */
import { ownedOf } from '../associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../addons/copies.ts';
import { isTaken } from './decisions.ts';
import type { Addon, Association, Migration, ResolveConflicts, Attempt, AddonSnapshot } from '../migration/model.ts';
import { accountOf, compareOwned, type KnownAssociations, leftOvers, ownedBefore, wasOwned } from './associations.ts';

export type RestoreDecision =
  | { do: 'wait'; why: string }
  | { do: 'create' }
  /** Attach the role again, and what associations the add-on had, by UpdateAddon: nothing is removed meanwhile. */
  | { do: 'update' }
  /** A copy that never worked has to go before it can be made again. */
  | { do: 'delete' }
  | { do: 'done' }
  | { do: 'refuse'; why: string };

export type RestoreRecord = KnownAssociations &
  Pick<Migration, 'removed' | 'plan' | 'attempt' | 'rollback' | 'request'>;

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
export const triedAttempt = ({ plan, attempt = 0 }: Pick<RestoreRecord, 'plan' | 'attempt'>): Attempt | undefined =>
  plan?.attempts[attempt];

/**
 * Whether the add-on's Kubernetes objects outlived what the migration deleted: they did unless it asked for the
 * opposite.
 */
const objectsPreserved = (record: Pick<RestoreRecord, 'plan' | 'attempt'>): boolean => {
  const tried = triedAttempt(record);
  return tried?.strategy !== 'recreate' || tried.preserve;
};

/** DeleteAddon's `preserve` for a copy that failed, as the way that failed had it. */
export const preservesFailedCopy = objectsPreserved;

/**
 * CreateAddon's `resolveConflicts` on the way back: what others changed in preserved objects is reset by consent alone.
 */
export const conflictsOfCreate = (
  record: Pick<RestoreRecord, 'plan' | 'attempt'>,
): Extract<ResolveConflicts, 'NONE' | 'OVERWRITE'> =>
  !objectsPreserved(record) || triedAttempt(record)?.resolveConflicts === 'OVERWRITE' ? 'OVERWRITE' : 'NONE';

/** Fields that others own stopped a create over preserved objects, and nobody has agreed to reset them. */
export const needsConsent = (record: Pick<RestoreRecord, 'plan' | 'attempt'>, now: Addon): boolean =>
  now.issues.some((issue) => issue.code === 'ConfigurationConflict') && conflictsOfCreate(record) === 'NONE';

/**
 * What the add-on owns now, or `undefined` while DescribeAddon and the list do not agree. One that this migration has
 * deleted itself is gone, whatever DescribeAddon still shows: nobody knows what becomes of its ARN there.
 */
function ownedNow({ snapshot, record, associations }: RestoreFacts, now: Addon): Association[] | undefined {
  const owned = associations.filter((one) => one.ownerArn === now.arn);
  // Of service accounts that are not planned, if the add-on has any: not looked at, and not ours.
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
 * Whether EKS has to replace the pods, since nobody else may look at them: by an update that takes the associations
 * away. Otherwise they go one by one, and the pods after them (`restore-associations`).
 */
export const isReplacedByEks = ({ request }: Pick<RestoreRecord, 'request'>): boolean => request.verification === 'api';

/** What UpdateAddon has to say next. */
export interface RestoreUpdate {
  /** Left out: the associations stay as they are. */
  podIdentityAssociations?: Association[];
  /** What to say instead, where EKS refuses the role as long as there are associations: all at once. */
  instead?: Association[];
}

/**
 * The role comes first, by an update that leaves the associations as they are: while there is one, new pods take it,
 * whatever their service account is annotated with. They go when the annotation is back.
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

/** Role and associations of a copy that is not busy and did not fail to be made or deleted. */
function decideIdentity(facts: RestoreFacts, now: Addon, mayUpdate: boolean): RestoreDecision {
  const { snapshot, record, associations } = facts;
  const was = snapshot.addon;
  const owned = ownedNow(facts, now);
  if (!owned) return { do: 'wait', why: `the associations of add-on ${was.name} are not listed as it shows them yet` };
  const { missing, extra } = compareOwned(snapshot, owned);
  const byEks = isReplacedByEks(record);
  const isBack = now.serviceAccountRoleArn === was.serviceAccountRoleArn && missing.length === 0;
  if (isBack && (extra.length === 0 || (mayUpdate && !byEks))) {
    const left = leftOvers(snapshot, record, now, associations);
    if ((byEks && left.length > 0) || (mayUpdate && now.status === 'UPDATE_FAILED')) return { do: 'update' };
    // With what they have now the pods may never get ready: they go on to what they had.
    const mayGoOn = now.status === 'DEGRADED' && extra.length + left.length > 0;
    return now.status === 'ACTIVE' || mayGoOn
      ? { do: 'done' }
      : { do: 'wait', why: `add-on ${was.name} has its identity back and is ${now.status}: ${reasons(now)}` };
  }
  if (mayUpdate && isAsPlanned(facts, owned)) return { do: 'update' };
  return {
    do: 'refuse',
    why: `somebody else changed add-on ${was.name} meanwhile: it has ${now.serviceAccountRoleArn ?? 'no role'} and ${owned.length} associations, which is neither as it was nor as this migration makes it`,
  };
}

/** Whether the add-on owns what this migration gives it, but for what the way back has taken away already. */
function isAsPlanned({ snapshot, record }: RestoreFacts, owned: readonly Association[]): boolean {
  const planned = new Set(ownedOf(snapshot.planned).map(accountOf));
  const there = new Set(owned.map(accountOf));
  // A standalone one that stood in the way was purged too: without it the add-on is not as this migration makes it.
  const ofCopies = ({ ownerArn }: Association): boolean =>
    ownerArn !== undefined && [snapshot.addon.arn, ...record.made].includes(ownerArn);
  const taken = new Set(
    record.associations.purged.filter((one) => ofCopies(one) && !wasOwned(snapshot, one)).map(accountOf),
  );
  return (
    owned.every((one) => planned.has(accountOf(one))) && [...planned].every((one) => there.has(one) || taken.has(one))
  );
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

  const changed = changedByThirdParty(snapshot, now);
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
