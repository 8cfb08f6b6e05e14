/**
 * Pods that no one replaces: those of Jobs, of custom resources, and bare pods. They keep the identity with which they were
 * created until they end, so that a migration does not wait for them (ADR 112). And what follows if there is no pod to
 * verify at all (ADR 113).
 */
import {
  isMadeByAny,
  isOfJob,
  type Pod,
  type Workload,
  WORKLOAD_PLURALS,
  type WorkloadKind,
  type WorkloadRef,
} from '../kubernetes/objects.ts';
import { type Check, some, warn } from '../terms/check.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { PodEvidence } from '../terms/evidence.ts';
import { identitiesCommand } from '../commands/pod-identity.ts';
import { shellCommand } from '../text/shell.ts';

/** Returns what a pod belongs to, for a list. */
const ownerText = ({ owner }: Pick<Pod, 'owner'>): string =>
  owner === undefined ? 'without a controller' : `of ${owner.kind} ${owner.name}`;

/** Returns those of the pods that no workload replaces. `workloads` are those of the pods' namespaces. */
export const unreplacedPods = (pods: readonly Pod[], workloads: readonly WorkloadRef[]): Pod[] =>
  pods.filter((pod) => !isMadeByAny(pod, workloads));

/** Returns the evidence in which these pods are excluded, with the reason. */
export function withoutUnreplaced(evidence: readonly PodEvidence[], unreplaced: readonly Pod[]): PodEvidence[] {
  const owners = new Map(unreplaced.map((pod) => [pod.uid, ownerText(pod)]));
  return evidence.map((one) => {
    const owner = owners.get(one.uid);
    return owner === undefined
      ? one
      : { ...one, excluded: `pod ${owner}: nothing replaces it, and it keeps its identity until it ends` };
  });
}

export const PODS_NOT_REPLACED = 'pods-not-replaced';

const namesOf = (pods: readonly Pod[]): string[] => [...new Set(pods.map(({ name }) => name))].sort();

/** Returns a command for each namespace of these pods. */
const inEach = (pods: readonly Pod[], command: (own: Pod[]) => string[]): string =>
  [...new Set(pods.map(({ namespace }) => namespace))]
    .map((namespace) =>
      shellCommand(['kubectl', '-n', namespace, ...command(pods.filter((pod) => pod.namespace === namespace))]),
    )
    .join(' ; ');

/** Returns what a person can do about these pods, by what they belong to. */
function remediesOf(pods: readonly Pod[]): string[] {
  const jobs = pods.filter(isOfJob);
  const bare = pods.filter(({ owner }) => owner === undefined);
  const controlled = pods.filter((pod) => pod.owner !== undefined && !isOfJob(pod));
  return [
    ...(jobs.length === 0
      ? []
      : [
          `Pods of Jobs need no action: pods of later Jobs get EKS Pod Identity. To see when they end: ${inEach(jobs, (own) => ['get', 'job', ...new Set(own.map(({ owner }) => owner?.name ?? ''))])} .`,
        ]),
    ...(bare.length === 0
      ? []
      : [
          `Pods without a controller are not created again by themselves: delete them when they may be interrupted, and create them again: ${inEach(bare, (own) => ['delete', 'pod', ...namesOf(own)])} .`,
        ]),
    ...(controlled.length === 0
      ? []
      : [
          `For the others, find out whether their controller creates a pod that is deleted again, and if so delete them when they may be interrupted: ${inEach(controlled, (own) => ['delete', 'pod', ...namesOf(own)])} .`,
        ]),
  ];
}

