/**
 * Whether a rollout goes on. Every number that is compared only ever gets better while it does, so that pods which
 * become ready and unready in turn count as progress once.
 */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import type { Forecast, Progress } from './model.ts';
import { readinessOf } from './readiness.ts';
import { shapeOf } from './shape.ts';

export type Seen = Pick<Progress, 'ready' | 'others' | 'newest' | 'observed'>;

/** A pod, and whether it has the identity that it should have. */
export interface JudgedPod {
  pod: Pod;
  right: boolean;
}

/** Returns what one look has found; pods on their way out, and those that have ended, are among the others. */
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
 * Returns the progress after this look: `since` is now where anything has got better, or where something else is
 * waited for than before.
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
 * Kubernetes itself calls a Deployment stuck after ten minutes without progress, unless its own
 * `progressDeadlineSeconds` says otherwise. Source: Kubernetes documentation, "Deployments", "Progress Deadline
 * Seconds".
 */
const DEFAULT_DEADLINE_SECONDS = 600;
/** New pods may be slower than those of before: other nodes, images that are not there yet, cold caches. */
const SLOWER = 3;

/**
 * Returns the seconds without progress after which pods that are not ready are looked at as failing: as long as a pod
 * of the slowest workload may take to be replaced, several times over. `forecast`: what the plan has seen of pods that
 * are gone by now.
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
