/**
 * The basis of a verification of pods: their add-on or service account, and its associations, are as this migration, or
 * its rollback, has left them.
 */
import { ownedOf, standaloneOf } from '../../domain/associations/associations.ts';
import { changedByThirdParty, classifyCopy } from '../../domain/addons/copies.ts';
import { decidedByPerson, isTaken, takenAssociations } from '../../domain/rollback/decisions.ts';
import { MigrationError } from '../../domain/failures/errors.ts';
import type { Addon, Association } from '../../domain/terms/observed.ts';
import type { Check } from '../../domain/terms/check.ts';
import { isOfAddon, type Migration, type Snapshot } from '../../domain/record/migration.ts';
import { readsPods } from '../../domain/request/request.ts';
import { createdByThirdParty } from '../../domain/rollback/associations.ts';
import {
  accountProblem,
  accountProblemBack,
  associationProblem,
  foreignAssociations,
} from '../../domain/migration/service-account.ts';
import { subjectOf } from '../../domain/terms/subject.ts';
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
import { readAddonUntilSure, readUntilSure } from '../confirmed/reads.ts';
import { issuesOf, readOwnCopy } from '../migration/addon-copy.ts';
import type { Direction } from './pods.ts';
import type { AddonWork, Work } from '../record/recorded.ts';
import { accountChanged, readAccount } from '../confirmed/service-account.ts';

export interface Grounds {
  /** Third-party associations that a rollback keeps by a person's decision: pods may use them. */
  left: readonly Association[];
  /**
   * Called once the pods have the expected identity: checks their add-on or service account again and, towards Pod
   * Identity, the associations, which the pods' environment does not show. Returns the warnings. Throws what the first check
   * throws, and PodsNotSettled if anything has changed since then: the pods may have been read before the change.
   */
  conclude: () => Promise<Check[]>;
}

interface Observer {
  eks: Eks;
  kubernetes: Kubernetes;
  clock: Clock;
}

/**
 * Returns the earlier warnings, with those of this verification. A late verification, which overtakes the end, must not
 * omit a warning of the end.
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

/** Returns the add-on after a rollback. Throws RestoreRefused if a third party has changed it since. */
async function observeRestored(eks: Eks, clock: Clock, { snapshot, record }: AddonWork): Promise<Addon> {
  const { name, serviceAccountRoleArn } = snapshot.addon;
  const now = await readAddonUntilSure(eks, name, clock);
  if (!now)
    throw new MigrationError(
      'RestoreRefused',
      `Add-on ${name} was deleted after the rollback had restored it. Find out who deleted it; the record has the commands that restore it.`,
    );
  const role =
    now.serviceAccountRoleArn === serviceAccountRoleArn
      ? undefined
      : `it has ${now.serviceAccountRoleArn ?? 'no role'}, but had ${serviceAccountRoleArn ?? 'none'} before the migration`;
  const changed = isTaken(record, 'addon-changed') ? undefined : changedByThirdParty(snapshot, now);
  const why =
    classifyCopy(snapshot, record, now) === 'foreign' && !isTaken(record, 'addon-created-again')
      ? 'it was created again outside this migration'
      : (changed ?? role);
  if (why !== undefined)
    throw new MigrationError(
      'RestoreRefused',
      `Add-on ${name} is no longer as the rollback restored it: ${why}. It was left as it is. The record has the commands that restore it.`,
    );
  return now;
}

/** Throws if an association was deleted, or given another role, since the pods started: their environment does not show that. */
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
      `for ${missing.namespace}/${missing.serviceAccount} is no longer as this migration created it`,
      'find out who changed it, then migrate again',
    );
  for (const one of standaloneOf(snapshot.planned)) {
    const problem = async (): Promise<string | undefined> =>
      associationProblem(record, snapshot, one, await listPlannedAssociations(eks, [one]));
    const why = await readUntilSure(clock, problem, (found) => found === undefined);
    if (why !== undefined) throw associationChanged(`is no longer as planned: ${why}`, 'find out who changed it');
  }
}

/**
 * Throws PodsNotSettled while EKS reports a problem of the add-on, unless its pods explain that it is DEGRADED. Problems from
 * before the migration count only if no pods are verified.
 */
