/**
 * How pods go from EKS Pod Identity back to what they had, so that none is without credentials on the way. Once its
 * association is gone, a pod lives on what it has fetched, and only a new pod gets anything else: so the replacement has
 * to be over before the first session can end. And EKS's webhook knows an association for a while longer: a pod that is
 * admitted meanwhile gets the environment of EKS Pod Identity and no credentials at all. So one pod goes ahead, and the
 * others follow when a new pod shows what they had.
 */
import { podsThatCount } from '../verification/pod-identity.ts';
import { isMadeBy, type Pod, type Workload, type WorkloadRef } from '../kubernetes/objects.ts';
import type { PodEvidence } from '../migration/model.ts';
import { forecastRollout } from '../rollout/forecast.ts';
import type { Leniency } from '../rollout/settled.ts';
import { type ExpectedPods, isExpected, judgePods, type PodsVerdict } from '../verification/pods.ts';

/**
 * EKS Auth's sessions. Sources: EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services": six
 * hours; aws/eks-pod-identity-agent, internal/cache: what the agent gives away is three hours old at most.
 */
const SESSION_SECONDS = 6 * 3600;
const OLDEST_GIVEN_SECONDS = 3 * 3600;
/** SDKs ask for the next session when so little is left of theirs; botocore does from fifteen minutes on. */
const REFRESH_SECONDS = 5 * 60;

/**
 * Returns the seconds for which a pod that has been on EKS Pod Identity since it was created has credentials for sure,
 * whatever becomes of its association now. It fetched its first session with a token that no agent knew: a whole one.
 * Its second may have been three hours old by then, and of later ones nobody knows the phase. Containers that start anew
 * meanwhile, and pods that have not fetched any, have nothing: no age helps those.
 */
export function sureSessionSeconds(ageSeconds: number): number {
  const first = SESSION_SECONDS - ageSeconds;
  if (first > REFRESH_SECONDS) return first;
  const second = 2 * SESSION_SECONDS - REFRESH_SECONDS - OLDEST_GIVEN_SECONDS - ageSeconds;
  return Math.max(second, REFRESH_SECONDS);
}

/** The longest that EKS's webhook is expected to know of an association that is gone; it takes several seconds. */
const WEBHOOK_SECONDS = 60;

/** `ask`: in so many seconds one of them may be without credentials, and the replacement takes longer. */
export type AssociationRemoval = { do: 'go' } | { do: 'ask'; neededSeconds: number; sureSeconds: number; pod: string };

export interface AssociationRemovalFacts {
  /** Of the namespaces in question. */
  pods: readonly Pod[];
  workloads: readonly Workload[];
  /** uids of pods that have EKS Pod Identity, and shall have what they had. */
  leaving: ReadonlySet<string>;
  /** Milliseconds since 1970. */
  now: number;
}

/**
 * Whether the associations of pods may be taken away: the replacement is forecast to be over before the first session of
 * a pod that works can end. Pods that fail with EKS Pod Identity have nothing to lose; nothing is refused by a guess.
 */
export function mayRemoveAssociations({ pods, workloads, leaving, now }: AssociationRemovalFacts): AssociationRemoval {
  const working = pods.filter(({ uid, ready, terminating }) => leaving.has(uid) && ready && !terminating);
  const sure = working
    .map(({ name, createdAt }) => ({ pod: name, seconds: sureSessionSeconds((now - Date.parse(createdAt)) / 1000) }))
    .sort((a, b) => a.seconds - b.seconds);
  const concerned = workloads.filter((workload) => working.some((pod) => isMadeBy(pod, workload)));
  const forecast = forecastRollout(concerned, pods);
  const neededSeconds = WEBHOOK_SECONDS + forecast.seconds + (forecast.workloads[0]?.secondsEach ?? 0);
  const [first] = sure;
  if (first === undefined || forecast.assumed || neededSeconds < first.seconds) return { do: 'go' };
  return { do: 'ask', neededSeconds, sureSeconds: Math.floor(first.seconds), pod: first.pod };
}

/** What is replaced next. */
export interface Replacement {
  /** All of their pods. */
  restart: WorkloadRef[];
  /** One pod of each of these workloads. */
  evict: { pod: Pod; workload: WorkloadRef }[];
  /** A new pod of each service account shows that the webhook has forgotten the association: the rest may follow. */
  isWitnessed: boolean;
}

interface ObservedPods {
  evidence: readonly PodEvidence[];
  pods: readonly Pod[];
  workloads: readonly Workload[];
  expected: ExpectedPods;
  /**
   * When the newest pod was created that was there as the association went, by the API server's clock; left out: none
   * went, so that no webhook has to forget one.
   */
  since?: string | undefined;
  /** What is not held against the pods. */
  leniency?: Leniency;
}

