/**
 * The managedFields of what controllers write: computed from the object when it is read, because controllers write far
 * more often than clients read.
 */
import type { Json } from '../json.ts';
import { ByVersion } from './by-version.ts';
import { createdPodSpec } from './defaults/pods.ts';
import type { KubeState } from '../objects/kube-state.ts';
import { compare, type FieldSet, fieldsOf, isEmpty, union } from '../objects/field-sets.ts';
import { entryOf, type Writer } from './field-managers.ts';
import type { ManagedFieldsEntry } from '../objects/managed-fields-entry.ts';
import type { Container, KubeObject, Pod, PodTemplate } from '../objects/objects.ts';
import { isUnwritten } from './status-writes.ts';
import { isWorkloadKind, RBAC_GROUP, timestamp } from '../objects/store.ts';
import { zeroOf } from './zero-values.ts';

const MANAGER = 'kube-controller-manager';
const KUBELET = 'kubelet';
const SCHEDULER = 'kube-scheduler';
/** The tool that created what a scenario has from the start, where nothing else is known. */
const CREATOR = 'kubectl-create';

const statusFields = (kube: KubeState, object: KubeObject): FieldSet => {
  const written = Object.fromEntries(
    Object.entries(object.status ?? {}).filter(([key, value]) => value !== 0 || !isUnwritten(kube, object, key)),
  );
  return compare({ status: {} }, { status: written }).added;
};

/** Returns the fields of an object that its creator sent, with the API's defaults. */
const createdFields = (object: KubeObject, parts: Json): FieldSet => {
  const { labels, annotations, ownerReferences, generateName } = object.metadata;
  const { added, modified } = compare(zeroOf(object.kind), {
    metadata: { labels, annotations, ownerReferences, generateName },
    ...parts,
  });
  return union(added, modified);
};

const statusTime = (kube: KubeState, { metadata }: KubeObject): string => {
  const known = kube.statusWrites.get(metadata.uid);
  return known ? timestamp(known.at) : metadata.creationTimestamp;
};

const statusEntry = (kube: KubeState, object: KubeObject, time: string, more: FieldSet = {}): ManagedFieldsEntry[] => {
  const fields = union(more, statusFields(kube, object));
  if (isEmpty(fields)) return [];
  return [entryOf({ manager: MANAGER, subresource: 'status' }, 'Update', object.apiVersion, time, fields)];
};

const named = <T extends { name: string }>(all: T[] | undefined, template: { name: string }[] | undefined): T[] =>
  (all ?? []).filter(({ name }) => template?.some((other) => other.name === name) === true);

const containersAsSent = (containers: Container[], template: Container[] | undefined): Container[] =>
  containers.map((container) => {
    const sent = template?.find(({ name }) => name === container.name);
    const { env, volumeMounts, ...rest } = container;
    const own = named(env, sent?.env);
    const mounts = named(volumeMounts, sent?.volumeMounts);
    return { ...rest, ...(own.length > 0 ? { env: own } : {}), ...(mounts.length > 0 ? { volumeMounts: mounts } : {}) };
  });

/** Returns a pod's spec as its controller sent it: without what webhooks and the binding to a node added to the template. */
const specAsSent = (pod: Pod, { spec: template }: PodTemplate): Json => {
  const { volumes, initContainers, containers, ...others } = pod.spec;
  const own = named(volumes, template.volumes);
  const spec = {
    ...others,
    ...(own.length > 0 ? { volumes: own } : {}),
    ...(initContainers ? { initContainers: containersAsSent(initContainers, template.initContainers) } : {}),
    containers: containersAsSent(containers, template.containers),
  };
  const { nodeName: _, ...sent } = createdPodSpec({ ...pod, spec });
  return sent;
};

/** Conditions that the API server sets: when it binds a pod to its node, and when it evicts the pod. */
const NOT_KUBELETS = new Set(['DisruptionTarget', 'PodScheduled']);

/** Returns the fields of a pod's status that the kubelet has written. */
const kubeletFields = (status: Pod['status']): FieldSet => {
  const known = status.conditions.filter(({ type }) => NOT_KUBELETS.has(type));
  const { added, modified } = compare(
    { status: { phase: 'Pending', qosClass: status['qosClass'], conditions: known } },
    { status },
  );
  return union(added, modified);
};

const podEntries = (template: PodTemplate | undefined, pod: Pod, { status }: Pod): ManagedFieldsEntry[] => {
  const { apiVersion, metadata, spec } = pod;
  const entries: ManagedFieldsEntry[] = [];
  const add = (writer: Writer, time: string, fields: FieldSet): void => {
    if (!isEmpty(fields)) entries.push(entryOf(writer, 'Update', apiVersion, time, fields));
  };
  if (template) {
    const sent: KubeObject = { ...pod, metadata: { ...metadata } };
    if (template.metadata.annotations === undefined) delete sent.metadata.annotations;
    add({ manager: MANAGER }, metadata.creationTimestamp, createdFields(sent, { spec: specAsSent(pod, template) }));
  }
  const latest = status.conditions.reduce(
    (time, { lastTransitionTime }) => (lastTransitionTime > time ? lastTransitionTime : time),
    metadata.creationTimestamp,
  );
  if (spec.nodeName === undefined)
    add(
      { manager: SCHEDULER, subresource: 'status' },
      latest,
      compare({ status: {} }, { status: { conditions: status.conditions } }).added,
    );
  else add({ manager: KUBELET, subresource: 'status' }, latest, kubeletFields(status));
  return entries;
};

