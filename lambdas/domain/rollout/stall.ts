/**
 * Classifies a rollout that does not progress. Slowness alone never leads to a rollback of healthy pods: only pods that
 * fail with the right identity do, once nothing has progressed for longer than their own pace explains. In any other case
 * the migration waits, and the message has a remedy.
 */
import {
  isMadeBy,
  isMadeByAny,
  isOfJob,
  type Node,
  type Pod,
  type Workload,
  WORKLOAD_PLURALS,
} from '../kubernetes/objects.ts';
import { shellCommand } from '../text/shell.ts';
import { isCrashing, isWaitingToRestart, unreadyFrom } from './broken.ts';
import type { Progress } from './model.ts';
import { isBeingReplaced, isSettled, type Leniency, unreadyBefore } from './settled.ts';

export interface Situation {
  /** Workloads that must settle. */
  workloads: readonly Workload[];
  /** All pods of their namespaces. */
  pods: readonly Pod[];
  /** UIDs of pods that have the right identity. */
  right: ReadonlySet<string>;
  nodes?: readonly Node[] | undefined;
  leniency: Leniency;
  progress: Progress;
  allowanceSeconds: number;
  /** Milliseconds since 1970. */
  now: number;
}

export type Stall =
  | { is: 'progressing' }
  /** They fail with the right identity, and the pods before the migration did not. */
  | { is: 'failing'; pods: Pod[] }
  /** They do not become ready and have the wrong identity, and a restart does not replace them. */
  | { is: 'hopeless'; pods: Pod[] }
  /** The cause is unrelated to the identity, or not known. `why` has the cause with a remedy. */
  | { is: 'held'; why: string | undefined };

const kubectl = ({ namespace }: { namespace: string }, ...command: string[]): string =>
  shellCommand(['kubectl', '-n', namespace, ...command]);
const describePod = (pod: Pod): string => kubectl(pod, 'describe', 'pod', pod.name);

const isLiving = ({ terminating, phase }: Pod): boolean => !terminating && phase !== 'Succeeded' && phase !== 'Failed';
/** Returns whether a pod's node is not ready or gone; false if the nodes are not known. */
const nodeIsDown = (pod: Pod, nodes: readonly Node[] | undefined): boolean =>
  nodes !== undefined && nodes.find(({ name }) => name === pod.node)?.ready !== true;

/**
 * Returns why a live pod is not ready if the cause is unrelated to its identity: no credentials are used before a
 * container runs.
 */
function unrelated(pod: Pod, nodes: readonly Node[] | undefined): string | undefined {
  if (pod.node === undefined) return `pod ${pod.name} is not scheduled to a node (${describePod(pod)} shows why)`;
  if (nodeIsDown(pod, nodes))
    return `node ${pod.node} of pod ${pod.name} is not ready or gone (${shellCommand(['kubectl', 'describe', 'node', pod.node])} shows why)`;
  if (isCrashing(pod)) return undefined;
  const [reason] = pod.waiting ?? [];
  if (reason !== undefined)
    return `the containers of pod ${pod.name} have not started: ${reason} (${describePod(pod)} shows why)`;
  return pod.phase === 'Pending'
    ? `pod ${pod.name} has not started on node ${pod.node} (${describePod(pod)} shows why)`
    : undefined;
}

const ownPods = ({ pods }: Pick<Situation, 'pods'>, workload: Workload): Pod[] =>
  pods.filter((pod) => isMadeBy(pod, workload));

/** Returns a clause with the reason why this workload does not progress, or undefined if none was found. */
function reasonOf(workload: Workload, situation: Situation): string | undefined {
  const { kind, namespace, name, heldBack, desired } = workload;
  if (heldBack !== undefined)
    return `${heldBack}, so its pods are not replaced (to continue: ${kind === 'Deployment' ? kubectl({ namespace }, 'rollout', 'resume', `deployment/${name}`) : 'delete the remaining pods one by one'})`;
  const own = ownPods(situation, workload);
  const why = own
    .filter((pod) => isLiving(pod) && !pod.ready)
    .flatMap((pod) => unrelated(pod, situation.nodes) ?? [])[0];
  if (why !== undefined) return why;
  const stuck = own.find((pod) => situation.leniency.stuck.has(pod.uid));
  if (stuck)
    return `pod ${stuck.name} is ${situation.leniency.stuck.get(stuck.uid) ?? ''} (to continue the rollout, once the node is known to be off: ${kubectl(stuck, 'delete', 'pod', stuck.name, '--force', '--grace-period', '0')})`;
  const count = own.filter(isLiving).length;
  return count < desired && own.every(({ terminating }) => !terminating)
    ? `only ${count} of ${desired} pods exist, and no more are being created (${kubectl({ namespace }, 'describe', WORKLOAD_PLURALS[kind], name)} shows why: a quota or an admission webhook, for instance)`
    : undefined;
}

