/**
 * Evaluates whether a rollout progresses. It compares the best numbers so far, so that pods which alternate between ready
 * and not ready count as progress only once.
 */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import type { Forecast, Progress } from './model.ts';
import { readinessOf } from './readiness.ts';
import { shapeOf } from './shape.ts';

export type Seen = Pick<Progress, 'ready' | 'others' | 'newest' | 'observed'>;

/** A pod, and whether it has the right identity. */
export interface JudgedPod {
  pod: Pod;
  right: boolean;
}

/** Returns the current numbers. Terminating and ended pods count among the others. */
export function seenOf(pods: readonly JudgedPod[], workloads: readonly Workload[]): Seen {
  const done = pods.filter(({ pod, right }) => right && pod.ready && !pod.terminating);
  const created = done.map(({ pod }) => pod.createdAt).sort();
  return {
    ready: done.length,
    others: pods.filter(({ pod, right }) => !right || pod.terminating).length,
    newest: created.at(-1) ?? '',
    observed: workloads.filter(({ observed }) => observed !== false).length,
  };
}

/**
 * Returns the progress with the current numbers: `since` becomes now if any number has improved, or if `of` has changed.
 */
export function progressOf(before: Progress | undefined, of: string, seen: Seen, now: string): Progress {
  if (before?.of !== of) return { of, startedAt: now, since: now, ...seen };
  const goesOn =
    seen.ready > before.ready ||
    seen.others < before.others ||
    seen.newest > before.newest ||
    seen.observed > before.observed;
  if (!goesOn) return before;
  return {
    ...before,
    since: now,
    ready: Math.max(seen.ready, before.ready),
    others: Math.min(seen.others, before.others),
    newest: seen.newest > before.newest ? seen.newest : before.newest,
    observed: Math.max(seen.observed, before.observed),
  };
}

/**
 * Kubernetes itself considers a Deployment stalled after ten minutes without progress, unless its
 * `progressDeadlineSeconds` has another value. Source: Kubernetes documentation, "Deployments", "Progress Deadline
 * Seconds".
 */
const DEFAULT_DEADLINE_SECONDS = 600;
/** The factor by which new pods may be slower than before: other nodes, images not yet pulled, cold caches. */
const SLOWER = 3;

/**
 * Returns the seconds without progress after which pods that are not ready count as failing: several times the longest
 * time that the replacement of one pod may take. `forecast` has the plan's observations of pods that no longer exist.
 */
export function allowanceSeconds(
  workloads: readonly Workload[],
  pods: readonly Pod[],
  forecast: Pick<Forecast, 'workloads'> | undefined,
): number {
  const each = workloads.map((workload) => {
    const { kind, namespace, name, rollout } = workload;
    const { minReadySeconds, graceSeconds } = shapeOf(workload);
    const own = pods.filter((pod) => isMadeBy(pod, workload));
    const planned = forecast?.workloads.find(
      (one) => one.kind === kind && one.namespace === namespace && one.name === name,
    );
    const slowest = Math.max(readinessOf(own).longest, planned?.longestStartSeconds ?? 0);
    return Math.max(
      rollout?.progressDeadlineSeconds ?? DEFAULT_DEADLINE_SECONDS,
      SLOWER * (slowest + minReadySeconds + graceSeconds),
    );
  });
  return Math.max(DEFAULT_DEADLINE_SECONDS, ...each);
}

/** Returns whether what is waited for is a pod that goes first, and not a rollout of all. */
export const isOfWitness = (progress: Pick<Progress, 'of'> | undefined): boolean => /\.\d+$/.test(progress?.of ?? '');
