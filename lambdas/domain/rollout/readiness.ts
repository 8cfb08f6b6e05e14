/** How long pods took to get ready, as those that run show it. */
import type { Pod } from '../kubernetes/objects.ts';

export interface Readiness {
  /** Seconds from creation to ready of each pod that shows it, sorted; empty where none does. */
  samples: number[];
  /** Seconds that a pod takes: the median of what was seen, or an assumption. */
  median: number;
  longest: number;
  /** No running pod shows it. */
  assumed: boolean;
}

/** What a pod of which nothing is known is assumed to take; nothing is ever blocked because of it. */
const ASSUMED_SECONDS = 60;

/**
 * A pod's last change to ready is its start only where it was not unready since. Such a change comes hours or days
 * after the creation, a start before a Deployment's usual deadline for progress, ten minutes, as a rule: what is later
 * than an hour is no start.
 */
const LONGEST_START_SECONDS = 3600;

const secondsToReady = ({ createdAt, readyAt, restarts = 0, terminating }: Pod): number | undefined => {
  // After a restart of a container the pod gets ready again, and the time of the first one is gone.
  if (readyAt === undefined || restarts > 0 || terminating) return undefined;
  const seconds = (Date.parse(readyAt) - Date.parse(createdAt)) / 1000;
  return seconds >= 0 && seconds <= LONGEST_START_SECONDS ? seconds : undefined;
};

/**
 * Leaves out what lies far above the rest (Tukey's far fence, and once the median more): pods that were unready for a
 * while since, or whose image had to be pulled, which the node has by now.
 */
function withoutOutliers(sorted: readonly number[]): number[] {
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;
  const most = at(0.75) + 3 * (at(0.75) - at(0.25)) + at(0.5);
  return sorted.filter((seconds) => seconds <= most);
}

/** Returns what these pods, all of one workload, show about how long a new one takes. */
export function readinessOf(pods: readonly Pod[]): Readiness {
  const samples = withoutOutliers(pods.flatMap((pod) => secondsToReady(pod) ?? []).sort((a, b) => a - b));
  const median = samples[Math.floor(samples.length / 2)];
  const longest = samples.at(-1);
  return median === undefined || longest === undefined
    ? { samples: [], median: ASSUMED_SECONDS, longest: ASSUMED_SECONDS, assumed: true }
    : { samples, median, longest, assumed: false };
}

/** Returns the seconds of `count` pods, spread as the samples are: uneven starts stay uneven. */
export function spread({ samples, median }: Readiness, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    if (samples.length === 0) return median;
    // Steps of the golden ratio visit the samples evenly and in no order, so that slow pods do not all come last.
    const position = (0.5 + index * 0.618_033_988_749_895) % 1;
    return samples[Math.floor(position * samples.length)] ?? median;
  });
}