/**
 * Returns why the first unsettled workload does not progress, if the cause is unrelated to the identity. Returns
 * undefined if no cause was found, or if all have settled.
 */
export function heldBackBy(situation: Situation): string | undefined {
  const { workloads, pods, leniency } = situation;
  const open = workloads.filter((workload) => !isSettled(workload, pods, leniency));
  return open.flatMap((workload) => reasonOf(workload, situation) ?? [])[0];
}

type Judged = Pick<Situation, 'workloads' | 'pods' | 'right' | 'nodes' | 'allowanceSeconds' | 'now'>;

/** Returns whether a pod has not been ready for longer than the allowance. How long it exists does not matter. */
const isUnreadyForLong = (pod: Pod, { allowanceSeconds: allowed, now }: Judged): boolean =>
  now - unreadyFrom(pod) > allowed * 1000;

/** Returns whether the containers of a pod end repeatedly. A single exit may have any cause. */
const isCrashLooping = (pod: Pod): boolean => isCrashing(pod) && (isWaitingToRestart(pod) || (pod.restarts ?? 0) > 1);

/** Returns whether a pod that was created longer ago than the allowance keeps failing. In between, it may be ready. */
const isFailingForLong = (pod: Pod, { allowanceSeconds: allowed, now }: Judged): boolean =>
  isCrashLooping(pod) && now - Date.parse(pod.createdAt) > allowed * 1000;

/**
 * Returns the pods that fail with the right identity: started, on a ready node, and not ready for longer than the
 * allowance. As many pods of a workload as were not ready before do not count.
 */
function failingPods(situation: Situation): Pod[] {
  const { workloads, pods, right, nodes, leniency } = situation;
  const failing = pods.filter(
    (pod) =>
      right.has(pod.uid) &&
      isLiving(pod) &&
      !pod.ready &&
      !isOfJob(pod) &&
      unrelated(pod, nodes) === undefined &&
      (isUnreadyForLong(pod, situation) || isFailingForLong(pod, situation)),
  );
  return workloads.flatMap((workload) => {
    const own = failing.filter((pod) => isMadeBy(pod, workload));
    return own.length > unreadyBefore(workload, leniency) ? own : [];
  });
}

/**
 * Returns the pods that do not become ready and have the wrong identity: they keep crashing, or have not been ready for
 * longer than the allowance. They keep the identity with which they were admitted, so waiting does not help. Pods that a
 * rollout in progress replaces are not among them. A StatefulSet waits for such a pod; restarts of an earlier time do not
 * show that it fails now.
 */
export function hopelessPods(judged: Judged): Pod[] {
  const { workloads, pods, right, nodes } = judged;
  return pods.filter((pod) => {
    if (right.has(pod.uid) || pod.ready || !isLiving(pod) || unrelated(pod, nodes) !== undefined) return false;
    const workload = workloads.find((one) => isMadeBy(pod, one));
    if (workload === undefined) return false;
    if (workload.kind === 'StatefulSet') return isWaitingToRestart(pod) || isUnreadyForLong(pod, judged);
    return !isBeingReplaced(pod, workload, pods) && (isCrashLooping(pod) || isUnreadyForLong(pod, judged));
  });
}

/** Classifies the situation of pods that have not settled. */
export function judgeStall(situation: Situation): Stall {
  const { progress, allowanceSeconds: allowed, now } = situation;
  if (now - Date.parse(progress.since) <= allowed * 1000) return { is: 'progressing' };
  const failing = failingPods(situation);
  if (failing.length > 0) return { is: 'failing', pods: failing };
  const { workloads, pods, leniency } = situation;
  const hopeless = pods.filter((pod) => leniency.hopeless.has(pod.uid) && isMadeByAny(pod, workloads));
  if (hopeless.length > 0) return { is: 'hopeless', pods: hopeless };
  return { is: 'held', why: heldBackBy(situation) };
}