const TTL = 'node.alpha.kubernetes.io/ttl';

const nodeEntries = (object: KubeObject): ManagedFieldsEntry[] => {
  const { metadata, spec = {}, status } = object;
  const { unschedulable: _, taints: __, ...own } = spec;
  const { [TTL]: ttl, ...annotations } = metadata.annotations ?? {};
  const kubelet: KubeObject = { ...object, metadata: { ...metadata, annotations } };
  if (Object.keys(annotations).length === 0) delete kubelet.metadata.annotations;
  const time = metadata.creationTimestamp;
  // The controller sees the node once its kubelet has registered it.
  const seen = timestamp(Date.parse(time) + 1000);
  return [
    entryOf({ manager: KUBELET }, 'Update', object.apiVersion, time, createdFields(kubelet, { spec: own })),
    entryOf(
      { manager: KUBELET, subresource: 'status' },
      'Update',
      object.apiVersion,
      time,
      compare({ ...zeroOf('Node') }, { status }).added,
    ),
    ...(ttl === undefined
      ? []
      : [
          entryOf(
            { manager: MANAGER },
            'Update',
            object.apiVersion,
            seen,
            compare({ metadata: {} }, { metadata: { annotations: { [TTL]: ttl } } }).added,
          ),
        ]),
  ];
};

const REVISION: FieldSet = {
  'f:metadata': { 'f:annotations': { '.': {}, 'f:deployment.kubernetes.io/revision': {} } },
};

/** Namespaces that every cluster has, which the API server creates. */
const SYSTEM_NAMESPACE = /^(?:default|kube-(?:system|public|node-lease))$/;

/** Entries that are computed when they are first asked for, from the object as it was when this was made. */
export type LaterEntries = () => ManagedFieldsEntry[];

/** Computes at the first call; what is used for that must not change. */
const once = (compute: LaterEntries): LaterEntries => {
  let known: ManagedFieldsEntry[] | undefined;
  return () => (known ??= compute());
};

const laterEntries = (kube: KubeState, stored: KubeObject, object: KubeObject): LaterEntries => {
  if (object.kind === 'Pod') {
    const template = kube.podTemplates.get(object.metadata.uid);
    const pod = { ...stored } as Pod;
    return once(() => podEntries(template, pod, object as Pod));
  }
  if (object.kind === 'Node') return once(() => nodeEntries(object));
  const time = statusTime(kube, object);
  if (object.kind === 'ReplicaSet')
    return once(() => [
      entryOf({ manager: MANAGER }, 'Update', object.apiVersion, time, createdFields(object, { spec: object.spec })),
      ...statusEntry(kube, object, time),
    ]);
  if (object.kind !== 'PodDisruptionBudget' && !isWorkloadKind(object.kind)) return () => [];
  const entries = statusEntry(kube, object, time, object.kind === 'Deployment' ? REVISION : {});
  return () => entries;
};

const known = new ByVersion<LaterEntries>();

/**
 * Returns the entries of what controllers, the kubelet and the scheduler have written into an object. `stored`: the
 * object without the API's defaults.
 */
export const controllerEntries = (kube: KubeState, stored: KubeObject, object: KubeObject): LaterEntries =>
  known.of(stored, () => laterEntries(kube, stored, object));

/** Returns whether controllers have certainly written into an object, because one has created it. */
export const isByController = ({ podTemplates }: KubeState, { kind, metadata }: KubeObject): boolean =>
  kind === 'Node' || kind === 'ReplicaSet' || (kind === 'Pod' && podTemplates.has(metadata.uid));

/** What the sandbox stores of an object, but its creator did not send. */
const NOT_SENT = ['apiVersion', 'kind', 'metadata', 'status'];
/** The API server finalizes namespaces itself. */
const NAMESPACE_NOT_SENT = [...NOT_SENT, 'spec'];

/** Returns the entry of the creator of an object that existed before the sandbox opened. */
export const creatorEntries = (object: KubeObject): ManagedFieldsEntry[] => {
  const { kind, metadata, apiVersion } = object;
  const isSystem =
    kind === 'Namespace'
      ? SYSTEM_NAMESPACE.test(metadata.name)
      : apiVersion.startsWith(RBAC_GROUP) && metadata.labels?.['kubernetes.io/bootstrapping'] !== undefined;
  const manager = isSystem ? 'kube-apiserver' : CREATOR;
  const notSent = kind === 'Namespace' ? NAMESPACE_NOT_SENT : NOT_SENT;
  const parts = Object.fromEntries(Object.entries(object).filter(([key]) => !notSent.includes(key)));
  if (kind === 'MutatingWebhookConfiguration')
    return [entryOf({ manager: 'eks' }, 'Apply', apiVersion, metadata.creationTimestamp, fieldsOf(parts))];
  const fields = createdFields(object, parts);
  return isEmpty(fields) ? [] : [entryOf({ manager }, 'Update', apiVersion, metadata.creationTimestamp, fields)];
};
