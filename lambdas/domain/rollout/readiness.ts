/** Measures how long pods take to become ready, from the running pods. */
import type { Pod } from '../kubernetes/objects.ts';

export interface Readiness {
  /** Seconds from creation to ready, sorted, of each pod for which it is known. */
  samples: number[];
  /** Seconds that a pod takes: the median of the samples, or an assumption. */
  median: number;
  longest: number;
  /** True if there are no samples. */
  assumed: boolean;
}

/** The assumed seconds of a pod without samples. Nothing is ever blocked because of an assumption. */
const ASSUMED_SECONDS = 60;

/**
 * A pod's last change to ready shows its start only if it was never unready since. A later change usually comes hours or
 * days after the creation, while a start takes less than a Deployment's usual progress deadline of ten minutes. So a
 * change more than an hour after the creation does not count as a start.
 */
const LONGEST_START_SECONDS = 3600;

const secondsToReady = ({ createdAt, readyAt, restarts = 0, terminating }: Pod): number | undefined => {
  // After a container restart the pod becomes ready again, and the time of its first start is lost.
  if (readyAt === undefined || restarts > 0 || terminating) return undefined;
  const seconds = (Date.parse(readyAt) - Date.parse(createdAt)) / 1000;
  return seconds >= 0 && seconds <= LONGEST_START_SECONDS ? seconds : undefined;
};

/**
 * Removes samples far above the rest (Tukey's far fence, plus the median): pods that were unready for a while since, or
 * whose image had to be pulled and is now on the node.
 */
function withoutOutliers(sorted: readonly number[]): number[] {
  const at = (part: number): number => sorted[Math.floor(sorted.length * part)] ?? 0;
  const most = at(0.75) + 3 * (at(0.75) - at(0.25)) + at(0.5);
  return sorted.filter((seconds) => seconds <= most);
}

/** Estimates from the pods of one workload how long a new pod takes to become ready. */
export function readinessOf(pods: readonly Pod[]): Readiness {
  const samples = withoutOutliers(pods.flatMap((pod) => secondsToReady(pod) ?? []).sort((a, b) => a - b));
  const median = samples[Math.floor(samples.length / 2)];
  const longest = samples.at(-1);
  return median === undefined || longest === undefined
    ? { samples: [], median: ASSUMED_SECONDS, longest: ASSUMED_SECONDS, assumed: true }
    : { samples, median, longest, assumed: false };
}

/** Returns the seconds of `count` pods with the distribution of the samples, so that uneven starts stay uneven. */
export function spread({ samples, median }: Readiness, count: number): number[] {
  return Array.from({ length: count }, (_, index) => {
    if (samples.length === 0) return median;
    // Steps of the golden ratio visit the samples evenly but not in order, so that slow pods do not all come last.
    const position = (0.5 + index * 0.618_033_988_749_895) % 1;
    return samples[Math.floor(position * samples.length)] ?? median;
  });
}