/** Returns a warning about the pods that keep their identity because nothing replaces them, if there are any. */
export function podsNotReplaced(
  evidence: readonly PodEvidence[],
  pods: readonly Pod[],
  { target }: Pick<MigrationRequest, 'target'>,
): Check[] {
  if (evidence.length === 0) return [];
  const podOf = (uid: string): Pod | undefined => pods.find((pod) => pod.uid === uid);
  const listed = evidence.map((one) => {
    const pod = podOf(one.uid);
    return `${one.namespace}/${one.name} (${pod ? ownerText(pod) : ''}; ${one.identity})`;
  });
  const one = evidence.length === 1;
  return [
    warn(
      PODS_NOT_REPLACED,
      `The verification leaves out ${one ? 'a pod that keeps' : `${evidence.length} pods that keep`} the identity with which ${one ? 'it was' : 'they were'} created until ${one ? 'it ends' : 'they end'}, because nothing replaces ${one ? 'it' : 'them'}: ${some(listed)}. What ${one ? 'it has' : 'they have'} of IRSA stays in effect while the role has its OIDC trust, and a retirement of the trust is refused while ${one ? 'it runs' : 'they run'}.`,
      `${remediesOf(evidence.flatMap(({ uid }) => podOf(uid) ?? [])).join(' ')} To see which identity each pod has: ${identitiesCommand(target)}`,
      'Kubernetes documentation, "Pods": a pod is not created again by itself, and its environment does not change; aws/amazon-eks-pod-identity-webhook: it processes a pod once, at its creation',
    ),
  ];
}

const REPLICAS: Record<WorkloadKind, string> = {
  Deployment: 'has 0 replicas',
  StatefulSet: 'has 0 replicas',
  DaemonSet: 'has 0 nodes to run on',
};

/** Returns the workloads of these service accounts that have no desired pods. */
export const workloadsAtZero = (workloads: readonly Workload[], accounts: ReadonlySet<string>): Workload[] =>
  workloads.filter(({ serviceAccount, desired }) => accounts.has(serviceAccount) && desired === 0);

/** Returns why no pod of these service accounts can be verified, as clauses: no workload is to create one. */
export function whyNone(pods: readonly Pod[], workloads: readonly Workload[], accounts: ReadonlySet<string>): string {
  const own = pods.filter(({ serviceAccount }) => accounts.has(serviceAccount));
  const ended = own.filter(({ phase }) => phase === 'Succeeded' || phase === 'Failed');
  const rest = own.filter((pod) => !ended.includes(pod) && !pod.terminating && !isMadeByAny(pod, workloads));
  const clauses = [
    ...workloadsAtZero(workloads, accounts).map(({ kind, name }) => `${kind} ${name} ${REPLICAS[kind]}`),
    ...ended.map((pod) => `pod ${pod.name} ${ownerText(pod)} has ended`),
    ...rest.map((pod) => `pod ${pod.name} ${ownerText(pod)} keeps the identity that it was created with`),
  ];
  return clauses.length === 0 ? `no workload uses service account ${[...accounts].join(', ')}` : some(clauses);
}

export const NO_PODS_TO_VERIFY = 'no-pods-to-verify';

/** Returns the warning that there was no pod to verify. `why` has the reasons as clauses. */
export const noPodsToVerify = (
  towards: 'pod-identity' | 'before',
  why: string,
  { target }: Pick<MigrationRequest, 'target'>,
  atZero: readonly Workload[],
): Check => {
  const scaled = atZero.filter(({ kind }) => kind !== 'DaemonSet');
  const scale = scaled.map(({ kind, namespace, name }) =>
    shellCommand(['kubectl', '-n', namespace, 'get', `${WORKLOAD_PLURALS[kind]}/${name}`]),
  );
  return warn(
    NO_PODS_TO_VERIFY,
    `No pod was there to verify: ${why}. ${towards === 'before' ? 'The former identity is restored' : 'The associations are as planned'}, and new pods get ${towards === 'before' ? 'their former identity' : 'EKS Pod Identity'}; that has not been observed.`,
    `When pods run again${scale.length === 0 ? '' : ` (${some(scale, ' ; ')})`}, check which identity they have: ${identitiesCommand(target)}`,
  );
};
