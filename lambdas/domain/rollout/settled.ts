/** Evaluates whether workloads have replaced their pods, apart from pods that were already broken. */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import { brokenOf } from './broken.ts';
import type { BrokenPod } from './model.ts';

/** Pods that do not count against a rollout. */
export interface Leniency {
  /** Pods that cannot end, by UID, with the reason as a clause. */
  stuck: ReadonlyMap<string, string>;
  /** Pods that did not work before the migration. */
  broken: readonly BrokenPod[];
  /**
   * UIDs of pods that do not become ready and have the wrong identity. Only new pods help, so the rollout does not wait
   * for them.
   */
  hopeless: ReadonlySet<string>;
}

export const NO_LENIENCY: Leniency = { stuck: new Map(), broken: [], hopeless: new Set() };

/** Returns what the pods of one template have in common. A pod without such a label is alone. */
const templateOf = ({ labels, uid }: Pod): string =>
  labels['pod-template-hash'] ?? labels['controller-revision-hash'] ?? uid;

/**
 * Returns whether a rollout in progress replaces a pod: the pod does not have the newest template, which is that of the
 * pods that were first created last; the controller reports how many have it. Controllers replace pods that do not work
 * first, so that no other restart helps; only a StatefulSet waits for them.
 */
export function isBeingReplaced(
  pod: Pod,
  { observed, updated, total, ...workload }: Workload,
  pods: readonly Pod[],
): boolean {
  if (observed === false) return true;
  if (updated === undefined || total === undefined || updated >= total) return false;
  const own = pods.filter((one) => isMadeBy(one, workload) && !one.terminating);
  const oldestFirst = own.toSorted((a, b) => Date.parse(a.createdAt) - Date.parse(b.createdAt));
  let newer = 0;
  // The constructs of the package run on the oldest supported Node, which has no Map.groupBy.
  for (const template of [...new Set(oldestFirst.map(templateOf))].toReversed()) {
    if (newer >= updated) return true;
    if (template === templateOf(pod)) return false;
    newer += own.filter((one) => templateOf(one) === template).length;
  }
  return true;
}

const stuckOf = (workload: Workload, pods: readonly Pod[], { stuck }: Leniency): number =>
  pods.filter((pod) => stuck.has(pod.uid) && isMadeBy(pod, workload)).length;

/** Returns how many pods of a workload need not be ready, which is the number that were not ready before. */
export const unreadyBefore = (workload: Workload, { broken, stuck }: Leniency): number =>
  brokenOf(workload, broken, new Set(stuck.keys())).unready;

/**
 * Returns whether a workload has settled: all of its pods have its newest template and are ready. Exceptions are pods
 * that cannot end, which block their replacement in a DaemonSet or StatefulSet, and as many pods as were not ready before.
 */
export function isSettled(workload: Workload, pods: readonly Pod[], leniency: Leniency): boolean {
  const { kind, desired, ready, updated, total, observed, settled } = workload;
  if (settled) return true;
  if (observed !== true || updated === undefined || total === undefined) return false;
  const stuck = kind === 'Deployment' ? 0 : stuckOf(workload, pods, leniency);
  const unready = unreadyBefore(workload, leniency);
  if (stuck + unready === 0) return false;
  return updated >= desired - stuck && ready >= desired - stuck - unready && total <= desired;
}
