/**
 * How pods return from EKS Pod Identity to their former identity without losing their credentials. Once its association
 * is deleted, a pod has only the session that it has fetched, and only a new pod gets other credentials. The replacement
 * must therefore complete before the first session can end. EKS's webhook also remembers a deleted association for a
 * while: a pod that is admitted during that time gets the environment of EKS Pod Identity, and no credentials. One pod is
 * therefore replaced first, and the others follow when a new pod has the former identity.
 */
import { accountOf } from '../terms/subject.ts';
import { podsThatCount } from '../verification/pod-identity.ts';
import { isMadeBy, isMadeByAny, type Pod, type Workload, type WorkloadRef } from '../kubernetes/objects.ts';
import type { PodEvidence } from '../terms/evidence.ts';
import { forecastRollout } from '../rollout/forecast.ts';
import { isBeingReplaced, type Leniency, NO_LENIENCY } from '../rollout/settled.ts';
import {
  concernedWorkloads,
  type ExpectedPods,
  isExpected,
  judgePods,
  type PodsVerdict,
} from '../verification/pods.ts';
import type { Shows, SortedPods } from '../verification/injection-seen.ts';
import { unreplacedPods } from '../verification/unreplaced.ts';
import { sureSessionSeconds } from './sessions.ts';
import { outliveSessions, type UnreplacedPod } from './unreplaced-pods.ts';

/**
 * The time that EKS's webhook is expected to remember a deleted association, for a forecast. Usually it is several seconds.
 * That is shorter than `WEBHOOK_KNOWS_SECONDS`, after which the webhook is judged: a forecast of ten minutes would have
 * rollbacks ask a person about pods that have credentials for long enough.
 */
const WEBHOOK_SECONDS = 60;

/** A replacement that is forecast to take longer than the first pod, `pod`, is certain to have credentials. */
export interface SlowReplacement {
  neededSeconds: number;
  sureSeconds: number;
  pod: string;
}

/** `ask`: pods may be without credentials before they are replaced, or, `unreplaced`, because no rollout replaces them. */
export type AssociationRemoval = { do: 'go' } | { do: 'ask'; slow?: SlowReplacement; unreplaced: UnreplacedPod[] };

