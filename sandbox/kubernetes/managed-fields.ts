/**
 * `metadata.managedFields`: which manager set which fields. What clients write is stored with the write; what
 * controllers write is computed when an object is read.
 */
import type { ClusterState } from '../world/world.ts';
import { controllerEntries, creatorEntries } from './controller-fields.ts';
import { withDefaults } from './defaults/with-defaults.ts';
import {
  afterUpdate,
  type Change,
  entriesWithout,
  inOrder,
  type ManagedFieldsEntry,
  type Writer,
} from './field-managers.ts';
import { parseField } from './field-paths.ts';
import { EMPTY, type FieldSet, intersection, isEmpty, union } from './field-sets.ts';
import { noteForeign, withForeign } from './manifest-fields.ts';
import type { KubeObject, Metadata } from './objects.ts';
import { isWorkloadKind, timestamp } from './store.ts';
import { zeroOf } from './zero-values.ts';

/** Kinds whose objects have no entry of a creator: controllers create them, or the scenario names who applied them. */
const hasCreator = (kind: string): boolean =>
  !isWorkloadKind(kind) && !['Pod', 'ReplicaSet', 'Node', 'ServiceAccount'].includes(kind);

/**
 * Returns the entries of the clients that have written an object; those of the creator of an object that existed before
 * the sandbox opened are computed.
 */
const clientEntries = (cluster: ClusterState, object: KubeObject): ManagedFieldsEntry[] => {
  const stored = cluster.kube.managedFields.get(object.metadata.uid);
  if (stored) return withForeign(cluster, object, stored);
  return hasCreator(object.kind) ? creatorEntries(withDefaults(cluster, object)) : [];
};

/** Returns the entries of controllers for fields that no client has taken over. */
const othersEntries = (
  { kube }: ClusterState,
  object: KubeObject,
  served: KubeObject,
  clients: readonly ManagedFieldsEntry[],
): ManagedFieldsEntry[] => {
  const entries = controllerEntries(kube, object, served);
  if (entries.length === 0 || clients.length === 0) return entries;
  const taken = clients.reduce<FieldSet>((set, { fieldsV1 }) => union(set, fieldsV1), {});
  return entriesWithout(entries, taken);
};

/** Returns all entries of an object. `clients`: those of clients, if they are not the stored ones. */
export const entriesOf = (
  cluster: ClusterState,
  object: KubeObject,
  clients = clientEntries(cluster, object),
): ManagedFieldsEntry[] => {
  if (cluster.kube.untracked.has(object.metadata.uid)) return [];
  const others = othersEntries(cluster, object, withDefaults(cluster, object), clients);
  return others.length === 0 ? clients : clients.length === 0 ? inOrder(others) : inOrder([...clients, ...others]);
};

/**
 * Returns an object as the API server returns it: with the API's defaults and its managed fields. `clients`: the entries
 * of clients, if they are not the stored ones, as after a dry run.
 */
export const asReturned = (
  cluster: ClusterState,
  object: KubeObject,
  clients?: readonly ManagedFieldsEntry[],
): KubeObject => {
  const served = withDefaults(cluster, object);
  const managedFields = entriesOf(cluster, object, clients && [...clients]);
  if (managedFields.length === 0) return served;
  const metadata: Metadata & { managedFields: ManagedFieldsEntry[] } = { ...served.metadata, managedFields };
  return { ...served, metadata };
};

/** Returns a write as the rules of ownership see it: with the API's defaults. `before`: undefined if it creates. */
export const changeOf = (cluster: ClusterState, before: KubeObject | undefined, after: KubeObject): Change => ({
  before: before && withDefaults(cluster, before),
  after: withDefaults(cluster, after),
  apiVersion: after.apiVersion,
  zero: zeroOf(after.kind),
});

/**
 * Returns the entries of clients after an update; nothing is stored. `before` and `after`: the object as it is stored;
 * `before` is undefined if the update creates the object. Times are milliseconds since 1970.
 */
export const entriesAfter = (
  cluster: ClusterState,
  before: KubeObject | undefined,
  after: KubeObject,
  writer: Writer,
  at: number,
): ManagedFieldsEntry[] =>
  cluster.kube.untracked.has(after.metadata.uid)
    ? []
    : afterUpdate(
        before ? clientEntries(cluster, before) : [],
        changeOf(cluster, before, after),
        writer,
        timestamp(at),
      );

/**
 * Records that a client created or updated an object. `before`: a copy of the stored object before the write; undefined
 * if the write created it. `object`: the stored object.
 */
export const noteWrite = (
  cluster: ClusterState,
  before: KubeObject | undefined,
  object: KubeObject,
  writer: Writer,
  at: number,
): void => {
  const { managedFields, untracked } = cluster.kube;
  const { uid } = object.metadata;
  const entries = entriesAfter(cluster, before, object, writer, at);
  managedFields.set(uid, entries);
  // Nobody ever owns a field of an object that was created without any.
  if (before === undefined && entries.length === 0) untracked.add(uid);
  if (before) noteForeign(cluster, before, object, writer);
};

/** Stores the entries of clients after a write that computed them itself. */
export const storeEntries = (
  cluster: ClusterState,
  object: KubeObject,
  entries: readonly ManagedFieldsEntry[],
): void => {
  cluster.kube.managedFields.set(object.metadata.uid, [...entries]);
};

/** Returns the client that owns a field, such as `.metadata.labels.app`; undefined if none does. */
export const managerOf = (cluster: ClusterState, object: KubeObject, path: string): string | undefined => {
  const field = parseField(path) ?? EMPTY;
  return clientEntries(cluster, object).find(({ fieldsV1 }) => !isEmpty(intersection(fieldsV1, field)))?.manager;
};
