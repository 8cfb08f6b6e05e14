/**
 * Compares two observations of pods, before and after the settling time: which pods stayed ready, without a restart of a
 * container. Only pods that were healthy before the migration can make it fail, and only if they restart again the next
 * time: a single restart may have any cause (promises 2 and 10).
 */
import { isMadeBy, isMadeByAny, type Node, type Pod, type Workload } from '../kubernetes/objects.ts';
import type { PodEvidence } from '../terms/evidence.ts';
import { isWaitingToRestart } from '../rollout/broken.ts';
import { type Leniency, unreadyBefore } from '../rollout/settled.ts';
import { podsThatCount } from './pod-identity.ts';

export interface Observations {
  /** The evidence at the beginning of the settling time, and now. */
  before: readonly PodEvidence[];
  now: readonly PodEvidence[];
  /** The pods that exist now, and the workloads whose pods are verified. */
  pods: readonly Pod[];
  workloads: readonly Workload[];
  /** UIDs of pods that count and have the right identity. */
  right: ReadonlySet<string>;
  /** Absent if they were not read, or may not be read. */
  nodes?: readonly Node[] | undefined;
  leniency: Leniency;
  /** How the pods restarted before the migration. */
  former?: FormerRestarts | undefined;
  /** UIDs of pods with restarts between earlier observations of the same attempt. */
  restartedEarlier: ReadonlySet<string>;
}

/** Why a pod that counts has not reached the level `ready`. */
export type Shortfall =
  /** It did not exist at the beginning of the settling time, or was not ready then. */
  | 'joined'
  /** It does not have the right identity. */
  | 'wrong'
  /** Its node is not ready, so nothing can be observed of it. */
  | 'unready-node'
  | 'not-ready'
  | 'restarted'
  /** It is ready again, after it was not for a part of the settling time. */
  | 'interrupted'
  /** It belongs to no workload that replaces it, and ended with an error. */
  | 'failed';

/** A pod that has not reached the level `ready`. */
export interface ShortPod {
  pod: Pod;
  why: Shortfall;
  /** Restarts since the beginning of the settling time. */
  grown: number;
  /** No workload replaces it, or its workload's pods were no better before the migration. */
  excused: boolean;
}

export interface Stability {
  /**
   * - `stable`: every pod that matters stayed ready.
   * - `unobserved`: no pod is left that could show it, and no workload replaces them (pods of Jobs that have ended, for example).
   * - `unstable`: pods restarted or are not ready, or none of a workload's pods is left. They are observed again.
   * - `failing`: pods of a workload restarted again that had restarted before.
   */
  is: 'stable' | 'unobserved' | 'unstable' | 'failing';
  /** UIDs of the pods that reached `ready`. */
  ready: ReadonlySet<string>;
  short: ShortPod[];
  /** The pods that caused `unstable` or `failing`. */
  causes: ShortPod[];
  /** Workloads none of whose pods was there the whole time. */
  replaced: Workload[];
}

/**
 * Returns the restarts that were added from one observation of a pod to the next. A lower count is one that began again: the
 * kubelet counts from the last container that has not been removed from the node.
 */
function grownBy(before: PodEvidence | undefined, { restarts }: Pick<Pod, 'restarts'>): number {
  if (before === undefined || restarts === undefined) return 0;
  const grown = restarts - (before.restarts ?? 0);
  return grown < 0 ? restarts + 1 : grown;
}

const byUid = (evidence: readonly PodEvidence[]): Map<string, PodEvidence> =>
  new Map(podsThatCount([...evidence]).map((pod) => [pod.uid, pod]));

/** Returns the uids of pods whose restart count has grown from one of these observations to the next. */
export function restartedBetween(observations: readonly (readonly PodEvidence[])[]): Set<string> {
  const restarted = new Set<string>();
  for (const [index, now] of observations.entries()) {
    const before = byUid(observations[index - 1] ?? []);
    for (const pod of podsThatCount([...now])) if (grownBy(before.get(pod.uid), pod) > 0) restarted.add(pod.uid);
  }
  return restarted;
}

function shortfallOf(pod: Pod, { right, nodes }: Observations, before: PodEvidence | undefined): Shortfall | undefined {
  if (!right.has(pod.uid)) return 'wrong';
  const isSteady = pod.ready && !isWaitingToRestart(pod);
  if (!isSteady && nodes?.find(({ name }) => name === pod.node)?.ready === false) return 'unready-node';
  if (before === undefined) return 'joined';
  // While the kubelet waits before the next restart, the count has not grown yet.
  if (grownBy(before, pod) > 0 || (before.ready && isWaitingToRestart(pod))) return 'restarted';
  if (!isSteady) return 'not-ready';
  if (!before.ready) return 'joined';
  // Both times are the API server's: the clocks of the functions may differ from it.
  return before.readyAt !== undefined && pod.readyAt !== undefined && before.readyAt !== pod.readyAt
    ? 'interrupted'
    : undefined;
}

