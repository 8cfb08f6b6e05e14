/** The objects of one cluster: kinds, keys, and the resourceVersion that grows with each write. */
import { WORKLOAD_KINDS } from '../../lambdas/domain/kubernetes.ts';
import { Random } from '../world/random.ts';
import type { KubeState } from './kube-state.ts';
import type { CustomKind, Kind, Kinds, KubeObject, Metadata, OwnerReference, Workload } from './objects.ts';

/** A resource as the API server serves it, custom ones too. `verbs`: what this one can do with it. */
export interface ResourceInfo {
  kind: string;
  plural: string;
  shortNames: string[];
  group: string;
  /** Left out: v1. */
  version?: string;
  namespaced: boolean;
  verbs: ('create' | 'delete' | 'get' | 'list' | 'patch' | 'watch')[];
  /** In `kubectl get all`. */
  inAll?: boolean;
}

/** One of the kinds that every cluster has. */
export interface KindInfo extends ResourceInfo {
  kind: Kind;
}

export const RBAC_GROUP = 'rbac.authorization.k8s.io';
const READ: KindInfo['verbs'] = ['get', 'list', 'watch'];
const ALL: KindInfo['verbs'] = ['create', 'delete', 'get', 'list', 'patch', 'watch'];

export const KINDS: Record<Kind, KindInfo> = {
  Pod: {
    kind: 'Pod',
    plural: 'pods',
    shortNames: ['po'],
    group: '',
    namespaced: true,
    verbs: ['delete', ...READ],
    inAll: true,
  },
  ServiceAccount: {
    kind: 'ServiceAccount',
    plural: 'serviceaccounts',
    shortNames: ['sa'],
    group: '',
    namespaced: true,
    verbs: ALL,
  },
  Node: { kind: 'Node', plural: 'nodes', shortNames: ['no'], group: '', namespaced: false, verbs: ['patch', ...READ] },
  Namespace: { kind: 'Namespace', plural: 'namespaces', shortNames: ['ns'], group: '', namespaced: false, verbs: READ },
  Deployment: {
    kind: 'Deployment',
    plural: 'deployments',
    shortNames: ['deploy'],
    group: 'apps',
    namespaced: true,
    verbs: ['patch', ...READ],
    inAll: true,
  },
  DaemonSet: {
    kind: 'DaemonSet',
    plural: 'daemonsets',
    shortNames: ['ds'],
    group: 'apps',
    namespaced: true,
    verbs: ['patch', ...READ],
    inAll: true,
  },
  StatefulSet: {
    kind: 'StatefulSet',
    plural: 'statefulsets',
    shortNames: ['sts'],
    group: 'apps',
    namespaced: true,
    verbs: ['patch', ...READ],
    inAll: true,
  },
  ReplicaSet: {
    kind: 'ReplicaSet',
    plural: 'replicasets',
    shortNames: ['rs'],
    group: 'apps',
    namespaced: true,
    verbs: READ,
    inAll: true,
  },
  PodDisruptionBudget: {
    kind: 'PodDisruptionBudget',
    plural: 'poddisruptionbudgets',
    shortNames: ['pdb'],
    group: 'policy',
    namespaced: true,
    verbs: ALL,
  },
  Role: { kind: 'Role', plural: 'roles', shortNames: [], group: RBAC_GROUP, namespaced: true, verbs: ALL },
  ClusterRole: {
    kind: 'ClusterRole',
    plural: 'clusterroles',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: false,
    verbs: ALL,
  },
  RoleBinding: {
    kind: 'RoleBinding',
    plural: 'rolebindings',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: true,
    verbs: ALL,
  },
  ClusterRoleBinding: {
    kind: 'ClusterRoleBinding',
    plural: 'clusterrolebindings',
    shortNames: [],
    group: RBAC_GROUP,
    namespaced: false,
    verbs: ALL,
  },
  MutatingWebhookConfiguration: {
    kind: 'MutatingWebhookConfiguration',
    plural: 'mutatingwebhookconfigurations',
    shortNames: [],
    group: 'admissionregistration.k8s.io',
    namespaced: false,
    verbs: READ,
  },
};

/** Whether it is a kind of what rolls out pods by itself. */
export const isWorkloadKind = (kind: string): kind is Workload['kind'] =>
  (WORKLOAD_KINDS as readonly string[]).includes(kind);

/** Whether it is one of the kinds that every cluster has. */
export const isBuiltIn = (info: ResourceInfo): info is KindInfo =>
  (KINDS as Record<string, KindInfo>)[info.kind] === info;

export const apiVersionOf = ({ group, version = 'v1' }: ResourceInfo): string =>
  group === '' ? version : `${group}/${version}`;

/** `pods.` or `deployments.apps`: the key of a resource's objects. */
export const resourceOf = ({ plural, group }: Pick<ResourceInfo, 'plural' | 'group'>): string => `${plural}.${group}`;

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

export const newKubeState = (): KubeState => ({
  objects: new Map(
    (Object.keys(KINDS) as Kind[]).map((kind) => [resourceOf(KINDS[kind]), new Map<string, KubeObject>()]),
  ),
  resourceVersion: 0,
  readyHistory: [],
  readyCounts: new Map(),
  controlled: new Map(),
  removals: new Map(),
  tallies: new Map(),
  heldNodes: new Map(),
  agentDown: new Set(),
  firstCalls: new Map(),
  lostNodes: new Set(),
  daemonNodes: new Map(),
  pendingWorkloads: new Set(),
  pendingBudgets: new Set(),
  currentRevisions: new Map(),
  fieldOwners: new Map(),
  readySeconds: new Map(),
  annotators: new Map(),
  sessions: new Map(),
  customKinds: new Map(),
  snapshots: [],
  random: new Random(0),
});

