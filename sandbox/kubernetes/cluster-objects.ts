/**
 * Objects that a cluster has before anything is installed: namespaces with their default service account, EKS's webhook
 * and nodes.
 */
import { createHash } from 'node:crypto';
import type { ClusterState, World } from '../world/world.ts';
import { seedNodes, type NodeGroup } from '../world/nodes.ts';
import type { KubeObject } from '../objects/objects.ts';
import { seedRbacDefaults } from './rbac-defaults.ts';
import { getObject, newMetadata, putObject, timestamp } from '../objects/store.ts';

const NAMESPACES = ['default', 'kube-node-lease', 'kube-public', 'kube-system'];

export const createServiceAccount = (
  cluster: ClusterState,
  namespace: string,
  name: string,
  at: number,
  labels?: Record<string, string>,
): KubeObject =>
  putObject(cluster.kube, 'ServiceAccount', {
    apiVersion: 'v1',
    kind: 'ServiceAccount',
    metadata: newMetadata(cluster.kube, at, { name, namespace, ...(labels ? { labels } : {}) }),
  });

/** Creates the namespace if it does not exist. */
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

/**
 * Name of EKS's own webhook configuration. Source of the names: aws/amazon-eks-pod-identity-webhook#83; of the failure
 * policy and of v1beta1 as the only review version: #225.
 */
export const POD_IDENTITY_WEBHOOK = 'pod-identity-webhook';

/** Returns the webhook that a configuration has, as EKS configures it. `ca`: PEM. */
export const podIdentityWebhook = ({ url, ca }: { url: string; ca: string }): object => ({
  name: 'iam-for-pods.amazonaws.com',
  admissionReviewVersions: ['v1beta1'],
  clientConfig: { url, caBundle: Buffer.from(ca).toString('base64') },
  failurePolicy: 'Ignore',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  reinvocationPolicy: 'IfNeeded',
  rules: [{ apiGroups: [''], apiVersions: ['v1'], operations: ['CREATE'], resources: ['pods'], scope: '*' }],
  sideEffects: 'None',
  timeoutSeconds: 10,
});

/** Creates the webhook. Its uid is derived from the cluster's ARN, so that no random number of the cluster is used. */
const createWebhook = ({ arn, kube, createdAt, certificateAuthority }: ClusterState): void => {
  const hex = createHash('sha256').update(`${arn} ${POD_IDENTITY_WEBHOOK}`).digest('hex');
  putObject(kube, 'MutatingWebhookConfiguration', {
    apiVersion: 'admissionregistration.k8s.io/v1',
    kind: 'MutatingWebhookConfiguration',
    metadata: {
      name: POD_IDENTITY_WEBHOOK,
      uid: [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20, 32)].join('-'),
      resourceVersion: '',
      generation: 1,
      creationTimestamp: timestamp(createdAt),
    },
    webhooks: [podIdentityWebhook({ url: 'https://127.0.0.1:23443/mutate', ca: certificateAuthority })],
  });
};

/** Creates namespaces, RBAC objects, EKS's webhook and nodes, as old as the cluster; see `seedNodes`. */
export const seedCluster = (world: World, cluster: ClusterState, nodes: number | NodeGroup[]): void => {
  const { kube, createdAt } = cluster;
  kube.random = world.random.fork();
  for (const name of NAMESPACES) ensureNamespace(cluster, name, createdAt);
  seedNodes(cluster, nodes);
  createWebhook(cluster);
  seedRbacDefaults(cluster, world.catalogue);
};
