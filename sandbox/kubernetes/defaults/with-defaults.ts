/**
 * The API's defaults. Objects are stored as their clients and controllers wrote them; the fields that an API server
 * adds to every object are added when an object is read, once for each of its versions.
 */
import type { Json } from '../../json.ts';
import type { ClusterState } from '../../world/world.ts';
import { ByVersion } from '../by-version.ts';
import type { KubeObject, Metadata } from '../../objects/objects.ts';
import { templateGenerationOf } from '../../objects/store.ts';
import { change, changeEach, fill } from './fill.ts';
import { withNodeDefaults } from './nodes.ts';
import { withPodDefaults } from './pods.ts';
import { withWorkloadDefaults } from './workloads.ts';

type Cluster = Pick<ClusterState, 'version' | 'kube'>;

const ofSpec =
  (changed: (spec: Json) => Json) =>
  (object: KubeObject): KubeObject => ({ ...object, spec: changed(object.spec ?? {}) });

const workload = (object: KubeObject, minor: number): KubeObject => ({
  ...object,
  spec: withWorkloadDefaults(object, minor),
});

const daemonSet = (object: KubeObject, minor: number, { kube }: Cluster): KubeObject => {
  const { metadata } = object;
  const generation = String(templateGenerationOf(kube, object));
  const annotations = { ...metadata.annotations, 'deprecated.daemonset.template.generation': generation };
  return { ...workload(object, minor), metadata: { ...metadata, annotations } };
};

const protocols = (rule: Json): Json => changeEach(rule, 'ports', (port) => fill(port, { protocol: 'TCP' }));
const networkPolicy = (spec: Json): Json => {
  const types = Array.isArray(spec['egress']) && spec['egress'].length > 0 ? ['Ingress', 'Egress'] : ['Ingress'];
  const filled = fill(spec, { podSelector: {}, policyTypes: types });
  return changeEach(changeEach(filled, 'ingress', protocols), 'egress', protocols);
};

const WEBHOOK = {
  failurePolicy: 'Fail',
  matchPolicy: 'Equivalent',
  namespaceSelector: {},
  objectSelector: {},
  reinvocationPolicy: 'Never',
  timeoutSeconds: 10,
};
const webhook = (one: Json): Json =>
  changeEach(
    change(fill(one, WEBHOOK), 'clientConfig', (client) =>
      change(client, 'service', (service) => fill(service, { port: 443 })),
    ),
    'rules',
    (rule) => fill(rule, { scope: '*' }),
  );

const KINDS: Record<string, (object: KubeObject, minor: number, cluster: Cluster) => KubeObject> = {
  Pod: withPodDefaults,
  Deployment: workload,
  DaemonSet: daemonSet,
  StatefulSet: workload,
  ReplicaSet: workload,
  Node: withNodeDefaults,
  Namespace: (object) => ({
    ...object,
    metadata: {
      ...object.metadata,
      labels: { ...object.metadata.labels, 'kubernetes.io/metadata.name': object.metadata.name },
    },
    status: fill(object.status ?? {}, { phase: 'Active' }),
  }),
  NetworkPolicy: ofSpec(networkPolicy),
  PersistentVolume: (object) => ({
    ...ofSpec((spec) => fill(spec, { persistentVolumeReclaimPolicy: 'Retain', volumeMode: 'Filesystem' }))(object),
    status: fill(object.status ?? {}, { phase: 'Pending' }),
  }),
  PersistentVolumeClaim: (object) => ({
    ...ofSpec((spec) => fill(spec, { volumeMode: 'Filesystem' }))(object),
    status: fill(object.status ?? {}, { phase: 'Pending' }),
  }),
  // The cast holds because an object is JSON.
  MutatingWebhookConfiguration: (object) => changeEach(object, 'webhooks', webhook) as KubeObject,
};

const isEmpty = (labels: Record<string, string> | undefined): boolean =>
  labels !== undefined && Object.keys(labels).length === 0;

/** Returns metadata without empty labels and annotations, which an API server leaves out. */
const withoutEmpty = (metadata: Metadata): Metadata => {
  if (!isEmpty(metadata.labels) && !isEmpty(metadata.annotations)) return metadata;
  const { labels, annotations, ...others } = metadata;
  return {
    ...others,
    ...(labels && !isEmpty(labels) ? { labels } : {}),
    ...(annotations && !isEmpty(annotations) ? { annotations } : {}),
  };
};

const defaulted = new ByVersion<KubeObject>();

/** Returns an object as the API server of a cluster's version returns it, but for its managed fields. */
export const withDefaults = (cluster: Cluster, object: KubeObject): KubeObject =>
  defaulted.of(object, () => {
    const minor = Number(cluster.version.split('.')[1]);
    const metadata = withoutEmpty(object.metadata);
    const plain = metadata === object.metadata ? object : { ...object, metadata };
    return KINDS[object.kind]?.(plain, minor, cluster) ?? plain;
  });
