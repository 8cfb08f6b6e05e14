/** Nodes: what they are made of, and which pods they take. Labels and names are those of EKS's own nodes. */
import { AGENT_ADDON } from '../../lambdas/domain/addons.ts';
import type { ClusterState } from '../world/world.ts';
import type { KubeState } from './kube-state.ts';
import type { DaemonSet, KubeObject, Pod, PodSpec } from './objects.ts';
import { getObject, listObjects, newMetadata, putObject, timestamp } from './store.ts';

/** Nodes that are alike. */
export interface NodeGroup {
  count: number;
  os: 'linux' | 'windows';
  /** Left out: that of the cluster, which is `auto` with EKS Auto Mode and `ec2` without. */
  compute?: 'ec2' | 'auto' | 'fargate' | 'hybrid' | undefined;
  ready: boolean;
  /** False: a pod of the Pod Identity agent never gets ready there. */
  agentReady: boolean;
}

const COMPUTE_TYPE = 'eks.amazonaws.com/compute-type';
const OS = 'kubernetes.io/os';
/**
 * What EKS's scheduler for Fargate puts on the pods that it takes (EKS User Guide, "Get started with AWS Fargate for
 * your cluster").
 */
export const FARGATE_PROFILE = 'eks.amazonaws.com/fargate-profile';

/** What GET /version and the nodes say: the cluster's minor version, its patch level made up. */
export const gitVersionOf = (version: string): string => `v${version}.0-eks-sandbox`;

const condition = (
  type: string,
  status: 'True' | 'False' | 'Unknown',
  reason: string,
  message: string,
  at: number,
): Record<string, string> => ({
  type,
  status,
  lastHeartbeatTime: timestamp(at),
  lastTransitionTime: timestamp(at),
  reason,
  message,
});

/** What a node says of itself, or what is said of one that is silent. */
export const conditionsOf = (ready: boolean, at: number): Record<string, string>[] =>
  ready
    ? [
        condition(
          'MemoryPressure',
          'False',
          'KubeletHasSufficientMemory',
          'kubelet has sufficient memory available',
          at,
        ),
        condition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure', at),
        condition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available', at),
        condition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', at),
      ]
    : ['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) =>
        condition(type, 'Unknown', 'NodeStatusUnknown', 'Kubelet stopped posting node status.', at),
      );

type Compute = NonNullable<NodeGroup['compute']>;

interface Place {
  address: string;
  zone: string;
}

/**
 * Name, labels of its own, and provider of a node (EKS User Guide, "Hybrid nodes"; "Schedule pods on Fargate" shows
 * names).
 */
const identityOf = (
  { name: cluster, region, kube }: ClusterState,
  compute: Compute,
  { address, zone }: Place,
): { name: string; labels: Record<string, string>; providerID: string } => {
  const dashed = `${address.replaceAll('.', '-')}.${region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`}`;
  const id = kube.random.string(17, '0123456789abcdef');
  const instance = { 'node.kubernetes.io/instance-type': 'm6i.large' };
  switch (compute) {
    case 'fargate':
      return {
        name: `fargate-ip-${dashed}`,
        labels: { [COMPUTE_TYPE]: 'fargate' },
        providerID: `aws:///${zone}/${id}/fargate-ip-${dashed}`,
      };
    case 'hybrid':
      return {
        name: `mi-${id}`,
        labels: { [COMPUTE_TYPE]: 'hybrid' },
        providerID: `eks-hybrid:///${region}/${cluster}/mi-${id}`,
      };
    case 'auto':
      return {
        name: `ip-${dashed}`,
        labels: { ...instance, [COMPUTE_TYPE]: 'auto' },
        providerID: `aws:///${zone}/i-${id}`,
      };
    case 'ec2':
      return {
        name: `ip-${dashed}`,
        labels: { ...instance, 'eks.amazonaws.com/nodegroup': 'default' },
        providerID: `aws:///${zone}/i-${id}`,
      };
  }
};

const createNode = (
  cluster: ClusterState,
  { os, compute: given, ready, agentReady }: NodeGroup,
  place: Place,
  at: number,
): void => {
  const { region, version, kube, autoMode } = cluster;
  const compute = given ?? (autoMode ? 'auto' : 'ec2');
  const { name, labels, providerID } = identityOf(cluster, compute, place);
  const location: Record<string, string> =
    compute === 'hybrid' ? {} : { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': place.zone };
  if (!agentReady) kube.agentDown.add(name);
  putObject(kube, 'Node', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: newMetadata(kube, at, {
      name,
      labels: { 'kubernetes.io/arch': 'amd64', [OS]: os, 'kubernetes.io/hostname': name, ...labels, ...location },
    }),
    spec: {
      providerID,
      ...(compute === 'fargate' ? { taints: [{ key: COMPUTE_TYPE, value: 'fargate', effect: 'NoSchedule' }] } : {}),
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: place.address },
        { type: 'InternalDNS', address: name },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '2', memory: '7934Mi', pods: '29' },
      allocatable: { cpu: '1930m', memory: '7244Mi', pods: '29' },
      conditions: conditionsOf(ready, at),
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: os,
        osImage: os === 'windows' ? 'Windows Server 2022 Datacenter' : 'Amazon Linux 2023',
        kubeletVersion: gitVersionOf(version),
        containerRuntimeVersion: 'containerd://1.7',
      },
    },
  });
};

