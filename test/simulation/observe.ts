/**
 * Reads a finished run: its migrations, which execution changed what and when, and whether the workloads still work.
 */
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import { subjectOf } from '../../lambdas/domain/terms/subject.ts';
import { isObject } from '../../sandbox/json.ts';
import { annotationOf, liveAssociations, podsOf } from './cluster.ts';
import { happened, isBlinking, isScaledToZero, startedPod } from './life-effects.ts';
import type { RunResult, SimulatedMigration } from './run.ts';

const TARGET_SERVICES = new Set(['eks', 'iam', 'kubernetes']);

/** Returns the calls of the service's functions that would change the target; `effective` keeps those that did. */
export const changes = ({ sandbox }: RunResult): Call[] =>
  sandbox.world.log.calls.filter(
    (call) => call.step !== undefined && call.mutating && TARGET_SERVICES.has(call.service),
  );
export const effective = (calls: Call[]): Call[] => calls.filter((call) => call.status < 300);

/** Returns the migration that an execution works on, from the execution's own input. */
export const migrationOf = ({ sandbox }: RunResult, executionArn: string | undefined): string => {
  if (executionArn === undefined) return '';
  const input: unknown = JSON.parse(sandbox.executions.execution(executionArn).input);
  return isObject(input) && typeof input['migrationId'] === 'string' ? input['migrationId'] : '';
};

export const allMigrations = ({ migrations, repeated }: RunResult): SimulatedMigration[] => [
  ...migrations,
  ...repeated,
];

export const migrationsOfSubject = (result: RunResult, subject: string): SimulatedMigration[] =>
  allMigrations(result).filter(({ request }) => subjectOf(request) === subject);

/**
 * Returns the problems of an add-on or a service account that should work with its old identity or the new one; empty
 * if it works. `podsMayLag`: its pods may have neither identity; `mayHaveNothing`: its pods may wait for a deleted
 * association; `podsMayBeBroken`: they need not be ready, as if they were not before.
 */
export const notWorking = (
  result: RunResult,
  { addon: addonName, serviceAccount: account }: MigrationRequest,
  serviceAccounts: { namespace: string; serviceAccount: string }[],
  { podsMayLag = false, mayHaveNothing = false, podsMayBeBroken = false } = {},
): string[] => {
  const { cluster } = result;
  const addon = addonName === undefined ? undefined : cluster.addons.get(addonName);
  if (addonName !== undefined && !addon) return [`add-on ${addonName} is gone`];
  // EKS counts the desired pods of a lost node, although no pod can start there.
  const { lostNodes } = cluster.kube;
  const works =
    !addon ||
    addon.status === 'ACTIVE' ||
    (addon.status === 'DEGRADED' && (lostNodes.size > 0 || result.spec.pods?.brokenBefore === 'replaced'));
  const problems = works ? [] : [`add-on ${addon.name} is ${addon.status}`];
  if (
    account &&
    annotationOf(cluster, account) === undefined &&
    !liveAssociations(cluster).some((one) => one.namespace === account.namespace && one.serviceAccount === account.name)
  )
    problems.push(`service account ${account.namespace}/${account.name} has neither its annotation nor an association`);
  for (const { namespace, serviceAccount } of serviceAccounts) {
    // If workloads are slow or scale, some pod is always about to start.
    const pods = podsOf(cluster, (result.spec.time ?? result.spec.life) ? result.sandbox.world : undefined).filter(
      (pod) =>
        pod.namespace === namespace &&
        pod.serviceAccount === serviceAccount &&
        !pod.terminating &&
        // No rollout replaces these: see `credentials-are-kept`.
        startedPod(result, pod.uid) === undefined,
    );
    if (pods.length === 0 && lostNodes.size === 0 && !isScaledToZero(result))
      problems.push(`no pod of ${serviceAccount} is running`);
    const mayBeBroken = podsMayBeBroken || result.before.broken.has(`${namespace}/${serviceAccount}`);
    const association = liveAssociations(cluster).find(
      (one) => one.namespace === namespace && one.serviceAccount === serviceAccount,
    );
    for (const pod of pods) {
      if (pod.identity === 'pod-identity' && !association && mayHaveNothing) continue;
      if (!pod.ready && !pod.starting && !mayBeBroken && !isBlinking(result, pod.uid))
        problems.push(`pod ${pod.name} is not ready`);
      if (pod.identity === 'pod-identity' && !association)
        problems.push(`pod ${pod.name} uses Pod Identity without an association`);
      if ((pod.identity === 'node-role' && !podsMayLag) || pod.identity === 'mixed')
        problems.push(`pod ${pod.name} uses ${pod.identity}`);
    }
  }
  return problems;
};

/** Returns when a migration last listed pods to verify them, by AWS's clock, in milliseconds since 1970. */
export const lastReadOf = (result: RunResult, migrationId: string): number =>
  Date.parse(
    result.sandbox.world.log.calls.findLast(
      (call) =>
        call.step === 'verify-pods' &&
        call.operation === 'list pods' &&
        migrationOf(result, call.execution) === migrationId,
    )?.at ?? '',
  );

/** The time that controllers need to end the pods of a deleted DaemonSet. */
const NOTICED_MS = 1000;

/**
 * Returns whether a pod cannot have been seen without an agent by the migration that verified it last: the agent was
 * deleted, or the pod started, after the last read.
 */
export const isWithoutAgentSince = (result: RunResult, migrationId: string, startedAt: number): boolean => {
  const readAt = lastReadOf(result, migrationId);
  return (
    happened(result, 'delete-agent').some(({ at }) => at + NOTICED_MS > readAt) ||
    (startedAt + NOTICED_MS > readAt && happened(result, 'join-tainted-node', 'add-fargate-profile').length > 0)
  );
};