export interface AssociationRemovalFacts {
  /** The pods of the affected namespaces. */
  pods: readonly Pod[];
  workloads: readonly Workload[];
  /** uids of pods that have EKS Pod Identity, and must return to their former identity. */
  leaving: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Decides whether the associations of pods may be deleted: the replacement must be forecast to complete before the
 * first
 * session of a working pod can end, and so must the end of a pod that no rollout replaces. Pods that fail with EKS Pod
 * Identity have nothing to lose, and an assumed forecast never leads to a refusal.
 */
export function mayRemoveAssociations({ pods, workloads, leaving, now }: AssociationRemovalFacts): AssociationRemoval {
  const on = pods.filter(({ uid }) => leaving.has(uid));
  const left = new Set(unreplacedPods(on, workloads));
  const unreplaced = outliveSessions([...left], now);
  const slow = slowReplacement(
    on.filter((pod) => pod.ready && !pod.terminating && !left.has(pod)),
    { pods, workloads, now },
  );
  return slow || unreplaced.length > 0 ? { do: 'ask', ...(slow ? { slow } : {}), unreplaced } : { do: 'go' };
}

function slowReplacement(
  working: readonly Pod[],
  { pods, workloads, now }: Omit<AssociationRemovalFacts, 'leaving'>,
): SlowReplacement | undefined {
  const sure = working
    .map(({ name, createdAt }) => ({ pod: name, seconds: sureSessionSeconds((now - Date.parse(createdAt)) / 1000) }))
    .sort((a, b) => a.seconds - b.seconds);
  const concerned = workloads.filter((workload) => working.some((pod) => isMadeBy(pod, workload)));
  const forecast = forecastRollout(concerned, pods);
  const neededSeconds = WEBHOOK_SECONDS + forecast.seconds + (forecast.workloads[0]?.secondsEach ?? 0);
  const [first] = sure;
  if (first === undefined || forecast.assumed || neededSeconds < first.seconds) return undefined;
  return { neededSeconds, sureSeconds: Math.floor(first.seconds), pod: first.pod };
}

/** The pods to replace next. */
export interface Replacement {
  /** Workloads whose pods are all replaced. */
  restart: WorkloadRef[];
  /** Pods that are replaced themselves, with their workloads. */
  evict: { pod: Pod; workload: WorkloadRef }[];
  /** True if a new pod of each service account shows what new pods get: the rest may follow. */
  isWitnessed: boolean;
}

interface ObservedPods {
  evidence: readonly PodEvidence[];
  pods: readonly Pod[];
  sorted: SortedPods;
  /** The pods with a wrong identity that no rollout replaces. */
  unreplaced: readonly Pod[];
  workloads: readonly Workload[];
  expected: ExpectedPods;
  /**
   * Creation time, by the API server's clock, of the newest pod that existed when the association was deleted. Absent
   * if
   * no association was deleted, so that the webhook has none to forget.
   */
  since?: string | undefined;
  /** Problems of the pods that are ignored. */
  leniency?: Leniency;
}

const refOf = ({ kind, namespace, name }: Workload): WorkloadRef => ({ kind, namespace, name });

const isNewer = ({ createdAt }: Pick<Pod, 'createdAt'>, since: string): boolean =>
  Date.parse(createdAt) > Date.parse(since);

/** Returns the pods that count, sorted into those with a wrong and those with an expected identity. */
export function sortPods(evidence: PodEvidence[], pods: readonly Pod[], expected: ExpectedPods): SortedPods {
  const counted = new Map(podsThatCount(evidence).map((pod) => [pod.uid, isExpected(expected, pod)]));
  return {
    wrong: pods.filter(({ uid }) => counted.get(uid) === false),
    right: pods.filter(({ uid }) => counted.get(uid) === true),
  };
}

/** Returns whether a new pod of the service account shows that the webhook has forgotten its association. */
const isWitnessed = (
  { namespace, serviceAccount }: Pick<Workload, 'namespace' | 'serviceAccount'>,
  right: readonly Pod[],
  since: string | undefined,
): boolean =>
  since === undefined ||
  right.some((pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount && isNewer(pod, since));

/**
 * Returns the pod to replace first: the newest of those that were replaced before, else one that does not work anyway, else
 * the oldest, whose session ends first.
 */
function firstToGo(wrong: readonly Pod[], since: string): Pod | undefined {
  const useless = (pod: Pod): number => (isNewer(pod, since) ? 2 : pod.ready ? 0 : 1);
  const age = (pod: Pod): number => Date.parse(pod.createdAt) * (isNewer(pod, since) ? -1 : 1);
  return [...wrong].sort((a, b) => useless(b) - useless(a) || age(a) - age(b) || (a.name < b.name ? -1 : 1))[0];
}

/** Returns what shows in a rollback that the webhook has forgotten a deleted association. */
const showsForgotten =
  (since: string | undefined): Shows =>
  (workload, { right }) => ({
    since,
    isWitnessed: isWitnessed(workload, right, since),
    isOfUse: (pod) => since === undefined || !isNewer(pod, since),
  });

/**
 * Returns whether a rollout waits for a pod that will not work: a StatefulSet replaces no pod while one of its pods is
 * not ready, whatever its template (Kubernetes documentation, "StatefulSets", "Forced rollback").
 */
const blocksRollout = ({ ready, terminating }: Pod, { kind }: Workload): boolean =>
  kind === 'StatefulSet' && !ready && !terminating;

/**
 * Returns which pods of workloads with wrong pods are replaced next. Until a new pod of the service account has the
 * expected identity, one pod of the first workload is replaced. A workload with a single working pod is restarted,
 * which
 * keeps that pod until the new pod is ready. Pods for which the rollout of a StatefulSet would wait are replaced
 * themselves.
 */
export function replaceNext(
  { workloads, expected, sorted, since }: Pick<ObservedPods, 'workloads' | 'expected' | 'sorted' | 'since'>,
  shows: Shows = showsForgotten(since),
): Replacement {
  const next: Replacement = { restart: [], evict: [], isWitnessed: true };
  const ahead = new Set<string>();
  for (const workload of workloads) {
    const own = sorted.wrong.filter((pod) => isMadeBy(pod, workload));
    if (own.length === 0 || !expected.identities.has(workload.serviceAccount)) continue;
    const shown = shows(workload, sorted);
    if (shown.since === undefined || shown.isWitnessed) {
      const blocking = own.filter((pod) => blocksRollout(pod, workload));
      next.evict.push(...blocking.map((pod) => ({ pod, workload: refOf(workload) })));
      if (blocking.length < own.length) next.restart.push(refOf(workload));
      continue;
    }
    next.isWitnessed = false;
    const account = accountOf(workload);
    if (ahead.has(account)) continue;
    ahead.add(account);
    const isLastOne = workload.desired <= 1 && own.some((pod) => shown.isOfUse(pod) && !blocksRollout(pod, workload));
    const pod = isLastOne ? undefined : firstToGo(own, shown.since);
    if (pod) next.evict.push({ pod, workload: refOf(workload) });
    else next.restart.push(refOf(workload));
  }
  return next;
}

/**
 * Returns whether a workload makes no progress: it has all its pods, and all pods that are not ready have a wrong
 * identity. Those that a rollout in progress replaces have to be hopeless: any other may be ready again in a moment.
 */
function isStuck(
  workload: Workload,
  { pods, leniency: { hopeless } = NO_LENIENCY }: Pick<ObservedPods, 'pods' | 'leniency'>,
  wrong: readonly Pod[],
): boolean {
  const own = pods.filter((pod) => isMadeBy(pod, workload));
  const unready = own.filter((pod) => !pod.ready);
  // Whatever its other pods do, such as end on a lost node, a StatefulSet waits for a pod that never becomes ready.
  if (workload.kind === 'StatefulSet' && unready.some((pod) => hopeless.has(pod.uid) && !pod.terminating)) return true;
  return (
    own.length >= workload.desired &&
    unready.length > 0 &&
    own.every((pod) => !pod.terminating) &&
    unready.every(
      (pod) =>
        wrong.some(({ uid }) => uid === pod.uid) && (hopeless.has(pod.uid) || !isBeingReplaced(pod, workload, pods)),
    )
  );
}

/**
 * Evaluates the pods as in a migration, except for pods that have no credentials to become ready with: those for which
 * the
 * webhook used a deleted association, and those that failed with the new identity. A rollout of such pods never
 * settles,
 * so it is not waited for. Nor are pods that no rollout replaces: all others would wait for them without credentials.
 */
export function judgeRollback(observed: ObservedPods): PodsVerdict {
  const { workloads, expected, since } = observed;
  const { wrong, right } = observed.sorted;
  const unreplaced = new Set(observed.unreplaced.map(({ uid }) => uid));
  const evidence = observed.evidence.filter(({ uid }) => !unreplaced.has(uid));
  const pods = observed.pods.filter(({ uid }) => !unreplaced.has(uid));
  // Where only such pods run, no other pod has to appear.
  const mayBeNone = expected.mayBeNone || (unreplaced.size > 0 && concernedWorkloads(workloads, expected).length === 0);
  const judged = judgePods(evidence, pods, [...workloads], { ...expected, mayBeNone }, observed.leniency);
  if (judged.verdict !== 'wait') return judged;
  const isLost = (pod: Pod, workload: Workload): boolean =>
    since !== undefined && isNewer(pod, since) && !isWitnessed(workload, right, since) && isMadeBy(pod, workload);
  const hopeless = workloads.filter(
    (workload) =>
      expected.identities.has(workload.serviceAccount) &&
      workload.desired > 0 &&
      (wrong.some((pod) => isLost(pod, workload)) || isStuck(workload, observed, wrong)),
  );
  if (hopeless.length === 0) return judged;
  const uids = new Set(wrong.filter((pod) => isMadeByAny(pod, hopeless)).map(({ uid }) => uid));
  return { verdict: 'restart', workloads: hopeless.map(refOf), pods: evidence.filter(({ uid }) => uids.has(uid)) };
}
