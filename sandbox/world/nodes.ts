/** Nodes: their objects, and which pods can run on them. Labels and names are those of real EKS nodes. */
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import type { ClusterState } from './world.ts';
import type { KubeState } from '../objects/kube-state.ts';
import type { KubeObject, Pod, PodSpec, PodTemplate } from '../objects/objects.ts';
import { getObject, listObjects, newMetadata, putObject, timestamp } from '../objects/store.ts';
import { admits, type Taint } from '../objects/taints.ts';

/** A group of identical nodes. */
export interface NodeGroup {
  count: number;
  os: 'linux' | 'windows';
  /** Defaults to the cluster's compute type: `auto` with EKS Auto Mode, otherwise `ec2`. */
  compute?: 'ec2' | 'auto' | 'fargate' | 'hybrid' | undefined;
  ready: boolean;
  /** Further labels. */
  labels?: Record<string, string> | undefined;
  taints?: Taint[] | undefined;
  /** Managed node group of EC2 nodes, `default` if undefined; null for nodes that belong to none. */
  nodeGroup?: string | null | undefined;
  /** False if pods of the Pod Identity agent never become ready on these nodes. */
  agentReady: boolean;
}

const COMPUTE_TYPE = 'eks.amazonaws.com/compute-type';
const OS = 'kubernetes.io/os';
/**
 * Label that EKS's Fargate scheduler adds to the pods that it schedules (EKS User Guide, "Get started with AWS Fargate
 * for your cluster").
 */
export const FARGATE_PROFILE = 'eks.amazonaws.com/fargate-profile';

/** EKS's Fargate scheduler adds the toleration to the pods that it schedules; the sandbox's pods do not show it. */
const FARGATE_TAINT: Taint = { key: COMPUTE_TYPE, value: 'fargate', effect: 'NoSchedule' };

/**
 * Returns the version that GET /version and the nodes report: the cluster's minor version with an invented patch level.
 */
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

/**
 * Returns the conditions that a node reports, or those that the control plane sets for a node that stopped reporting.
 */
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

interface Network {
  address: string;
  zone: string;
}

/**
 * Returns name, specific labels and provider ID of a node (EKS User Guide, "Hybrid nodes"; "Schedule pods on Fargate"
 * shows names).
 */
const identityOf = (
  { name: cluster, region, kube }: ClusterState,
  compute: Compute,
  { address, zone }: Network,
  nodeGroup: string | null | undefined = 'default',
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
        labels: { ...instance, ...(nodeGroup === null ? {} : { 'eks.amazonaws.com/nodegroup': nodeGroup }) },
        providerID: `aws:///${zone}/i-${id}`,
      };
  }
};

/** What a kubelet reports of an m6i.large with a disk of 80 GiB, and what EKS's AMI leaves for pods. */
const CAPACITY = {
  cpu: '2',
  'ephemeral-storage': '83864556Ki',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  memory: '7934Mi',
  pods: '29',
};
const ALLOCATABLE = { ...CAPACITY, cpu: '1930m', 'ephemeral-storage': '76216832717', memory: '7244Mi' };