function assertHealthy(now: Addon, { snapshot, record }: AddonWork, isExplained: boolean): void {
  if (isExplained && now.status === 'DEGRADED') return;
  if (now.status !== 'ACTIVE') throw new MigrationError('PodsNotSettled', `Add-on ${now.name} is ${now.status} again.`);
  if (readsPods(record.request)) return;
  const before = new Set(snapshot.addon.issues.map(({ code }) => code));
  const issues = now.issues.filter(({ code }) => !before.has(code));
  if (issues.length > 0)
    throw new MigrationError(
      'PodsNotSettled',
      `Add-on ${now.name} is ACTIVE, but not healthy: ${issuesOf({ ...now, issues })}.`,
    );
}

/** Throws PodsNotSettled if two reads of the same object differ: what was read in between may be out of date. */
function assertUnmoved(what: string, before: unknown, after: unknown): void {
  if (JSON.stringify(before) === JSON.stringify(after)) return;
  throw new MigrationError(
    'PodsNotSettled',
    `${what} changed during the verification of its pods. Everything is read again.`,
  );
}

/** Returns everything of an add-on that may affect its pods. */
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

async function groundsOfAddon(
  { eks, clock }: Observer,
  work: AddonWork,
  towards: Direction,
  isExplained: boolean,
): Promise<Grounds> {
  const { record, snapshot } = work;
  const { name } = snapshot.addon;
  const read = (): Promise<Addon> =>
    towards === 'before'
      ? observeRestored(eks, clock, work)
      : readOwnCopy({ eks, clock }, name, work, 'PodsNotSettled');
  const now = await read();
  // In a rollback the add-on is not checked before its pods: an add-on with failing pods only recovers by their replacement.
  if (towards === 'pod-identity') assertHealthy(now, work, isExplained);
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
      // A deletion of the add-on deletes its associations too: they may have been listed before it.
      const last = await read();
      assertHealthy(last, work, isExplained);
      assertUnmoved(`Add-on ${name}`, addonMark(now), addonMark(last));
      // The associations of an add-on that is changing are no evidence.
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
  const readChecked = async (): Promise<ServiceAccountDetail | undefined> => {
    // If the API server may not be read, the service account can't be checked.
    if (!was || !readsPods(record.request)) return undefined;
    const now = await readAccount(kubernetes, was, clock);
    // Towards Pod Identity, an association takes precedence over an annotation, so that a missing annotation does no harm.
    const why = towards === 'before' ? accountProblemBack(record, was, now, false) : accountProblem(was, now, true);
    if (why !== undefined && towards === 'before')
      throw new MigrationError(
        'RestoreRefused',
        `The rollback stopped: ${why}. It was left as it is; the record's restore commands show how it was before.`,
      );
    if (why !== undefined) throw accountChanged(why);
    return now;
  };
  const account = await readChecked();
  const problem = async (): Promise<string | undefined> => {
    const there = await listPlannedAssociations(eks, planned);
    const [only] = planned;
    return only && associationProblem(record, snapshot, only, there);
  };
  const assertAssociation = async (): Promise<void> => {
    const why = await readUntilSure(clock, problem, (one) => one === undefined);
    if (why !== undefined)
      throw new MigrationError(
        'AssociationChanged',
        `${why.replace(/^./, (first) => first.toUpperCase())}. It was left alone. Find out who changed it, then migrate again.`,
      );
  };
  if (towards === 'pod-identity') await assertAssociation();
  const foreign =
    towards === 'before' && decidedByPerson(record)
      ? foreignAssociations(record, snapshot, await listPlannedAssociations(eks, planned))
      : [];
  return {
    left: takenAssociations(record, foreign),
    conclude: async () => {
      if (towards === 'pod-identity') await assertAssociation();
      const then = await readChecked();
      if (was) assertUnmoved(`Service account ${was.namespace}/${was.name}`, account, then);
      if (towards === 'before') return [];
      return warningsOf(record, snapshot, undefined);
    },
  };
}

/**
 * Throws if the add-on or service account of the pods is not as it was left: changed by a third party, or not ready yet.
 * `isExplained`: an add-on may be DEGRADED, because pods did not work before the migration either, and all others do.
 */
export const groundsOf = (observer: Observer, work: Work, towards: Direction, isExplained = false): Promise<Grounds> =>
  isOfAddon(work.snapshot)
    ? groundsOfAddon(observer, { ...work, snapshot: work.snapshot }, towards, isExplained)
    : groundsOfAccount(observer, work, towards);