const refOf = ({ kind, namespace, name }: Workload): WorkloadRef => ({ kind, namespace, name });

const isNewer = ({ createdAt }: Pick<Pod, 'createdAt'>, since: string): boolean =>
  Date.parse(createdAt) > Date.parse(since);

/** The pods that count and have what they shall not have, and those that have what they shall. */
function sortPods({ evidence, pods, expected }: ObservedPods): { wrong: Pod[]; right: Pod[] } {
  const counted = new Map(podsThatCount([...evidence]).map((pod) => [pod.uid, isExpected(expected, pod)]));
  return {
    wrong: pods.filter(({ uid }) => counted.get(uid) === false),
    right: pods.filter(({ uid }) => counted.get(uid) === true),
  };
}

/** Whether a new pod of that service account shows that the webhook has forgotten its association. */
const isWitnessed = (
  { namespace, serviceAccount }: Pick<Workload, 'namespace' | 'serviceAccount'>,
  right: readonly Pod[],
  since: string | undefined,
): boolean =>
  since === undefined ||
  right.some((pod) => pod.namespace === namespace && pod.serviceAccount === serviceAccount && isNewer(pod, since));

/** The pod that goes ahead: one that is of no use already, else the oldest, whose session ends first. */
function firstToGo(wrong: readonly Pod[], since: string): Pod | undefined {
  const useless = (pod: Pod): number => (isNewer(pod, since) ? 2 : pod.ready ? 0 : 1);
  return [...wrong].sort(
    (a, b) =>
      useless(b) - useless(a) || Date.parse(a.createdAt) - Date.parse(b.createdAt) || (a.name < b.name ? -1 : 1),
  )[0];
}

/**
 * What of the workloads with wrong pods is replaced next. Where no new pod of the service account has shown what it shall
 * have, one pod goes ahead, of the first workload; a workload with one pod that works is restarted, which keeps that one
 * until the new one is ready.
 */
export function replaceNext(looked: ObservedPods): Replacement {
  const { workloads, expected, since } = looked;
  const { wrong, right } = sortPods(looked);
  const next: Replacement = { restart: [], evict: [], isWitnessed: true };
  const ahead = new Set<string>();
  for (const workload of workloads) {
    const own = wrong.filter((pod) => isMadeBy(pod, workload));
    if (own.length === 0 || !expected.identities.has(workload.serviceAccount)) continue;
    if (since === undefined || isWitnessed(workload, right, since)) {
      next.restart.push(refOf(workload));
      continue;
    }
    next.isWitnessed = false;
    const account = `${workload.namespace}/${workload.serviceAccount}`;
    if (ahead.has(account)) continue;
    ahead.add(account);
    const isLastOne = workload.desired <= 1 && own.some((pod) => !isNewer(pod, since));
    const pod = isLastOne ? undefined : firstToGo(own, since);
    if (pod) next.evict.push({ pod, workload: refOf(workload) });
    else next.restart.push(refOf(workload));
  }
  return next;
}

/** Whether nothing of a workload is under way: as many pods as there should be, and all that are not ready are wrong. */
function isStuck(workload: Workload, pods: readonly Pod[], wrong: readonly Pod[]): boolean {
  const own = pods.filter((pod) => isMadeBy(pod, workload));
  const unready = own.filter((pod) => !pod.ready);
  return (
    own.length >= workload.desired &&
    unready.length > 0 &&
    own.every((pod) => !pod.terminating) &&
    unready.every((pod) => wrong.some(({ uid }) => uid === pod.uid))
  );
}

/**
 * The same judgement as forward, but for pods that have no credentials to get ready with: those that the webhook gave an
 * association that was gone, and those that failed with the new identity. A rollout of such pods never settles, so that
 * nobody waits for it.
 */
export function judgeRollback(looked: ObservedPods): PodsVerdict {
  const { evidence, pods, workloads, expected, since } = looked;
  const judged = judgePods([...evidence], [...pods], [...workloads], expected, looked.leniency);
  if (judged.verdict !== 'wait') return judged;
  const { wrong, right } = sortPods(looked);
  const isLost = (pod: Pod, workload: Workload): boolean =>
    since !== undefined && isNewer(pod, since) && !isWitnessed(workload, right, since) && isMadeBy(pod, workload);
  const hopeless = workloads.filter(
    (workload) =>
      expected.identities.has(workload.serviceAccount) &&
      workload.desired > 0 &&
      (wrong.some((pod) => isLost(pod, workload)) || isStuck(workload, pods, wrong)),
  );
  if (hopeless.length === 0) return judged;
  const uids = new Set(wrong.filter((pod) => hopeless.some((one) => isMadeBy(pod, one))).map(({ uid }) => uid));
  return { verdict: 'restart', workloads: hopeless.map(refOf), pods: evidence.filter(({ uid }) => uids.has(uid)) };
}