const createNode = (
  cluster: ClusterState,
  { os, compute: given, ready, agentReady, labels: further, taints = [], nodeGroup }: NodeGroup,
  network: Network,
  at: number,
): void => {
  const { region, version, kube, autoMode } = cluster;
  const compute = given ?? (autoMode ? 'auto' : 'ec2');
  const { name, labels, providerID } = identityOf(cluster, compute, network, nodeGroup);
  const location: Record<string, string> =
    compute === 'hybrid'
      ? {}
      : { 'topology.kubernetes.io/region': region, 'topology.kubernetes.io/zone': network.zone };
  if (!agentReady) kube.agentDown.add(name);
  const all = [...(compute === 'fargate' ? [FARGATE_TAINT] : []), ...taints];
  putObject(kube, 'Node', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: newMetadata(kube, at, {
      name,
      labels: {
        'kubernetes.io/arch': 'amd64',
        [OS]: os,
        'kubernetes.io/hostname': name,
        ...labels,
        ...location,
        ...further,
      },
    }),
    spec: {
      providerID,
      ...(all.length > 0 ? { taints: structuredClone(all) } : {}),
    },
    status: {
      addresses: [
        { type: 'InternalIP', address: network.address },
        { type: 'InternalDNS', address: name },
        { type: 'Hostname', address: name },
      ],
      capacity: CAPACITY,
      allocatable: ALLOCATABLE,
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

/** Adds the nodes of the groups, created at `at`; a cluster can have at most 60,000. */
const addGroups = (cluster: ClusterState, groups: readonly NodeGroup[], at: number): void => {
  const { kube, region } = cluster;
  const taken = addressesIn(kube);
  // An odd stride visits each of the 65,536 addresses once; 0 and 255 are skipped as hosts.
  const start = kube.random.integer(65_536);
  const stride = kube.random.integer(32_768) * 2 + 1;
  let created = 0;
  let n = 0;
  for (const group of groups) {
    for (const end = created + group.count; created < end; n += 1) {
      const address = (start + n * stride) % 65_536;
      const host = address % 256;
      const text = `10.0.${Math.floor(address / 256)}.${host}`;
      if (host === 0 || host === 255 || taken.has(text)) continue;
      createNode(cluster, group, { address: text, zone: `${region}${'abc'[created % 3]}` }, at);
      created += 1;
    }
  }
};

/** Creates that many ready Linux nodes, or the nodes of the groups, as old as the cluster. */
export const seedNodes = (cluster: ClusterState, nodes: number | NodeGroup[]): void =>
  addGroups(
    cluster,
    typeof nodes === 'number' ? [{ count: nodes, os: 'linux', ready: true, agentReady: true }] : nodes,
    cluster.createdAt,
  );

/** Adds nodes to an existing cluster. */
export const addNodes = (cluster: ClusterState, group: NodeGroup, at: number): void => addGroups(cluster, [group], at);

export const computeOf = ({ metadata }: KubeObject): string | undefined => metadata.labels?.[COMPUTE_TYPE];
/** Returns whether pods with this spec select a node by its labels. */
export const selects = ({ nodeSelector = {} }: Pick<PodSpec, 'nodeSelector'>, { metadata }: KubeObject): boolean =>
  Object.entries(nodeSelector).every(([label, value]) => metadata.labels?.[label] === value);
export const isNodeReady = ({ status }: KubeObject): boolean =>
  ((status?.['conditions'] ?? []) as { type: string; status: string }[]).some(
    (each) => each.type === 'Ready' && each.status === 'True',
  );

/**
 * Returns the names of the nodes to which new pods can be scheduled: ready, not cordoned, with the labels that the pods
 * select, and without taints that they do not tolerate. Fargate runs only pods of a profile; a hybrid node runs only
 * pods that select it, as if it had a taint.
 */
export const schedulableNodes = (kube: KubeState, spec: PodSpec, onFargate: boolean): string[] => {
  const withFargate: PodSpec = onFargate
    ? { ...spec, tolerations: [...(spec.tolerations ?? []), { operator: 'Equal', ...FARGATE_TAINT }] }
    : spec;
  return listObjects(kube, 'Node').flatMap((node) => {
    const compute = computeOf(node);
    const fits =
      (compute === 'fargate') === onFargate && (compute !== 'hybrid' || spec.nodeSelector?.[COMPUTE_TYPE] === 'hybrid');
    return fits &&
      node.spec?.['unschedulable'] !== true &&
      isNodeReady(node) &&
      selects(spec, node) &&
      admits(node, withFargate, false)
      ? [node.metadata.name]
      : [];
  });
};

export const isAgent = ({ labels }: { labels?: Record<string, string> }): boolean =>
  labels?.['app.kubernetes.io/name'] === AGENT_ADDON;

/** Clears the cache of nodes by DaemonSet; to be called after nodes have changed. */
export const nodesChanged = (kube: KubeState): void => kube.daemonNodes.clear();

/** The part of a pod template that decides on which nodes the pods can be. */
export type PodPlacement = {
  metadata: Pick<PodTemplate['metadata'], 'labels'>;
  spec: Pick<PodSpec, 'hostNetwork' | 'nodeSelector' | 'tolerations'>;
};

/**
 * Returns the names of the nodes on which a DaemonSet runs a pod: instances whose taints its pods tolerate, including
 * cordoned and broken nodes. The Pod Identity agent's DaemonSet skips nodes of Auto Mode, where the agent is built in (its
 * chart, values.yaml, `affinity`).
 */
export const daemonNodes = (kube: KubeState, template: PodPlacement): string[] => {
  const agent = isAgent(template.metadata);
  const { nodeSelector, tolerations, hostNetwork } = template.spec;
  const key = `${agent} ${JSON.stringify([nodeSelector, tolerations, hostNetwork])}`;
  const known = kube.daemonNodes.get(key);
  if (known) return known;
  const found = listObjects(kube, 'Node').flatMap((node) => {
    const compute = computeOf(node);
    const fits = compute !== 'fargate' && compute !== 'hybrid' && !(agent && compute === 'auto');
    return fits && selects(template.spec, node) && admits(node, template.spec, true) ? [node.metadata.name] : [];
  });
  kube.daemonNodes.set(key, found);
  return found;
};

/** Returns whether a pod can become ready on its node. */
export const canRun = (kube: KubeState, { metadata, spec }: Pod): boolean => {
  const node = spec.nodeName === undefined ? undefined : getObject(kube, 'Node', undefined, spec.nodeName);
  return node !== undefined && isNodeReady(node) && !(isAgent(metadata) && kube.agentDown.has(node.metadata.name));
};

/**
 * Returns whether a selector's text, in which `*` stands for any characters and `?` for exactly one, matches a value. Source:
 * EKS User Guide, "Define which Pods use AWS Fargate when launched", "Fargate profile wildcards".
 */
const matchesWildcards = (text: string, value: string): boolean =>
  new RegExp(`^${text.replace(/[.*?]/g, (one) => ({ '.': '[.]', '*': '.*', '?': '.' })[one] ?? '')}$`).test(value);

/** Returns the Fargate profile for a Deployment's pods: the name of the first whose namespace and labels match. */
export const fargateProfileOf = (
  { fargateProfiles = [] }: ClusterState,
  namespace: string,
  labels: Record<string, string> = {},
): string | undefined =>
  fargateProfiles.find(
    (profile) =>
      matchesWildcards(profile.namespace, namespace) &&
      Object.entries(profile.labels).every(([label, value]) =>
        Object.entries(labels).some((own) => matchesWildcards(label, own[0]) && matchesWildcards(value, own[1])),
      ),
  )?.name;
