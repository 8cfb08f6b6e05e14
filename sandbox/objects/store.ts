/** The objects of one cluster: kinds, keys, and the resourceVersion, which increases with each write. */
import { timeText } from '../clock/time-text.ts';
import type { KubeState } from './kube-state.ts';
import { isWorkloadKind, KINDS } from './kinds.ts';
import { noteRemoval } from './removals.ts';
import { type ResourceInfo, resourceOf } from './resource-info.ts';
import type { Kind, Kinds, KubeObject, Metadata, OwnerReference, Workload } from './objects.ts';

export { apiVersionOf, isBuiltIn, isWorkloadKind, KINDS, RBAC_GROUP, type KindInfo } from './kinds.ts';
export { resourceOf } from './resource-info.ts';
export type { ResourceInfo, Verb } from './resource-info.ts';

const keyOf = (namespace: string | undefined, name: string): string => `${namespace ?? ''}/${name}`;

const objectsOf = (kube: KubeState, info: Pick<ResourceInfo, 'plural' | 'group'>): Map<string, KubeObject> => {
  const resource = resourceOf(info);
  const objects = kube.objects.get(resource) ?? new Map<string, KubeObject>();
  kube.objects.set(resource, objects);
  return objects;
};
// The assertion holds because only `putObject` adds objects of built-in kinds, each to the map of its kind.
const objectsOfKind = <K extends Kind>(kube: KubeState, kind: K): Map<string, Kinds[K]> =>
  objectsOf(kube, KINDS[kind]) as Map<string, Kinds[K]>;

export const countObjects = (kube: KubeState, kind: Kind): number => objectsOfKind(kube, kind).size;

export const getObject = <K extends Kind>(
  kube: KubeState,
  kind: K,
  namespace: string | undefined,
  name: string,
): Kinds[K] | undefined => objectsOfKind(kube, kind).get(keyOf(namespace, name));

/** Returns the objects of a kind in no particular order; without a namespace, those of all namespaces. */
export const listObjects = <K extends Kind>(kube: KubeState, kind: K, namespace?: string): Kinds[K][] => {
  const all = [...objectsOfKind(kube, kind).values()];
  return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
};

// Like `getObject` and `listObjects`, for any resource.
export const getResource = (
  kube: KubeState,
  info: ResourceInfo,
  namespace: string | undefined,
  name: string,
): KubeObject | undefined => objectsOf(kube, info).get(keyOf(namespace, name));
export const listResources = (kube: KubeState, info: ResourceInfo, namespace?: string): KubeObject[] => {
  const all = [...objectsOf(kube, info).values()];
  return namespace === undefined ? all : all.filter((object) => object.metadata.namespace === namespace);
};

export const controllerOf = (object: KubeObject): OwnerReference | undefined =>
  object.metadata.ownerReferences?.find((owner) => owner.controller);

/**
 * The version at which the API server filled its caches of a new cluster: etcd begins with 1, and the server writes
 * before it lists.
 */
export const FIRST_VERSION = 2;

/** The resourceVersion with which each object was created. */
const created = new WeakMap<KubeObject, number>();

/** Returns the resourceVersion with which an object was created. */
export const createdAt = (object: KubeObject): number => created.get(object) ?? 0;

/** Assigns a new resourceVersion to an object that was written. */
export const touch = (kube: KubeState, object: KubeObject): void => {
  kube.resourceVersion += 1;
  object.metadata.resourceVersion = String(kube.resourceVersion);
  if (!created.has(object)) created.set(object, kube.resourceVersion);
};

export const putObject = <K extends Kind>(kube: KubeState, kind: K, object: Kinds[K]): Kinds[K] => {
  touch(kube, object);
  objectsOfKind(kube, kind).set(keyOf(object.metadata.namespace, object.metadata.name), object);
  const controller = controllerOf(object);
  if (controller) {
    const siblings = kube.controlled.get(controller.uid) ?? new Set();
    kube.controlled.set(controller.uid, siblings.add(object));
  }
  return object;
};

export const putResource = (
  kube: KubeState,
  info: Pick<ResourceInfo, 'plural' | 'group'>,
  object: KubeObject,
): void => {
  touch(kube, object);
  objectsOf(kube, info).set(keyOf(object.metadata.namespace, object.metadata.name), object);
};

export const removeResource = (
  kube: KubeState,
  info: Pick<ResourceInfo, 'plural' | 'group'>,
  object: KubeObject,
): void => {
  const objects = objectsOf(kube, info);
  const key = keyOf(object.metadata.namespace, object.metadata.name);
  if (objects.get(key) !== object) return;
  objects.delete(key);
  kube.controlled.get(controllerOf(object)?.uid ?? '')?.delete(object);
  const { uid } = object.metadata;
  for (const known of [kube.managedFields, kube.applied, kube.podTemplates, kube.statusWrites]) known.delete(uid);
  kube.currentRevisions.delete(object.metadata.uid);
  kube.templateGenerations.delete(object.metadata.uid);
  kube.resourceVersion += 1;
  noteRemoval(kube, resourceOf(info), object);
};
export const removeObject = (kube: KubeState, kind: Kind, object: KubeObject): void =>
  removeResource(kube, KINDS[kind], object);

/** Returns the generation of a DaemonSet's template, which its pods have as a label. */
export const templateGenerationOf = ({ templateGenerations }: KubeState, { metadata }: KubeObject): number =>
  templateGenerations.get(metadata.uid) ?? 1;

/** Returns the objects of a kind that `owner` controls, oldest first. */
export const controlledBy = <K extends Kind>(kube: KubeState, kind: K, owner: KubeObject): Kinds[K][] =>
  [...(kube.controlled.get(owner.metadata.uid) ?? [])].filter((object): object is Kinds[K] => object.kind === kind);

/** Returns the workload to which a pod or ReplicaSet belongs. */
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

/** The latest timestamp, cached: many parts of an object have the same time and share the string. */
let latest = { at: Number.NaN, text: '' };

/** Formats a time as Kubernetes does, in whole seconds. */
export const timestamp = (at: number): string => {
  if (latest.at !== at) latest = { at, text: timeText(at).replace(/\.\d+Z$/, 'Z') };
  return latest.text;
};

/** Returns metadata of an object that is created at `at`. */
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

/** Alphabet of generated names: without vowels, to avoid words (k8s.io/apimachinery, util/rand). */
export const NAME_ALPHABET = 'bcdfghjklmnpqrstvwxz2456789';
