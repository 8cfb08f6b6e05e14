/**
 * What a look at the pods stands on: that what they belong to, and its associations, are as this migration, or its way
 * back, has left them.
 */
import { ownedOf, standaloneOf } from '../../domain/associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../../domain/addons/copies.ts';
import { decidedByPerson, isTaken, takenAssociations } from '../../domain/rollback/decisions.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import {
  type Addon,
  type Association,
  type Check,
  isOfAddon,
  type Migration,
  type Snapshot,
} from '../../domain/migration/model.ts';
import { createdByThirdParty } from '../../domain/rollback/associations.ts';
import {
  accountProblem,
  accountProblemBack,
  associationProblem,
  foreignAssociations,
} from '../../domain/migration/service-account.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import {
  IDENTITY_LOST,
  identityLost,
  PODS_NOT_SEEN,
  podsNotSeen,
  ROLE_STILL_SET,
  roleStillSet,
} from '../../domain/verification/pods.ts';
import type { Clock, Eks, Kubernetes, ServiceAccountDetail } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { associationChanged, listOwned } from '../migration/association-conflicts.ts';
import { readAddonUntilSure, readUntilSure } from './confirmed-reads.ts';
import { issuesOf, readOwnCopy } from '../migration/addon-copy.ts';
import type { Direction } from './pods.ts';
import type { AddonWork, Work } from '../migration/recorded.ts';
import { accountChanged, readAccount } from '../migration/service-account.ts';

export interface Grounds {
  /** Associations of other principals that a rollback leaves, since a person has decided so: pods may use them. */
  left: readonly Association[];
  /**
   * Once the pods have shown what they shall: makes sure of what they belong to once more, and, towards Pod Identity, of
   * the associations, which the pods' env says nothing of. Answers the warnings. Throws as the first look does, and
   * PodsNotSettled where anything has moved since that: the pods may have been seen before it did.
   */
  conclude: () => Promise<Check[]>;
}

interface Observer {
  eks: Eks;
  kubernetes: Kubernetes;
  clock: Clock;
}

/**
 * What was warned of before, and what this look makes of it. A late one, which overtakes the end, leaves out nothing
 * that the end says.
 */
const warningsOf = (
  { warnings, request }: Migration,
  { planned, identityLosses }: Snapshot,
  now: Addon | undefined,
): Check[] => [
  ...warnings.filter(({ id }) => id !== ROLE_STILL_SET && id !== PODS_NOT_SEEN && id !== IDENTITY_LOST),
  ...identityLost(identityLosses, request),
  ...(now?.serviceAccountRoleArn === undefined ? [] : [roleStillSet(now, request.verification)]),
  ...(request.verification === 'api' ? [podsNotSeen('migrated', subjectOf(request), request.target, planned)] : []),
];

/** The add-on after a rollback. Throws RestoreRefused where somebody else has changed it since. */
async function observeRestored(eks: Eks, clock: Clock, { snapshot, record }: AddonWork): Promise<Addon> {
  const { name, serviceAccountRoleArn } = snapshot.addon;
  const now = await readAddonUntilSure(eks, name, clock);
  if (!now)
    throw new MigrationError('RestoreRefused', `Somebody else has deleted add-on ${name} after it was put back.`);
  const role =
    now.serviceAccountRoleArn === serviceAccountRoleArn
      ? undefined
      : `it has ${now.serviceAccountRoleArn ?? 'no role'}, and had ${serviceAccountRoleArn ?? 'none'}`;
  const changed = isTaken(record, 'addon-changed') ? undefined : changedByThirdParty(snapshot, now);
  const why =
    classifyCopy(snapshot, record, now) === 'foreign' && !isTaken(record, 'addon-created-again')
      ? 'somebody else has created it again'
      : (changed ?? role);
  if (why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `Add-on ${name} is no longer as it was put back: ${why}. It was left as it is.`,
    );
  return now;
}

/** The pods' env says nothing of an association that was deleted, or given another role, since they started. */
async function assertAssociated(
  eks: Eks,
  clock: Clock,
  { record, snapshot }: AddonWork,
  ownerArn: string,
): Promise<void> {
  const planned = ownedOf(snapshot.planned);
  const owned = await readUntilSure(
    clock,
    () => listOwned(eks, planned, ownerArn),
    (found) => !found.includes(undefined),
  );
  const missing = planned[owned.indexOf(undefined)];
  if (missing)
    throw associationChanged(
      `for ${missing.namespace}/${missing.serviceAccount} is no longer as this migration made it`,
      'find out who changed it',
    );
  for (const one of standaloneOf(snapshot.planned)) {
    const problem = async (): Promise<string | undefined> =>
      associationProblem(record, snapshot, one, await listPlannedAssociations(eks, [one]));
    const why = await readUntilSure(clock, problem, (found) => found === undefined);
    if (why !== undefined) throw associationChanged(`is no longer as planned: ${why}`, 'find out who did it');
  }
}

/**
 * Throws PodsNotSettled while EKS does not call the add-on well. What it found wrong before the migration counts only
 * where no pod is looked at by anybody.
 */
