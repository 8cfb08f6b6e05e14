/** What a cluster has before anything is installed: namespaces with their default service account, and Linux nodes. */
import type { ClusterState, World } from '../world/world.ts';
import type { KubeObject } from './objects.ts';
import { seedRbacDefaults } from './rbac-defaults.ts';
import { getObject, newMetadata, putObject, timestamp } from './store.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export const createServiceAccount = (cluster: ClusterState, namespace: string, name: string, at: number, labels?: Record<string, string>): KubeObject =>
  putObject(cluster.kube, 'ServiceAccount', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: newMetadata(cluster.kube, at, { name, namespace, ...(labels ? { labels } : {}) }),
  });

/** Creates the namespace where it is missing. */
export const ensureNamespace = (cluster: ClusterState, name: string, at: number): void => {
  if (getObject(cluster.kube, 'Namespace', undefined, name)) return;
  putObject(cluster.kube, 'Namespace', {
    apiVersion: 'v1',
    kind: 'Namespace',
    metadata: newMetadata(cluster.kube, at, { name, labels: { 'kubernetes.io/metadata.name': name } }),
    spec: { finalizers: ['kubernetes'] },
    status: { phase: 'Active' },
  });
  createServiceAccount(cluster, name, 'default', at);
};

const nodeCondition = (type: string, status: 'True' | 'False', reason: string, message: string, at: number): Record<string, string> => ({
  type,
  status,
  lastHeartbeatTime: timestamp(at),
  lastTransitionTime: timestamp(at),
  reason,
  message,
});

const createNode = ({ region, version, kube, autoMode }: ClusterState, octets: [number, number], zone: string, at: number): void => {
  const address = `10.0.${octets.join('.')}`;
  const name = `ip-${address.replaceAll('.', '-')}.${region === 'us-east-1' ? 'ec2.internal' : `${region}.compute.internal`}`;
  const instanceId = `i-${kube.random.string(17, '0123456789abcdef')}`;
  putObject(kube, 'Node', {
    apiVersion: 'v1',
    kind: 'Node',
    metadata: newMetadata(kube, at, {
      name,
      labels: {
        'kubernetes.io/arch': 'amd64',
        'kubernetes.io/os': 'linux',
        'kubernetes.io/hostname': name,
        'node.kubernetes.io/instance-type': 'm6i.large',
        'topology.kubernetes.io/region': region,
        'topology.kubernetes.io/zone': zone,
        ...(autoMode ? { 'eks.amazonaws.com/compute-type': 'auto' } : { 'eks.amazonaws.com/nodegroup': 'default' }),
      },
    }),
    spec: { providerID: `aws:///${zone}/${instanceId}` },
    status: {
      addresses: [
        { type: 'InternalIP', address },
        { type: 'InternalDNS', address: name },
        { type: 'Hostname', address: name },
      ],
      capacity: { cpu: '2', memory: '7934Mi', pods: '29' },
      allocatable: { cpu: '1930m', memory: '7244Mi', pods: '29' },
      conditions: [
        nodeCondition('MemoryPressure', 'False', 'KubeletHasSufficientMemory', 'kubelet has sufficient memory available', at),
        nodeCondition('DiskPressure', 'False', 'KubeletHasNoDiskPressure', 'kubelet has no disk pressure', at),
        nodeCondition('PIDPressure', 'False', 'KubeletHasSufficientPID', 'kubelet has sufficient PID available', at),
        nodeCondition('Ready', 'True', 'KubeletReady', 'kubelet is posting ready status', at),
      ],
      nodeInfo: {
        architecture: 'amd64',
        operatingSystem: 'linux',
        osImage: 'Amazon Linux 2023',
        kubeletVersion: gitVersionOf(version),
        containerRuntimeVersion: 'containerd://1.7',
      },
    },
  });
};

/** What GET /version and the nodes say: the cluster's minor version, its patch level made up. */
export const gitVersionOf = (version: string): string => `v${version}.0-eks-sandbox`;

/** Namespaces, RBAC objects and that many ready nodes, as old as the cluster; at most 60,000 nodes. */
export const seedCluster = (world: World, cluster: ClusterState, nodes: number): void => {
  const { kube, createdAt, region } = cluster;
  kube.random = world.random.fork();
  for (const name of NAMESPACES) ensureNamespace(cluster, name, createdAt);
  // An odd stride meets each of the 65,536 addresses once; 0 and 255 are left out as hosts.
  const start = kube.random.integer(65_536);
  const stride = kube.random.integer(32_768) * 2 + 1;
  for (let n = 0, made = 0; made < nodes; n += 1) {
    const address = (start + n * stride) % 65_536;
    const host = address % 256;
    if (host === 0 || host === 255) continue;
    createNode(cluster, [Math.floor(address / 256), host], `${region}${'abc'[made % 3]}`, createdAt);
    made += 1;
  }
  const custom = [...world.catalogue.values()].flatMap(({ objects }) => objects.customKinds ?? []);
  seedRbacDefaults(cluster, custom);
};
