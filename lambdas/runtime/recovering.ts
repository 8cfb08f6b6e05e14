/** What a recovery needs to know before it decides, and whether a migration that keeps no locks can still go back. */
import { changedByOthers } from '../domain/copies.ts';
import type { Migration, Snapshot } from '../domain/model.ts';
import { parsePolicy } from '../domain/policy/document.ts';
import { evaluateIrsa } from '../domain/policy/trust.ts';
import type { OwnerState } from '../domain/recovery.ts';
import type { Executions, HandlerDependencies, Ledger, Lock } from '../ports/index.ts';
import { addonLock } from './lock.ts';
import { lookSeveralTimes } from './looks.ts';
import { lookAtRestore } from './restoring.ts';

/** Step line of the way back's first step, whatever its round. */
const ROLLBACK_LINE = /^assess-rollback\b/;

/** Whether the way back was begun, by whichever execution. */
export const rollbackBegun = async (ledger: Ledger, migrationId: string): Promise<boolean> => (await ledger.listSteps(migrationId)).some((line) => ROLLBACK_LINE.test(line.name));

/** Keys of all locks that a migration takes, the add-on's first. */
export const lockKeys = ({ request, locks }: Pick<Migration, 'request' | 'locks'>): string[] => [...new Set([addonLock(request.target, request.addon), ...locks])];

/** Held or free; one that was never held is left out. */
export async function readLocks(ledger: Ledger, keys: string[]): Promise<Lock[]> {
  const locks: Lock[] = [];
  for (const key of keys) {
    const lock = await ledger.readLock(key);
    if (lock) locks.push(lock);
  }
  return locks;
}

/** What Step Functions says of every execution that holds one of the locks for this migration, or that its record names. */
export async function readOwners(executions: Executions, record: Migration, locks: Lock[], asking: string): Promise<Map<string, OwnerState>> {
  const arns = new Set([record.executionArn, ...locks.map(({ holder }) => (holder?.migrationId === record.migrationId ? holder.executionArn : undefined))]);
  const owners = new Map<string, OwnerState>();
  for (const arn of arns) if (arn !== undefined && arn !== asking) owners.set(arn, await executions.describe(arn));
  return owners;
}

/**
 * Why a migration that keeps no locks can't be rolled back, or undefined: somebody has changed the add-on since, or the
 * trust policy of its IRSA role, as it is now, would not certainly let the pods in.
 */
export async function wayBackClosed(record: Migration, snapshot: Snapshot, { portsFor, clock }: Pick<HandlerDependencies, 'portsFor' | 'clock'>): Promise<string | undefined> {
  const { target } = record.request;
  const { eks, roles } = portsFor(target);
  const { now, decision } = await lookSeveralTimes(
    clock,
    () => lookAtRestore({ eks, clock, record, snapshot, actions: 0 }),
    (look) => look.decision.do !== 'refuse',
  );
  if (decision.do === 'refuse') return decision.why;
  // Busy with something that was not this migration's doing.
  const changed = now && changedByOthers(snapshot, now);
  if (changed !== undefined) return changed;

  const roleArn = snapshot.addon.serviceAccountRoleArn;
  if (roleArn === undefined) return undefined;
  const issuer = (await eks.describeCluster())?.oidcIssuer;
  if (issuer === undefined) return `cluster ${target.cluster} shows no OIDC issuer, without which pods can't use the IRSA role ${roleArn}`;
  const role = await roles.getRole(roleArn);
  if (!role) return `the IRSA role ${roleArn} is not there any more`;
  const policy = parsePolicy(role.trustPolicy, 'trust');
  const { acceptedKeys } = record.request;
  const closed = snapshot.planned.flatMap(({ namespace, serviceAccount }) => {
    const { verdict, reasons } = evaluateIrsa(policy, { target, namespace, serviceAccount, oidcIssuer: issuer }, { acceptedKeys });
    return verdict === 'allowed' ? [] : [`${namespace}/${serviceAccount} (${reasons.map(({ message }) => message.replace(/\.$/, '')).join('; ')})`];
  });
  if (closed.length === 0) return undefined;
  const retired = record.retirements.some((one) => one.roleArn === roleArn && one.writtenAt !== undefined && one.undoneAt === undefined);
  const remedy = retired ? `It was retired: pod-identity retire ${record.migrationId} --undo --apply puts the statement back; then roll back again` : 'Put the statement back first';
  return `the OIDC trust of ${roleArn} does not certainly let these service accounts in: ${closed.join(', ')}. ${remedy}`;
}