function assertHealthy(now: Addon, { snapshot, record }: AddonWork): void {
  if (now.status !== 'ACTIVE') throw new MigrationError('PodsNotSettled', `Add-on ${now.name} is ${now.status} again.`);
  if (record.request.verification === 'injected') return;
  const before = new Set(snapshot.addon.issues.map(({ code }) => code));
  const issues = now.issues.filter(({ code }) => !before.has(code));
  if (issues.length > 0)
    throw new MigrationError(
      'PodsNotSettled',
      `Add-on ${now.name} is ACTIVE, but not healthy: ${issuesOf({ ...now, issues })}.`,
    );
}

/** Throws PodsNotSettled where two looks at the same thing differ: what was seen in between may be out of date. */
function assertUnmoved(what: string, before: unknown, after: unknown): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  throw new MigrationError(
    'PodsNotSettled',
    `${what} has changed while the pods were looked at: everything is read again.`,
  );
}

/** All of an add-on that pods could follow from. */
const addonMark = ({
  arn,
  version,
  status,
  serviceAccountRoleArn,
  configurationValues,
  podIdentityAssociations,
}: Addon) => [arn, version, status, serviceAccountRoleArn, configurationValues, podIdentityAssociations.toSorted()];

const thrownBy = (work: Promise<void>): Promise<{ error: unknown } | undefined> =>
  work.then(
    () => undefined,
    (error: unknown) => ({ error }),
  );

async function groundsOfAddon({ eks, clock }: Observer, work: AddonWork, towards: Direction): Promise<Grounds> {
  const { record, snapshot } = work;
  const { name } = snapshot.addon;
  const look = (): Promise<Addon> =>
    towards === 'before'
      ? observeRestored(eks, clock, work)
      : readOwnCopy({ eks, clock }, name, work, 'PodsNotSettled');
  const now = await look();
  // On the way back not before the pods: an add-on whose pods fail gets well by their replacement alone.
  if (towards === 'pod-identity') assertHealthy(now, work);
  return {
    left:
      towards === 'before' && decidedByPerson(record)
        ? takenAssociations(
            record,
            createdByThirdParty(snapshot, record, now, await listPlannedAssociations(eks, snapshot.planned)),
          )
        : [],
    conclude: async () => {
      const unassociated =
        towards === 'before' ? undefined : await thrownBy(assertAssociated(eks, clock, work, now.arn));
      // Whoever deletes the add-on takes its associations along: they may have been listed before that.
      const last = await look();
      assertHealthy(last, work);
      assertUnmoved(`Add-on ${name}`, addonMark(now), addonMark(last));
      // Of an add-on that is on the move they say nothing.
      if (unassociated) throw unassociated.error;
      return towards === 'before' ? [] : warningsOf(record, snapshot, last);
    },
  };
}

async function groundsOfAccount(
  { eks, kubernetes, clock }: Observer,
  { record, snapshot }: Work,
  towards: Direction,
): Promise<Grounds> {
  const { serviceAccount: was, planned } = snapshot;
  const lookAtIt = async (): Promise<ServiceAccountDetail | undefined> => {
    // Where nobody may look at the API server, nobody could.
    if (!was || record.request.verification !== 'injected') return undefined;
    const now = await readAccount(kubernetes, was, clock);
    // Going forward the association goes before an annotation, so that one that is gone does no harm.
    const why = towards === 'before' ? accountProblemBack(record, was, now, false) : accountProblem(was, now, true);
    if (why !== undefined && towards === 'before')
      throw new MigrationError('RestoreRefused', `The way back stops: ${why}. It was left as it is.`);
    if (why !== undefined) throw accountChanged(why);
    return now;
  };
  const account = await lookAtIt();
  const problem = async (): Promise<string | undefined> => {
    const there = await listPlannedAssociations(eks, planned);
    const [only] = planned;
    return only && associationProblem(record, snapshot, only, there);
  };
  const look = async (): Promise<void> => {
    const why = await readUntilSure(clock, problem, (one) => one === undefined);
    if (why !== undefined)
      throw new MigrationError(
        'AssociationChanged',
        `${why.replace(/^./, (first) => first.toUpperCase())}. It was left alone; find out who changed it.`,
      );
  };
  if (towards === 'pod-identity') await look();
  const others =
    towards === 'before' && decidedByPerson(record)
      ? foreignAssociations(record, snapshot, await listPlannedAssociations(eks, planned))
      : [];
  return {
    left: takenAssociations(record, others),
    conclude: async () => {
      if (towards === 'pod-identity') await look();
      const then = await lookAtIt();
      if (was) assertUnmoved(`Service account ${was.namespace}/${was.name}`, account, then);
      if (towards === 'before') return [];
      return warningsOf(record, snapshot, undefined);
    },
  };
}

/** Throws where what the pods belong to is not as it was left: by somebody else's doing, or not yet. */
export const groundsOf = (looking: Observer, work: Work, towards: Direction): Promise<Grounds> =>
  isOfAddon(work.snapshot)
    ? groundsOfAddon(looking, { ...work, snapshot: work.snapshot }, towards)
    : groundsOfAccount(looking, work, towards);
