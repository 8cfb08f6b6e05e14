/** What a recovery needs to know before it decides, and whether a migration that keeps no locks can still go back. */
import { clusterArn, parseRoleArn } from '../../domain/aws/arn.ts';
import { changedByThirdParty } from '../../domain/addons/copies.ts';
import { irsaRoleOf } from '../../domain/verification/irsa.ts';
import { eachHolder } from '../../domain/migration/locks.ts';
import {
  type AddonSnapshot,
  isForAddon,
  isOfAddon,
  type Migration,
  type Snapshot,
} from '../../domain/migration/model.ts';
import { evaluateIrsa, parsePolicy } from '../../domain/policy/index.ts';
import type { OwnerState } from '../../domain/rollback/recovery.ts';
import {
  accountProblem,
  associationText,
  foreignAssociations,
  isUnannotated,
} from '../../domain/migration/service-account.ts';
import { subjectOf } from '../../domain/migration/subject.ts';
import type { Executions, HandlerDependencies, Ledger, Lock } from '../../ports/index.ts';
import { listPlannedAssociations } from '../facts/planned-associations.ts';
import { subjectLock } from '../migration/lock.ts';
import { readUntilSure } from '../pods/confirmed-reads.ts';
import { observeRestore } from './restore.ts';
import { readAccount } from '../migration/service-account.ts';
import { asClause } from '../../domain/text/text.ts';

/** Step lines of the way back's first step, whatever its round: a service account has no add-on to look at. */
const ROLLBACK_LINE = /^(assess-rollback|restore-annotation|restore-associations)\b/;

/**
 * Whether the way back was begun, by whichever execution. What it has changed of a service account counts also where
 * its line was not written any more.
 */
export async function rollbackBegun(
  ledger: Ledger,
  {
    migrationId,
    status,
    request,
    associations,
    annotationChange,
  }: Pick<Migration, 'migrationId' | 'status' | 'request' | 'associations' | 'annotationChange'>,
): Promise<boolean> {
  if (status === 'rolling-back') return true;
  if (!isForAddon(request) && (associations.purged.length > 0 || annotationChange?.undoneAt !== undefined)) return true;
  return (await ledger.listSteps(migrationId)).some((line) => ROLLBACK_LINE.test(line.name));
}

/** Keys of all locks that a migration takes, that of what it migrates first. */
export const lockKeys = ({ request, locks }: Pick<Migration, 'request' | 'locks'>): string[] => [
  ...new Set([subjectLock(request.target, subjectOf(request)), ...locks]),
];

/** Held, once for each holder, or free; one that was never held is left out. */
export async function readLocks(ledger: Ledger, keys: string[]): Promise<Lock[]> {
  const locks: Lock[] = [];
  for (const key of keys) {
    const lock = await ledger.readLock(key);
    if (lock) locks.push(...eachHolder(lock));
  }
  return locks;
}

/**
 * What Step Functions says of every execution that holds one of the locks for this migration, or that its record names.
 */
export async function readOwners(
  executions: Executions,
  record: Migration,
  locks: Lock[],
  asking: string,
): Promise<Map<string, OwnerState>> {
  const arns = new Set([
    record.executionArn,
    ...locks.map(({ holder }) => (holder?.migrationId === record.migrationId ? holder.executionArn : undefined)),
  ]);
  const owners = new Map<string, OwnerState>();
  for (const arn of arns) if (arn !== undefined && arn !== asking) owners.set(arn, await executions.describe(arn));
  return owners;
}

type Observer = Pick<HandlerDependencies, 'portsFor' | 'clock'>;

/** What somebody has changed at the add-on since, in words, or undefined. */
async function addonChanged(
  record: Migration,
  snapshot: AddonSnapshot,
  { portsFor, clock }: Observer,
): Promise<string | undefined> {
  const { eks } = portsFor(record.request.target);
  const { now, decision } = await readUntilSure(
    clock,
    () => observeRestore({ eks, clock, record, snapshot, actions: 0 }),
    (look) => look.decision.do !== 'refuse',
  );
  if (decision.do === 'refuse') return decision.why;
  // Busy with something that was not this migration's doing.
  return now && changedByThirdParty(snapshot, now);
}

/**
 * The same of a service account, and of its associations. Without its annotation its pods would have no role at all.
 */
async function accountChanged(
  record: Migration,
  snapshot: Snapshot,
  { portsFor, clock }: Observer,
): Promise<string | undefined> {
  const { eks, kubernetes } = portsFor(record.request.target);
  const { serviceAccount: was, planned } = snapshot;
  const [foreign] = foreignAssociations(record, snapshot, await listPlannedAssociations(eks, planned));
  if (foreign) return `somebody else made association ${associationText(foreign)} meanwhile`;
  if (!was || record.request.verification === 'api') return undefined;
  return accountProblem(was, await readAccount(kubernetes, was, clock), isUnannotated(record));
}

/**
 * Why a migration that keeps no locks can't be rolled back, or undefined: somebody has changed what it is about since,
 * or the trust policy of the IRSA role, as it is now, would not certainly let the pods in.
 */
export async function rollbackClosed(
  record: Migration,
  snapshot: Snapshot,
  looking: Observer,
): Promise<string | undefined> {
  const { target } = record.request;
  const { eks, roles } = looking.portsFor(target);
  const changed = isOfAddon(snapshot)
    ? await addonChanged(record, snapshot, looking)
    : await accountChanged(record, snapshot, looking);
  if (changed !== undefined) return changed;

  const roleArn = irsaRoleOf(snapshot);
  if (roleArn === undefined) return undefined;
  const issuer = (await eks.describeCluster())?.oidcIssuer;
  if (issuer === undefined)
    return `cluster ${target.cluster} shows no OIDC issuer, without which pods can't use the IRSA role ${roleArn}`;
  const role = await roles.getRole(roleArn);
  if (!role) return `the IRSA role ${roleArn} is not there any more`;
  const policy = parsePolicy(role.trustPolicy, 'trust');
  const { acceptedKeys } = record.request;
  const closed = [...snapshot.planned, ...snapshot.identityLosses].flatMap(({ namespace, serviceAccount }) => {
    const { verdict, reasons } = evaluateIrsa(
      policy,
      {
        clusterArn: clusterArn(target),
        namespace,
        serviceAccount,
        oidcIssuer: issuer,
        roleAccount: parseRoleArn(roleArn)?.account ?? target.account,
      },
      { acceptedKeys },
    );
    return verdict === 'allowed'
      ? []
      : [`${namespace}/${serviceAccount} (${reasons.map(({ message }) => asClause(message)).join('; ')})`];
  });
  if (closed.length === 0) return undefined;
  const retired = record.retirements.some(
    (one) => one.roleArn === roleArn && one.writtenAt !== undefined && one.undoneAt === undefined,
  );
  const remedy = retired
    ? `It was retired: pod-identity retire ${record.migrationId} --undo --apply puts the statement back; then roll back again`
    : 'Put the statement back first';
  return `the OIDC trust of ${roleArn} does not certainly let these service accounts in: ${closed.join(', ')}. ${remedy}`;
}
