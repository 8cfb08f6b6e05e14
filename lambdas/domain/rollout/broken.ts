/**
 * Pods that did not work before a migration began. The migration did not cause that, so these pods are reported, but
 * neither block the verification nor count as failing, unless no rollout could get past them.
 */
import { isMadeBy, type Node, type Pod, type Workload } from '../kubernetes/objects.ts';
import { type BrokenPod, type TroubleOfPod } from './model.ts';
import { readinessOf } from './readiness.ts';
import { resolveCount } from './shape.ts';
import { stuckBecause } from './stuck.ts';

/** A pod that has not been ready for less than this may just be starting, or be interrupted. */
const LEAST_START_SECONDS = 120;

/** An exit and its effect on the pod are reported one after the other, in whole seconds. */
const REPORTED_WITHIN_MS = 10_000;

/** Returns since when a pod has not been ready, in milliseconds since 1970: since its creation if nothing else is known. */
export const unreadyFrom = ({ createdAt, unreadySince }: Pick<Pod, 'createdAt' | 'unreadySince'>): number =>
  Date.parse(unreadySince ?? createdAt);

/** Returns whether the containers of a pod wait for their next restart because they have ended repeatedly. */
export const isWaitingToRestart = ({ waiting = [] }: Pick<Pod, 'waiting'>): boolean =>
  waiting.includes('CrashLoopBackOff');

/** Returns whether a pod is not ready since a container ended. Restarts of an earlier time do not count. */
export function isCrashing(pod: Pod): boolean {
  const { ready, restarts = 0, lastExitAt } = pod;
  if (ready) return false;
  const isRecent = lastExitAt === undefined || Date.parse(lastExitAt) + REPORTED_WITHIN_MS >= unreadyFrom(pod);
  return isWaitingToRestart(pod) || (restarts > 0 && isRecent);
}

function troubleOf(pod: Pod, nodes: readonly Node[] | undefined): Pick<BrokenPod, 'trouble' | 'text'> {
  const of = (trouble: TroubleOfPod, text: string) => ({ trouble, text });
  const waiting = pod.waiting?.join(', ');
  if (pod.node === undefined) return of('pending', `not scheduled to a node since ${pod.createdAt}`);
  if (isCrashing(pod))
    return of(
      'crash-looping',
      `its containers are crashing (${pod.restarts ?? 0} restarts${waiting ? `, ${waiting}` : ''})`,
    );
  const node = nodes?.find(({ name }) => name === pod.node);
  const why = waiting ? ` (${waiting})` : node && !node.ready ? `, and its node ${node.name} is not ready` : '';
  return of(
    pod.phase === 'Pending' ? 'pending' : 'not-ready',
    `not ready since ${pod.unreadySince ?? `${pod.createdAt} or later`}${why}`,
  );
}

const hasEnded = ({ phase }: Pod): boolean => phase === 'Succeeded' || phase === 'Failed';

/**
 * Returns the pods that do not work. Pods that are just starting or ending, or have ended, are not included. `now` is in
 * milliseconds since 1970.
 */
export function brokenPods(
  pods: readonly Pod[],
  workloads: readonly Workload[],
  { nodes, now }: { nodes: readonly Node[] | undefined; now: number },
): BrokenPod[] {
  return pods.flatMap((pod) => {
    const { namespace, name, uid, serviceAccount, owner } = pod;
    const broken = (found: Pick<BrokenPod, 'trouble' | 'text'>): BrokenPod[] => [
      { namespace, name, uid, serviceAccount, ...(owner ? { owner } : {}), ...found },
    ];
    const stuck = stuckBecause(pod, nodes, now);
    if (stuck !== undefined) return broken({ trouble: 'terminating', text: stuck });
    if (pod.terminating || pod.ready || hasEnded(pod)) return [];
    const workload = workloads.find((one) => isMadeBy(pod, one));
    const siblings = workload ? pods.filter((one) => isMadeBy(one, workload)) : [];
    const { samples, longest } = readinessOf(siblings);
    const allowed = Math.max(LEAST_START_SECONDS, samples.length > 0 ? 2 * longest : 0);
    const isStarting = now - unreadyFrom(pod) <= allowed * 1000;
    return isStarting && !isCrashing(pod) ? [] : broken(troubleOf(pod, nodes));
  });
}

/** Numbers of a workload's broken pods: those that cannot end, and those that are not ready. */
export interface BrokenOf {
  stuck: number;
  unready: number;
}

export function brokenOf(workload: Workload, broken: readonly BrokenPod[], stuck?: ReadonlySet<string>): BrokenOf {
  const own = broken.filter((pod) => isMadeBy(pod, workload));
  const cannotEnd = ({ uid, trouble }: BrokenPod): boolean => trouble === 'terminating' || stuck?.has(uid) === true;
  return { stuck: own.filter(cannotEnd).length, unready: own.filter((one) => !cannotEnd(one)).length };
}

/**
 * Returns why a workload with this many broken pods could not replace all of its pods, or undefined if it could. It
 * assumes that the replacement of a broken pod is broken too. Sources: Kubernetes documentation, "StatefulSets", "Forced
 * rollback"; k8s.io/kubernetes, pkg/controller/daemon/update.go, where terminating pods count as unavailable, and
 * pkg/controller/deployment/rolling.go, where they do not.
 */
export function blockedRollout(workload: Workload, { stuck, unready }: BrokenOf): string | undefined {
  const { kind, name, desired, recreates, rollout } = workload;
  if (stuck + unready === 0) return undefined;
  if (kind === 'StatefulSet')
    return `StatefulSet ${name} replaces one pod after the other, and waits for a pod that does not end or become ready`;
  if (kind === 'DaemonSet') {
    const surge = resolveCount(rollout?.maxSurge, desired, Math.ceil, 0);
    const most = Math.max(1, surge, resolveCount(rollout?.maxUnavailable, desired, Math.ceil, 1));
    return stuck + unready >= most
      ? `DaemonSet ${name} allows ${most} of ${desired} pods to be unavailable (maxUnavailable), and ${stuck + unready} already are: until that changes, it replaces no pods`
      : undefined;
  }
  if (recreates === true || unready === 0) return undefined;
  const most = resolveCount(rollout?.maxUnavailable, desired, Math.floor, '25%');
  return unready > most
    ? `Deployment ${name} allows ${most} of ${desired} pods to be unavailable (maxUnavailable), and ${unready} already are: it would keep its last old pods`
    : undefined;
}

/** Returns the pods on which a migration can be verified: live pods that are not broken. */
export const healthyPods = (pods: readonly Pod[], broken: readonly BrokenPod[]): Pod[] => {
  const uids = new Set(broken.map(({ uid }) => uid));
  return pods.filter((pod) => !uids.has(pod.uid) && !pod.terminating && !hasEnded(pod));
};
