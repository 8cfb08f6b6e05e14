/** What nodes have besides what the sandbox stores: the annotation of a controller, and more of what kubelets report. */
import { createHash } from 'node:crypto';
import type { Json } from '../../json.ts';
import type { ClusterState } from '../../world/world.ts';
import type { KubeObject } from '../../objects/objects.ts';
import { countObjects } from '../../objects/store.ts';

/** The largest number of nodes for each TTL of what kubelets cache (k8s.io/kubernetes, pkg/controller/ttl). */
const TTLS: [nodes: number, seconds: number][] = [
  [100, 0],
  [500, 15],
  [1000, 30],
  [2000, 60],
  [10_000, 300],
];

/** Returns 32 hexadecimal digits that are always the same for a node. */
const digitsOf = (name: string, what: string): string =>
  createHash('sha256').update(`${name} ${what}`).digest('hex').slice(0, 32);
const uuidOf = (digits: string): string => digits.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-');

const nodeInfoOf = (name: string, stored: Json, minor: number): Json => {
  const machineID = digitsOf(name, 'machine');
  return {
    machineID,
    systemUUID: uuidOf(machineID),
    bootID: uuidOf(digitsOf(name, 'boot')),
    kernelVersion: stored['operatingSystem'] === 'windows' ? '10.0.20348.2849' : '6.1.112-122.189.amzn2023.x86_64',
    // From 1.33, the kubelet no longer reports the version of kube-proxy (KEP-4004).
    kubeProxyVersion: minor < 33 ? stored['kubeletVersion'] : '',
    ...stored,
  };
};

/** Returns a node as its kubelet and the controllers have written it. */
export const withNodeDefaults = (node: KubeObject, minor: number, { kube }: Pick<ClusterState, 'kube'>): KubeObject => {
  const { metadata, status = {} } = node;
  const count = countObjects(kube, 'Node');
  const ttl = TTLS.find(([most]) => count <= most)?.[1] ?? 600;
  return {
    ...node,
    metadata: {
      ...metadata,
      annotations: { ...metadata.annotations, 'node.alpha.kubernetes.io/ttl': String(ttl) },
    },
    status: {
      ...status,
      daemonEndpoints: { kubeletEndpoint: { Port: 10_250 } },
      nodeInfo: nodeInfoOf(metadata.name, (status['nodeInfo'] ?? {}) as Json, minor),
    },
  };
};
