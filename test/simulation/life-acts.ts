/** The acts of a cluster's ordinary life (`life.ts`), each of which returns whether it was possible. */
import { oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { renewSessionsOf } from '../../sandbox/credentials/sessions.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import { updateTrustPolicy } from '../../sandbox/iam/trust-policy.ts';
import { noteChange, replaceObject, workloadChanged } from '../../sandbox/kubernetes/controllers.ts';
import { deleteWorkload } from '../../sandbox/kubernetes/garbage.ts';
import { addFargateProfile, joinNode, scheduleNodeLosses } from '../../sandbox/kubernetes/lost-nodes.ts';
import { noteWrite } from '../../sandbox/kubernetes/managed-fields.ts';
import { computeOf, isNodeReady } from '../../sandbox/world/nodes.ts';
import type { Pod, Workload } from '../../sandbox/objects/objects.ts';
import { containerStatusesOf, setContainerStatus } from '../../sandbox/kubernetes/pod-status.ts';
import { type ControlPlane, isActive, isReady, noteReadiness, podsOf } from '../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects, touch, workloadOf } from '../../sandbox/objects/store.ts';
import type { Taint } from '../../sandbox/objects/taints.ts';
import { startPod } from '../../sandbox/kubernetes/third-party-pods.ts';
import { roleOf } from './cluster.ts';
import type { LifeAct } from './spec.ts';
import type { Concerned } from './time.ts';

type Act<Does extends LifeAct['does']> = Extract<LifeAct, { does: Does }>;

/** What the acts are about: the workloads of the requests, and their service accounts as `namespace/name`. */
export interface Living extends ControlPlane {
  described: readonly Concerned[];
  accounts: readonly string[];
  /** Whether the workloads belong to an add-on. */
  isOfAddon: boolean;
}

/** The pod that an act is about. */
export interface ActedPod {
  uid: string;
  name: string;
}

/** A taint that the pods of planned service accounts tolerate, and the agent does not (`withLife`). */
export const TAINT: Taint = { key: 'example.com/dedicated', value: 'reserved', effect: 'NoSchedule' };

const accountOf = ({ metadata, spec }: Pod): string => `${metadata.namespace ?? ''}/${spec.serviceAccountName ?? ''}`;

/** Returns the workloads of the requests as they are now. */
const workloads = ({ cluster, described }: Living): Workload[] =>
  described.flatMap(({ kind, namespace, name }): Workload[] => {
    const workload = getObject(cluster.kube, kind, namespace, name);
    return workload ? [workload] : [];
  });

/** Returns the service accounts of the requests' pods that have an identity of their own. */
export const accountsWithIdentity = (living: Living): string[] => [
  ...new Set(
    workloads(living)
      .flatMap((workload) => podsOf(living, workload))
      .filter((pod) => sourcesOf(living.cluster.kube, pod).length > 0)
      .map(accountOf),
  ),
];

const OWNERS = {
  'start-job': { apiVersion: 'batch/v1', kind: 'Job', name: 'nightly' },
  'start-bare-pod': undefined,
  'start-custom-pod': { apiVersion: 'sparkoperator.k8s.io/v1beta2', kind: 'SparkApplication', name: 'etl' },
} as const;

/** The API server refuses pods whose service account is missing; they are started on the first node. */
export const start = (
  living: Living,
  { does, seconds }: Act<'start-job' | 'start-bare-pod' | 'start-custom-pod'>,
): ActedPod | undefined => {
  const { kube } = living.cluster;
  const [namespace = '', serviceAccount = ''] = living.accounts[0]?.split('/') ?? [];
  const [node] = listObjects(kube, 'Node');
  if (!node || !isNodeReady(node) || !getObject(kube, 'ServiceAccount', namespace, serviceAccount)) return undefined;
  const owner = OWNERS[does];
  const { metadata } = startPod(living, {
    namespace,
    serviceAccount,
    ...(owner ? { owner } : { name: 'debug' }),
    ...(seconds === undefined ? {} : { seconds }),
  });
  return metadata;
};

const isUsable = ({ cluster }: Living, node: ReturnType<typeof listObjects<'Node'>>[number]): boolean =>
  isNodeReady(node) && computeOf(node) !== 'fargate' && !cluster.kube.lostNodes.has(node.metadata.name);

export const loseNode = (living: Living, { goneAfterSeconds }: Act<'lose-node'>): boolean => {
  if (listObjects(living.cluster.kube, 'Node').filter((node) => isUsable(living, node)).length < 2) return false;
  scheduleNodeLosses(living, [
    { afterSeconds: 0, nodes: 1, goneAfterSeconds, replacedAfterSeconds: goneAfterSeconds + 60 },
  ]);
  return true;
};

export const join = (living: Living, taints: Taint[]): boolean => {
  joinNode(living, living.world.schedule.now(), taints.length > 0 ? { taints } : {});
  return true;
};

export const addProfile = (living: Living): boolean => {
  const [namespace = ''] = living.accounts[0]?.split('/') ?? [];
  addFargateProfile(living, living.world.schedule.now(), { name: 'serverless', namespace, labels: {} });
  return true;
};

/** Changes the readiness of a pod. Returns false if it is gone, or as it is to be. */
const turn = (living: Living, pod: Pod, ready: boolean): boolean => {
  const { world, cluster } = living;
  const stored = getObject(cluster.kube, 'Pod', pod.metadata.namespace, pod.metadata.name);
  const node = getObject(cluster.kube, 'Node', undefined, pod.spec.nodeName ?? '');
  const [container] = containerStatusesOf(pod);
  if (stored !== pod || !isActive(pod) || !node || !isNodeReady(node) || !container) return false;
  if (setContainerStatus(pod, container.name, world.schedule.now(), { ready }) === undefined) return false;
  touch(cluster.kube, pod);
  const changed = (): void => {
    const workload = workloadOf(cluster.kube, pod);
    if (!workload) return;
    noteChange(living, workload);
    workloadChanged(world, cluster, workload);
  };
  noteReadiness(living, pod, changed, ready);
  return true;
};

export const blink = (living: Living, { pod: which, seconds }: Act<'blink'>): ActedPod | undefined => {
  const { world, cluster, accounts } = living;
  const method = which === 'old' ? 'irsa' : 'pod-identity';
  const pod = workloads(living)
    .flatMap((workload) => podsOf(living, workload))
    .find(
      (one) =>
        isActive(one) &&
        isReady(one) &&
        accounts.includes(accountOf(one)) &&
        sourcesOf(cluster.kube, one).some((source) => source.method === method),
    );
  if (!pod || !turn(living, pod, false)) return undefined;
  world.schedule.after(seconds * 1000, () => turn(living, pod, true));
  return pod.metadata;
};

export const slowDown = (living: Living, { seconds }: Act<'slow-starts'>): boolean => {
  living.world.knobs.podReadySeconds = seconds;
  for (const { metadata } of workloads(living)) living.cluster.kube.readySeconds.set(metadata.uid, seconds);
  return true;
};

/** By the add-on's deletion or, with `daemon-set`, without EKS. */
export const deleteAgent = (living: Living, { by }: Act<'delete-agent'>): boolean => {
  const { cluster } = living;
  const agent = getObject(cluster.kube, 'DaemonSet', 'kube-system', AGENT_ADDON);
  if (!agent) return false;
  if (by === 'add-on' && !cluster.addons.delete(AGENT_ADDON)) return false;
  deleteWorkload(living, agent);
  return true;
};

/** Removes what STS needs to give the planned service accounts their role. */
export const breakIrsa = (living: Living, { what }: Act<'break-irsa'>): boolean => {
  const { world, cluster } = living;
  const { account, region, oidcIssuer } = cluster;
  if (oidcIssuer === undefined) return false;
  const arn = oidcProviderArn({ account, region }, oidcIssuer);
  const providers = world.accounts.get(account)?.oidcProviders;
  const provider = providers?.get(arn);
  if (what === 'trust') {
    const role = roleOf(world, cluster, living.accounts[0]);
    const policy = role && (JSON.parse(role.trustPolicy) as { Statement: object[] });
    const Statement = policy?.Statement.filter((one) => !JSON.stringify(one).includes(arn)) ?? [];
    if (!role || Statement.length === 0 || Statement.length === policy?.Statement.length) return false;
    updateTrustPolicy(world, role, JSON.stringify({ ...policy, Statement }));
    return true;
  }
  if (!provider) return false;
  renewSessionsOf(world);
  if (what === 'provider') providers?.delete(arn);
  else provider.clientIds = provider.clientIds.filter((id) => id !== 'sts.amazonaws.com');
  return true;
};

const SCALES = { manager: 'kubectl', subresource: 'scale' } as const;

/** Sets the replicas as `kubectl scale` does. EKS does not take notice of it for an add-on's workloads. */
const scale = ({ world, cluster, isOfAddon }: Living, workload: Workload, replicas: number): void => {
  const before = { ...workload };
  replaceObject(world, cluster, workload, { ...workload, spec: { ...workload.spec, replicas } });
  if (!isOfAddon) noteWrite(cluster, before, workload, SCALES, world.schedule.now());
};

export const scaleToZero = (living: Living, { seconds }: Act<'scale-to-zero'>): boolean => {
  const scaled = workloads(living).flatMap((workload) =>
    workload.kind !== 'DaemonSet' && workload.spec.replicas > 0 ? [{ workload, replicas: workload.spec.replicas }] : [],
  );
  for (const { workload } of scaled) scale(living, workload, 0);
  if (seconds !== undefined)
    living.world.schedule.after(seconds * 1000, () => {
      for (const { workload, replicas } of scaled)
        if (workloads(living).includes(workload) && workload.spec.replicas === 0) scale(living, workload, replicas);
    });
  return scaled.length > 0;
};
