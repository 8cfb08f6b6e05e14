/**
 * What follows where a rollout does not go on. Slowness alone never rolls back healthy pods: only pods that fail with
 * the identity that they should have do, once nothing has progressed for longer than their own pace explains. All else
 * is waited for, and the message says what would help.
 */
import { isMadeBy, isOfJob, type Node, type Pod, type Workload, WORKLOAD_PLURALS } from '../kubernetes/objects.ts';
import { shellCommand } from '../text/shell.ts';
import { isCrashing } from './broken.ts';
import type { Progress } from './model.ts';
import { isSettled, type Leniency, unreadyBefore } from './settled.ts';

export interface Situation {
  /** Workloads that have to settle. */
  workloads: readonly Workload[];
  /** All pods of their namespaces. */
  pods: readonly Pod[];
  /** Uids of pods that have the identity that they should have. */
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
  /** They fail with the identity that they should have, and those of before did not. */
  | { is: 'failing'; pods: Pod[] }
  /** They do not get ready with an identity that they should not have, and a restart does not replace them. */
  | { is: 'unreplaced'; pods: Pod[] }
  /** It waits for something that another identity would not change, or that nothing explains. `why`: with a remedy. */
  | { is: 'held'; why: string | undefined };

const kubectl = ({ namespace }: { namespace: string }, ...command: string[]): string =>
  shellCommand(['kubectl', '-n', namespace, ...command]);
const describePod = (pod: Pod): string => kubectl(pod, 'describe', 'pod', pod.name);

const isLiving = ({ terminating, phase }: Pod): boolean => !terminating && phase !== 'Succeeded' && phase !== 'Failed';
const nodeIsDown = (pod: Pod, nodes: readonly Node[] | undefined): boolean =>
  nodes?.find(({ name }) => name === pod.node)?.ready === false;

/**
 * Why a living pod that is not ready is not ready, where its identity has nothing to do with it: no credentials are
 * used before a container runs.
 */
function unrelated(pod: Pod, nodes: readonly Node[] | undefined): string | undefined {
  if (pod.node === undefined) return `no node takes pod ${pod.name} (${describePod(pod)} says why)`;
  if (nodeIsDown(pod, nodes))
    return `node ${pod.node} of pod ${pod.name} is not ready (${shellCommand(['kubectl', 'describe', 'node', pod.node])} says why)`;
  if (isCrashing(pod)) return undefined;
  const [reason] = pod.waiting ?? [];
  if (reason !== undefined)
    return `the containers of pod ${pod.name} are not started: ${reason} (${describePod(pod)} says why)`;
  return pod.phase === 'Pending'
    ? `pod ${pod.name} is not started on node ${pod.node} (${describePod(pod)} says why)`
    : undefined;
}

const ownPods = ({ pods }: Pick<Situation, 'pods'>, workload: Workload): Pod[] =>
  pods.filter((pod) => isMadeBy(pod, workload));

/** Returns why this workload does not go on, for a message; undefined where nothing shows it. */
function reasonOf(workload: Workload, situation: Situation): string | undefined {
  const { kind, namespace, name, heldBack, desired } = workload;
  if (heldBack !== undefined)
    return `${heldBack}, so that nothing replaces its pods (${kind === 'Deployment' ? kubectl({ namespace }, 'rollout', 'resume', `deployment/${name}`) : 'delete the pods that are left one by one'} goes on with it)`;
  const own = ownPods(situation, workload);
  const why = own
    .filter((pod) => isLiving(pod) && !pod.ready)
    .flatMap((pod) => unrelated(pod, situation.nodes) ?? [])[0];
  if (why !== undefined) return why;
  const stuck = own.find((pod) => situation.leniency.stuck.has(pod.uid));
  if (stuck)
    return `pod ${stuck.name} is ${situation.leniency.stuck.get(stuck.uid) ?? ''} (once that node is known to be off, ${kubectl(stuck, 'delete', 'pod', stuck.name, '--force', '--grace-period', '0')} lets the rollout go on)`;
  const count = own.filter(isLiving).length;
  return count < desired && own.every(({ terminating }) => !terminating)
    ? `only ${count} of ${desired} pods are there, and none is on its way (${kubectl({ namespace }, 'describe', WORKLOAD_PLURALS[kind], name)} says why: a quota or an admission webhook, for instance)`
    : undefined;
}

/**
 * Returns why the first workload that has not settled does not go on: what needs no identity to explain it. Undefined
 * where nothing shows it, or all have settled.
 */
export function heldBackBy(situation: Situation): string | undefined {
  const { workloads, pods, leniency } = situation;
  const open = workloads.filter((workload) => !isSettled(workload, pods, leniency));
  return open.flatMap((workload) => reasonOf(workload, situation) ?? [])[0];
}

/**
 * Returns the pods that fail with the identity that they should have: started, on a node that works, and not ready for
 * longer than the allowance. As many of a workload as were not ready before are not held against it.
 */
export function failingPods(situation: Situation): Pod[] {
  const { workloads, pods, right, nodes, leniency, allowanceSeconds: allowed, now } = situation;
  const failing = pods.filter(
    (pod) =>
      right.has(pod.uid) &&
      isLiving(pod) &&
      !pod.ready &&
      !isOfJob(pod) &&
      unrelated(pod, nodes) === undefined &&
      now - Date.parse(pod.createdAt) > allowed * 1000,
  );
  return workloads.flatMap((workload) => {
    const own = failing.filter((pod) => isMadeBy(pod, workload));
    return own.length > unreadyBefore(workload, leniency) ? own : [];
  });
}

/**
 * Returns pods that do not work with an identity that they should not have: whose containers end by themselves, or that
 * were started longer ago than the allowance. They keep what they were admitted with, so that waiting does not help.
 */
export const hopelessPods = ({
  pods,
  right,
  nodes,
  allowanceSeconds: allowed,
  now,
}: Pick<Situation, 'pods' | 'right' | 'nodes' | 'allowanceSeconds' | 'now'>): Pod[] =>
  pods.filter(
    (pod) =>
      !right.has(pod.uid) &&
      isLiving(pod) &&
      !pod.ready &&
      !isOfJob(pod) &&
      unrelated(pod, nodes) === undefined &&
      (isCrashing(pod) || now - Date.parse(pod.createdAt) > allowed * 1000),
  );

/** Returns what the situation is, where the pods have not settled. */
export function judgeStall(situation: Situation): Stall {
  const { progress, allowanceSeconds: allowed, now } = situation;
  if (now - Date.parse(progress.since) <= allowed * 1000) return { is: 'progressing' };
  const failing = failingPods(situation);
  if (failing.length > 0) return { is: 'failing', pods: failing };
  const { workloads, pods, leniency } = situation;
  const unreplaced = pods.filter(
    (pod) => leniency.hopeless.has(pod.uid) && workloads.some((one) => isMadeBy(pod, one)),
  );
  if (unreplaced.length > 0) return { is: 'unreplaced', pods: unreplaced };
  return { is: 'held', why: heldBackBy(situation) };
}
