/** Whether workloads have replaced their pods, apart from what was broken before. */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import { brokenOf } from './broken.ts';
import type { BrokenPod } from './model.ts';

/** What is not held against a rollout. */
export interface Leniency {
  /** Pods that can't end, by uid, with why in so many words. */
  stuck: ReadonlyMap<string, string>;
  /** Pods that did not work before the migration. */
  broken: readonly BrokenPod[];
  /**
   * Uids of pods that do not get ready with the identity that they have, and that is not the one that they should have:
   * only new pods help, so that nothing is waited for.
   */
  hopeless: ReadonlySet<string>;
}

export const NO_LENIENCY: Leniency = { stuck: new Map(), broken: [], hopeless: new Set() };

const stuckOf = (workload: Workload, pods: readonly Pod[], { stuck }: Leniency): number =>
  pods.filter((pod) => stuck.has(pod.uid) && isMadeBy(pod, workload)).length;

/** Returns how many pods of a workload need not be ready: as many as were not before. */
export const unreadyBefore = (workload: Workload, { broken, stuck }: Leniency): number =>
  brokenOf(workload, broken, new Set(stuck.keys())).unready;

/**
 * Returns whether a workload has settled: all of its pods are of its newest template and ready, but for those that
 * can't end, which keep the place of a new one in a DaemonSet or StatefulSet, and for as many as were not ready before.
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
