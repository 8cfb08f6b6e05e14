/**
 * How long a rollout takes: from how the controllers replace pods, and from how long the running ones took to get ready.
 * It says nothing about which identity the new pods have, and so holds for a migration and for its rollback alike.
 */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import { type Readiness, readinessOf, spread } from './readiness.ts';
import { type RolloutShape, shapeOf } from './shape.ts';

export interface WorkloadForecast extends RolloutShape {
  /** Seconds that all of its pods are likely to take. */
  seconds: number;
  /** The same where each pod takes as long as the slowest that was seen, and uses its whole grace period to end. */
  atMostSeconds: number;
  /** Seconds from the start of one pod's replacement until the next one's turn, as a rule. */
  secondsEach: number;
  /** From creation to ready, of the slowest pod that was seen. */
  longestStartSeconds: number;
  /** No running pod shows how long one takes: `seconds` is a guess, and nothing may be blocked because of it. */
  assumed: boolean;
  /** Pods that can't end by themselves, since their node does not answer; a StatefulSet can't go on past one. */
  stuck: string[];
}

export interface RolloutForecast {
  /** Until the last workload is done; they roll at the same time. */
  seconds: number;
  atMostSeconds: number;
  /** At least one of its workloads shows nothing to go by. */
  assumed: boolean;
  /** The longest first. */
  workloads: WorkloadForecast[];
}

/**
 * A process that is asked to end does so within seconds as a rule, and within the grace period always: a preStop hook
 * or a slow shutdown shows only while pods end. Two seconds is what a container without either takes.
 */
const USUAL_END_SECONDS = 2;

/** Returns when the last of these is done, where `slots` of them run at once, each started when a slot is free. */
function lastEnd(durations: readonly number[], slots: number): number {
  const free = Array.from({ length: Math.max(1, Math.min(slots, durations.length)) }, () => 0);
  let last = 0;
  // The slots as a heap: the one that is free first is in front.
  for (const duration of durations) {
    const end = (free[0] ?? 0) + duration;
    last = Math.max(last, end);
    let at = 0;
    for (;;) {
      const left = 2 * at + 1;
      if (left >= free.length) break;
      const child = left + 1 < free.length && (free[left + 1] ?? 0) < (free[left] ?? 0) ? left + 1 : left;
      if ((free[child] ?? 0) >= end) break;
      free[at] = free[child] ?? 0;
      at = child;
    }
    free[at] = end;
  }
  return last;
}

function secondsOf(shape: RolloutShape, starts: readonly number[], endSeconds: number): number {
  const { order, atOnce, minReadySeconds } = shape;
  if (starts.length === 0) return 0;
  const available = starts.map((seconds) => seconds + minReadySeconds);
  // New pods come before old ones end, or all after all have ended: the end of a pod is waited for once.
  if (order === 'surge' || order === 'recreate') return lastEnd(available, atOnce) + endSeconds;
  return lastEnd(
    available.map((seconds) => seconds + endSeconds),
    atOnce,
  );
}

/** Returns the forecast of one workload; `stuck`: names of its pods that can't end by themselves. */
export function forecastWorkload(
  shape: RolloutShape,
  readiness: Readiness,
  stuck: readonly string[] = [],
): WorkloadForecast {
  const { toReplace, order, minReadySeconds, graceSeconds } = shape;
  const usualEnd = Math.min(USUAL_END_SECONDS, graceSeconds);
  const slowest = Array.from({ length: toReplace }, () => readiness.longest);
  const waitsForEnd = order === 'in-place' || order === 'sequential';
  return {
    ...shape,
    seconds: Math.round(secondsOf(shape, spread(readiness, toReplace), usualEnd)),
    atMostSeconds: Math.round(secondsOf(shape, slowest, graceSeconds)),
    secondsEach: Math.round(readiness.median + minReadySeconds + (waitsForEnd ? usualEnd : 0)),
    longestStartSeconds: readiness.longest,
    assumed: readiness.assumed,
    stuck: [...stuck],
  };
}

const ofWorkload = (pods: readonly Pod[], workload: Workload): Pod[] => pods.filter((pod) => isMadeBy(pod, workload));

export interface ForecastOptions {
  /** Uids of pods that can't end by themselves. */
  stuck?: ReadonlySet<string>;
  /** The workloads are deleted and made anew: pods do not wait for each other, but for those of a StatefulSet. */
  asNewPods?: boolean;
}

/** The pods of a workload that is deleted and made anew all end before new ones start. */
const madeAnew = (shape: RolloutShape): RolloutShape =>
  shape.order === 'sequential' ? shape : { ...shape, order: 'recreate', atOnce: Math.max(1, shape.replicas) };

/**
 * Returns how long it takes until each of these workloads has replaced all of its pods. `pods`: of their namespaces,
 * also those of other workloads.
 */
export function forecastRollout(
  workloads: readonly Workload[],
  pods: readonly Pod[],
  { stuck = new Set(), asNewPods = false }: ForecastOptions = {},
): RolloutForecast {
  const forecasts = workloads
    .filter(({ desired }) => desired > 0)
    .map((workload) => {
      const own = ofWorkload(pods, workload);
      const names = own.filter(({ uid }) => stuck.has(uid)).map(({ name }) => name);
      return forecastWorkload(asNewPods ? madeAnew(shapeOf(workload)) : shapeOf(workload), readinessOf(own), names);
    })
    .sort((a, b) => b.seconds - a.seconds);
  return {
    seconds: Math.max(0, ...forecasts.map(({ seconds }) => seconds)),
    atMostSeconds: Math.max(0, ...forecasts.map(({ atMostSeconds }) => atMostSeconds)),
    assumed: forecasts.some(({ assumed }) => assumed),
    workloads: forecasts,
  };
}

/** Returns whether work that began then has taken longer than it was to take; never without a limit. Milliseconds. */
export const isOverdue = (startedAt: number, now: number, maxDurationMinutes: number | undefined): boolean =>
  maxDurationMinutes !== undefined && now - startedAt > maxDurationMinutes * 60_000;