const addressesIn = (kube: KubeState): Set<string> =>
  new Set(
    listObjects(kube, 'Node').flatMap(({ status }) =>
      ((status?.['addresses'] ?? []) as { address: string }[]).map(({ address }) => address),
    ),
  );

/** Adds the nodes of those groups, created at `at`; a cluster takes at most 60,000. */
const addGroups = (cluster: ClusterState, groups: readonly NodeGroup[], at: number): void => {
  const { kube, region } = cluster;
  const taken = addressesIn(kube);
  // An odd stride meets each of the 65,536 addresses once; 0 and 255 are left out as hosts.
  const start = kube.random.integer(65_536);
  const stride = kube.random.integer(32_768) * 2 + 1;
  let made = 0;
  let n = 0;
  for (const group of groups) {
    for (const end = made + group.count; made < end; n += 1) {
      const address = (start + n * stride) % 65_536;
      const host = address % 256;
      const text = `10.0.${Math.floor(address / 256)}.${host}`;
      if (host === 0 || host === 255 || taken.has(text)) continue;
      createNode(cluster, group, { address: text, zone: `${region}${'abc'[made % 3]}` }, at);
      made += 1;
    }
  }
};

/** That many ready Linux nodes, or those of the groups, as old as the cluster. */
export const seedNodes = (cluster: ClusterState, nodes: number | NodeGroup[]): void =>
  addGroups(
    cluster,
    typeof nodes === 'number' ? [{ count: nodes, os: 'linux', ready: true, agentReady: true }] : nodes,
    cluster.createdAt,
  );

/** Nodes that join a cluster that is there already. */
export const addNodes = (cluster: ClusterState, group: NodeGroup, at: number): void => addGroups(cluster, [group], at);

export const computeOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.[COMPUTE_TYPE];
const selects = ({ nodeSelector = {} }: PodSpec, { metadata }: KubeObject): boolean =>
  Object.entries(nodeSelector).every(([label, value]) => metadata.labels?.[label] === value);
export const isNodeReady = ({ status }: KubeObject): boolean =>
  ((status?.['conditions'] ?? []) as { type: string; status: string }[]).some(
    (each) => each.type === 'Ready' && each.status === 'True',
  );

/**
 * Names of the nodes that take new pods: ready, not cordoned, with the labels that the pods select. Fargate takes those
 * of a profile and no others; a hybrid node those that select it, as if it had a taint.
 */
export const schedulableNodes = (kube: KubeState, spec: PodSpec, onFargate: boolean): string[] =>
  listObjects(kube, 'Node').flatMap((node) => {
    const compute = computeOf(node);
    const fits =
      (compute === 'fargate') === onFargate && (compute !== 'hybrid' || spec.nodeSelector?.[COMPUTE_TYPE] === 'hybrid');
    return fits && node.spec?.['unschedulable'] !== true && isNodeReady(node) && selects(spec, node)
      ? [node.metadata.name]
      : [];
  });

export const isAgent = ({ labels }: { labels?: Record<string, string> }): boolean =>
  labels?.['app.kubernetes.io/name'] === AGENT_ADDON;

/** Nodes have changed: what is known of who runs where is forgotten. */
export const nodesChanged = (kube: KubeState): void => kube.daemonNodes.clear();

/**
 * Names of the nodes that a DaemonSet has a pod on: on EC2 alone, cordoned and broken ones too. The Pod Identity
 * agent's leaves out those of Auto Mode, which have it built in (its chart, values.yaml, `affinity`).
 */
export const daemonNodes = (kube: KubeState, { template }: Pick<DaemonSet['spec'], 'template'>): string[] => {
  const agent = isAgent(template.metadata);
  const key = `${agent} ${JSON.stringify(template.spec.nodeSelector)}`;
  const known = kube.daemonNodes.get(key);
  if (known) return known;
  const found = listObjects(kube, 'Node').flatMap((node) => {
    const compute = computeOf(node);
    const fits = compute !== 'fargate' && compute !== 'hybrid' && !(agent && compute === 'auto');
    return fits && selects(template.spec, node) ? [node.metadata.name] : [];
  });
  kube.daemonNodes.set(key, found);
  return found;
};

/** Whether a pod can get ready on its node. */
export const canRun = (kube: KubeState, { metadata, spec }: Pod): boolean => {
  const node = spec.nodeName === undefined ? undefined : getObject(kube, 'Node', undefined, spec.nodeName);
  return node !== undefined && isNodeReady(node) && !(isAgent(metadata) && kube.agentDown.has(node.metadata.name));
};

/** The name of the Fargate profile that takes pods of a Deployment: the first whose namespace and labels fit. */
export const fargateProfileOf = (
  { fargateProfiles = [] }: ClusterState,
  namespace: string,
  labels: Record<string, string> = {},
): string | undefined =>
  fargateProfiles.find(
    (profile) =>
      profile.namespace === namespace &&
      Object.entries(profile.labels).every(([label, value]) => labels[label] === value),
  )?.name;