/** Returns the observed pods that failed since then and that no workload replaces, such as those of Jobs. */
const failedSince = (
  { pods, workloads }: Pick<Observations, 'pods' | 'workloads'>,
  earlier: ReadonlyMap<string, PodEvidence>,
): ShortPod[] =>
  pods
    .filter((pod) => earlier.has(pod.uid) && pod.phase === 'Failed' && !isMadeByAny(pod, workloads))
    .map((pod) => ({ pod, why: 'failed', grown: 0, excused: true }));

/**
 * A pod that joined, one on a node that is not ready, and one that is ready again neither show anything nor contradict
 * anything.
 */
const isContrary = ({ why, excused }: ShortPod): boolean =>
  why === 'wrong' || (!excused && (why === 'not-ready' || why === 'restarted'));

/** Pods that restarted sometimes before the migration restart sometimes after it. */
export interface FormerRestarts {
  /** The pods before the migration, when they were read, and the settling time. */
  pods: readonly PodEvidence[];
  readAt: string;
  settleSeconds: number;
}

/** Fewer restarts than this are not expected in a settling time. Above it, some multiple of them is chance. */
const LEAST_EXPECTED = 0.05;
const CHANCE = 3;
/** A shorter total age of pods does not show how often they restart. */
const LEAST_AGE_SECONDS = 3600;

/**
 * Returns how many restarts in a settling time are nothing new: a multiple of the number that is expected from the rate at
 * which the service account's pods restarted before the migration.
 */
export function usualRestarts(serviceAccount: string, count: number, former: FormerRestarts | undefined): number {
  if (!former) return 0;
  const own = former.pods.filter((pod) => pod.serviceAccount === serviceAccount);
  const restarts = own.reduce((sum, pod) => sum + (pod.restarts ?? 0), 0);
  const age = own.reduce((sum, pod) => sum + (Date.parse(former.readAt) - Date.parse(pod.createdAt)) / 1000, 0);
  const expected = (restarts / Math.max(LEAST_AGE_SECONDS, age)) * count * former.settleSeconds;
  return expected < LEAST_EXPECTED ? 0 : Math.ceil(CHANCE * expected);
}

/** Marks pods as excused if their workload had as many that were broken, or as many restarts, before the migration. */
function excuseFormer(short: readonly ShortPod[], { workloads, leniency, pods, former }: Observations): ShortPod[] {
  const excused = new Set<string>();
  const excuse = (ones: readonly ShortPod[], most: number): void => {
    if (ones.length <= most) for (const { pod } of ones) excused.add(pod.uid);
  };
  for (const workload of workloads) {
    const own = short.filter((one) => one.why !== 'wrong' && isContrary(one) && isMadeBy(one.pod, workload));
    const broken = unreadyBefore(workload, leniency);
    const count = pods.filter((pod) => isMadeBy(pod, workload)).length;
    const restarted = own.filter(({ why }) => why === 'restarted');
    excuse(own, broken);
    excuse(restarted, usualRestarts(workload.serviceAccount, count, former));
    excuse(
      own.filter(({ pod }) => !excused.has(pod.uid)),
      broken,
    );
  }
  return short.map((one) => (excused.has(one.pod.uid) ? { ...one, excused: true } : one));
}

/** Compares the observations. */
export function compareObservations(observations: Observations): Stability {
  const { before, now, pods, workloads, leniency, restartedEarlier } = observations;
  const earlier = byUid(before);
  const counted = byUid(now);
  const brokenUids = new Set(leniency.broken.map(({ uid }) => uid));
  const seen = pods.filter(({ uid }) => counted.has(uid));
  const found = seen.flatMap((pod): ShortPod[] => {
    const was = earlier.get(pod.uid);
    const why = shortfallOf(pod, observations, was);
    const excused = !isMadeByAny(pod, workloads) || brokenUids.has(pod.uid);
    return why === undefined ? [] : [{ pod, why, grown: grownBy(was, pod), excused }];
  });
  const short = [...excuseFormer(found, observations), ...failedSince(observations, earlier)];
  const shortUids = new Set(short.map(({ pod }) => pod.uid));
  const ready = new Set(seen.filter(({ uid }) => !shortUids.has(uid)).map(({ uid }) => uid));
  const contrary = short.filter(isContrary);
  const again = contrary.filter(
    ({ pod, why }) =>
      why === 'restarted' &&
      // Lack of memory says nothing about credentials.
      pod.outOfMemory !== true &&
      workloads.some((workload) => {
        const own = seen.filter((one) => restartedEarlier.has(one.uid) && isMadeBy(one, workload));
        return isMadeBy(pod, workload) && own.length > unreadyBefore(workload, leniency);
      }),
  );
  // A workload that has pods to show, but none that was there the whole time.
  const replaced = workloads.filter((workload) => {
    const own = seen.filter((pod) => isMadeBy(pod, workload));
    const isExcused = own.some((pod) => short.some((one) => one.pod.uid === pod.uid && one.excused));
    return !isExcused && !own.some(({ uid }) => ready.has(uid));
  });
  const result = { ready, short, replaced };
  if (again.length > 0) return { is: 'failing', ...result, causes: again };
  if (contrary.length > 0 || replaced.length > 0) return { is: 'unstable', ...result, causes: contrary };
  return { is: ready.size > 0 ? 'stable' : 'unobserved', ...result, causes: [] };
}
