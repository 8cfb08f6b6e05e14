/**
 * Forecasts how long a rollout takes, from how the controllers replace pods and how long the running pods took to become
 * ready. The identity of the new pods does not matter, so the forecast applies to a migration and to its rollback alike.
 */
import { isMadeBy, type Pod, type Workload } from '../kubernetes/objects.ts';
import { type Readiness, readinessOf, spread } from './readiness.ts';
import { type RolloutShape, shapeOf } from './shape.ts';

export interface WorkloadForecast extends RolloutShape {
  /** Seconds that the replacement of all of its pods is likely to take. */
  seconds: number;
  /** Seconds if each pod takes as long as the slowest observed pod, and its whole grace period to end. */
  atMostSeconds: number;
  /** Usual seconds from the start of one pod's replacement to the start of the next. */
  secondsEach: number;
  /** Seconds from creation to ready of the slowest observed pod. */
  longestStartSeconds: number;
  /** No running pod shows how long a pod takes: `seconds` is a guess, and nothing may be blocked because of it. */
  assumed: boolean;
  /** Names of pods that cannot end because their node does not answer. A StatefulSet cannot continue past such a pod. */
  stuck: string[];
}

export interface RolloutForecast {
  /** Seconds until the last workload has finished. They roll out at the same time. */
  seconds: number;
  atMostSeconds: number;
  /** True if the forecast of at least one workload is a guess. */
  assumed: boolean;
  /** Sorted by duration, longest first. */
  workloads: WorkloadForecast[];
}

/**
 * A process that is asked to end usually does so within seconds, and always within the grace period. A preStop hook or a
 * slow shutdown is visible only while pods end. A container without either takes about two seconds.
 */
const USUAL_END_SECONDS = 2;

/** Returns when the last of these ends if `slots` of them run at once, each started when a slot is free. */
function lastEnd(durations: readonly number[], slots: number): number {
  const free = Array.from({ length: Math.max(1, Math.min(slots, durations.length)) }, () => 0);
  let last = 0;
  // The slots form a heap, with the slot that is free first at the front.
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
  // New pods start before old ones end, or after all old ones have ended. Either way, one pod's end adds to the time.
  if (order === 'surge' || order === 'recreate') return lastEnd(available, atOnce) + endSeconds;
  return lastEnd(
    available.map((seconds) => seconds + endSeconds),
    atOnce,
  );
}

/** Returns the forecast of one workload. `stuck` has the names of its pods that cannot end. */
function forecastWorkload(shape: RolloutShape, readiness: Readiness, stuck: readonly string[] = []): WorkloadForecast {
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
  /** UIDs of pods that cannot end. */
  stuck?: ReadonlySet<string>;
  /** The workloads are deleted and created again, so their pods do not wait for each other, except in a StatefulSet. */
  asNewPods?: boolean;
}

/** Returns the shape of a workload that is deleted and created again: all old pods end before new ones start. */
const recreated = (shape: RolloutShape): RolloutShape =>
  shape.order === 'sequential' ? shape : { ...shape, order: 'recreate', atOnce: Math.max(1, shape.replicas) };

/**
 * Returns how long it takes until each of these workloads has replaced all of its pods. `pods` are all pods of their
 * namespaces, including those of other workloads.
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
      return forecastWorkload(asNewPods ? recreated(shapeOf(workload)) : shapeOf(workload), readinessOf(own), names);
    })
    .sort((a, b) => b.seconds - a.seconds);
  return {
    seconds: Math.max(0, ...forecasts.map(({ seconds }) => seconds)),
    atMostSeconds: Math.max(0, ...forecasts.map(({ atMostSeconds }) => atMostSeconds)),
    assumed: forecasts.some(({ assumed }) => assumed),
    workloads: forecasts,
  };
}

/** The seconds by which the waits between pods that go first grow, and that a restart of all pods is given. */
export const WITNESS_WAIT_SECONDS = 15;

/**
 * Returns the seconds that a pod that goes first adds to a restart of these workloads: it starts, and the next poll sees
 * it. A workload with a single pod is its own witness.
 */
export function witnessSeconds({ workloads }: Pick<RolloutForecast, 'workloads'>): {
  seconds: number;
  atMostSeconds: number;
} {
  if (workloads.reduce((sum, { toReplace }) => sum + toReplace, 0) <= 1) return { seconds: 0, atMostSeconds: 0 };
  return {
    seconds: Math.max(WITNESS_WAIT_SECONDS, ...workloads.map(({ secondsEach }) => secondsEach)),
    atMostSeconds: Math.max(WITNESS_WAIT_SECONDS, ...workloads.map(({ longestStartSeconds }) => longestStartSeconds)),
  };
}

/** Returns whether work has taken longer than its limit, if it has one. `startedAt` and `now` are in milliseconds. */
export const isOverdue = (startedAt: number, now: number, maxDurationMinutes: number | undefined): boolean =>
  maxDurationMinutes !== undefined && now - startedAt > maxDurationMinutes * 60_000;