const shelfOf = (kube: KubeState, info: Pick<ResourceInfo, 'plural' | 'group'>): Map<string, KubeObject> => {
  const resource = resourceOf(info);
  const objects = kube.objects.get(resource) ?? new Map<string, KubeObject>();
  kube.objects.set(resource, objects);
  return objects;
};
// Only `put` adds objects, each to the map of its own kind.
const shelf = <K extends Kind>(kube: KubeState, kind: K): Map<string, Kinds[K]> =>
  shelfOf(kube, KINDS[kind]) as Map<string, Kinds[K]>;

/** How many objects of a kind there are. */
export const countObjects = (kube: KubeState, kind: Kind): number => shelf(kube, kind).size;

export const getObject = <K extends Kind>(
  kube: KubeState,
  kind: K,
  namespace: string | undefined,
  name: string,
): Kinds[K] | undefined => shelf(kube, kind).get(keyOf(namespace, name));

/** In no particular order; of all namespaces when none is given. */
export const listObjects = <K extends Kind>(kube: KubeState, kind: K, namespace?: string): Kinds[K][] => {
  const all = [...shelf(kube, kind).values()];
  return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
};

/** As `getObject` and `listObjects`, for whatever resource. */
export const getResource = (
  kube: KubeState,
  info: ResourceInfo,
  namespace: string | undefined,
  name: string,
): KubeObject | undefined => shelfOf(kube, info).get(keyOf(namespace, name));
export const listResources = (kube: KubeState, info: ResourceInfo, namespace?: string): KubeObject[] => {
  const all = [...shelfOf(kube, info).values()];
  return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
};

export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller);

/** Marks an object as written. */
export const touch = (kube: KubeState, object: KubeObject): void => {
  kube.resourceVersion += 1;
  object.metadata.resourceVersion = String(kube.resourceVersion);
};

export const putObject = <K extends Kind>(kube: KubeState, kind: K, object: Kinds[K]): Kinds[K] => {
  touch(kube, object);
  shelf(kube, kind).set(keyOf(object.metadata.namespace, object.metadata.name), object);
  const controller = controllerOf(object);
  if (controller) {
    const siblings = kube.controlled.get(controller.uid) ?? new Set();
    kube.controlled.set(controller.uid, siblings.add(object));
  }
  return object;
};

export const putResource = (kube: KubeState, info: CustomKind, object: KubeObject): void => {
  touch(kube, object);
  shelfOf(kube, info).set(keyOf(object.metadata.namespace, object.metadata.name), object);
};

export const removeResource = (
  kube: KubeState,
  info: Pick<ResourceInfo, 'plural' | 'group'>,
  object: KubeObject,
): void => {
  const objects = shelfOf(kube, info);
  const key = keyOf(object.metadata.namespace, object.metadata.name);
  if (objects.get(key) !== object) return;
  objects.delete(key);
  kube.controlled.get(controllerOf(object)?.uid ?? '')?.delete(object);
  kube.fieldOwners.delete(object.metadata.uid);
  kube.annotators.delete(object.metadata.uid);
  kube.currentRevisions.delete(object.metadata.uid);
  kube.resourceVersion += 1;
  kube.removals.set(resourceOf(info), kube.resourceVersion);
};
export const removeObject = (kube: KubeState, kind: Kind, object: KubeObject): void =>
  removeResource(kube, KINDS[kind], object);

/** How many objects `owner` controls, of whatever kind. */
export const countControlled = (kube: KubeState, owner: KubeObject): number =>
  kube.controlled.get(owner.metadata.uid)?.size ?? 0;

/** The objects of that kind that `owner` controls, oldest first. */
export const controlledBy = <K extends Kind>(kube: KubeState, kind: K, owner: KubeObject): Kinds[K][] =>
  [...(kube.controlled.get(owner.metadata.uid) ?? [])].filter((object): object is Kinds[K] => object.kind === kind);

/** The workload that makes a pod, through its ReplicaSet where there is one. */
export const workloadOf = (kube: KubeState, object: KubeObject): Workload | undefined => {
  const { namespace } = object.metadata;
  const controller = controllerOf(object);
  if (controller?.kind === 'ReplicaSet') {
    const replicaSet = getObject(kube, 'ReplicaSet', namespace, controller.name);
    return replicaSet && workloadOf(kube, replicaSet);
  }
  if (!controller || !isWorkloadKind(controller.kind)) return undefined;
  const workload = getObject(kube, controller.kind, namespace, controller.name);
  return workload?.metadata.uid === controller.uid ? workload : undefined;
};

export const ownedBy = (owner: KubeObject): OwnerReference => ({
  apiVersion: owner.apiVersion,
  kind: owner.kind,
  name: owner.metadata.name,
  uid: owner.metadata.uid,
  controller: true,
  blockOwnerDeletion: true,
});

/** The last one made: many parts of an object have the same time, and share its text. */
let latest = { at: Number.NaN, text: '' };

/** Kubernetes' time format: whole seconds. */
export const timestamp = (at: number): string => {
  if (latest.at !== at) latest = { at, text: new Date(at).toISOString().replace(/\.\d+Z$/, 'Z') };
  return latest.text;
};

/** Metadata of an object that is created at `at`. */
export const newMetadata = (
  kube: KubeState,
  at: number,
  metadata: Omit<Metadata, 'uid' | 'resourceVersion' | 'creationTimestamp'>,
): Metadata => ({
  ...metadata,
  uid: kube.random.uuid(),
  resourceVersion: '',
  creationTimestamp: timestamp(at),
});

/** Letters and digits of generated names: no vowels, so that no words come out (k8s.io/apimachinery, util/rand). */
export const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
