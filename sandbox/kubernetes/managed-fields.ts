/**
 * `metadata.managedFields`: which manager set which fields. What clients write is stored with the write; what
 * controllers write is computed when an object is read.
 */
import { isDeepStrictEqual } from 'node:util';
import type { ClusterState } from '../world/world.ts';
import { ByVersion } from './by-version.ts';
import { controllerEntries, creatorEntries, isByController, type LaterEntries } from './controller-fields.ts';
import { withDefaults } from './defaults/with-defaults.ts';
import { afterUpdate, type Change, entriesWithout, inOrder, sameOwners, type Writer } from './field-managers.ts';
import { type ManagedFieldsEntry, managedFieldsEntries, type Owners } from '../objects/managed-fields-entry.ts';
import { parseField } from './field-paths.ts';
import { EMPTY, intersection, isEmpty, union } from '../objects/field-sets.ts';
import { noteForeign, withForeign } from './manifest-fields.ts';
import type { KubeObject, Metadata } from '../objects/objects.ts';
import { isWorkloadKind, timestamp, touch } from '../objects/store.ts';
import { zeroOf } from './zero-values.ts';

/** Kinds whose objects have no entry of a creator: controllers create them, or the scenario names who applied them. */
const hasCreator = (kind: string): boolean =>
  !isWorkloadKind(kind) && !['Pod', 'ReplicaSet', 'Node', 'ServiceAccount'].includes(kind);

const NO_CLIENTS: Owners = [];
const creators = new ByVersion<Owners>();

/**
 * Returns the entries of the clients that have written an object; those of the creator of an object that existed before
 * the sandbox opened are computed.
 */
const clientEntries = (cluster: ClusterState, object: KubeObject): Owners => {
  const stored = cluster.kube.managedFields.get(object.metadata.uid);
  if (stored === 'untracked') return stored;
  if (stored) return withForeign(cluster, object, stored);
  return hasCreator(object.kind)
    ? creators.of(object, () => creatorEntries(withDefaults(cluster, object)))
    : NO_CLIENTS;
};

/** Returns all entries of an object, from those of clients and of controllers for fields that no client has taken over. */
const together = (
  clients: readonly ManagedFieldsEntry[],
  controllers: readonly ManagedFieldsEntry[],
): readonly ManagedFieldsEntry[] => {
  if (controllers.length === 0) return clients;
  if (clients.length === 0) return inOrder(controllers);
  const others = entriesWithout(controllers, union(...clients.map(({ fieldsV1 }) => fieldsV1)));
  return others.length === 0 ? clients : inOrder([...clients, ...others]);
};

/** Returns all entries of an object. `clients`: those of clients, if they are not the stored ones. */
export const entriesOf = (
  cluster: ClusterState,
  object: KubeObject,
  clients = clientEntries(cluster, object),
): readonly ManagedFieldsEntry[] => {
  if (clients === 'untracked') return [];
  return together(clients, controllerEntries(cluster.kube, object, withDefaults(cluster, object))());
};

/** Returns which of an object's entries are those of clients: the others are computed when the object is read. */
export const clientsOf = (
  { kube }: ClusterState,
  object: KubeObject,
  served: KubeObject,
  entries: readonly ManagedFieldsEntry[],
): ManagedFieldsEntry[] => {
  const others = controllerEntries(kube, object, served)();
  return entries.filter(
    (entry) =>
      !others.some(
        ({ manager, subresource }) =>
          entry.operation === 'Update' && entry.manager === manager && entry.subresource === subresource,
      ),
  );
};

/**
 * Returns an object as the API server returns it: with the API's defaults and its managed fields. `clients`: the entries
 * of clients, if they are not the stored ones, as after a dry run.
 */
export const asReturned = (cluster: ClusterState, object: KubeObject, clients?: Owners): KubeObject => {
  const served = withDefaults(cluster, object);
  const managedFields = entriesOf(cluster, object, clients);
  if (managedFields.length === 0) return served;
  const metadata: Managed = { ...served.metadata, managedFields };
  return { ...served, metadata };
};

type Managed = Metadata & { readonly managedFields: readonly ManagedFieldsEntry[] };

/** Returns an object whose managed fields are computed when they are read. */
const withLaterFields = (
  served: KubeObject,
  clients: readonly ManagedFieldsEntry[],
  controllers: LaterEntries,
): KubeObject => {
  let entries: readonly ManagedFieldsEntry[] | undefined;
  const metadata: Managed = {
    ...served.metadata,
    get managedFields() {
      return (entries ??= together(clients, controllers()));
    },
  };
  return { ...served, metadata };
};

const read = new ByVersion<{ clients: Owners; object: KubeObject }>();

/**
 * Returns an object as `asReturned` does, for a client that only reads it. The managed fields of what a controller has
 * created are computed when they are read, which few clients do: they are the larger part of a list of pods.
 */
export const asRead = (cluster: ClusterState, object: KubeObject): KubeObject => {
  const clients = clientEntries(cluster, object);
  const compute = (): KubeObject => {
    if (clients === 'untracked' || !isByController(cluster.kube, object)) return asReturned(cluster, object, clients);
    const served = withDefaults(cluster, object);
    return withLaterFields(served, clients, controllerEntries(cluster.kube, object, served));
  };
  const known = read.of(object, () => ({ clients, object: compute() }));
  // Others may own fields now, although the object has not changed.
  if (known.clients !== clients) Object.assign(known, { clients, object: compute() });
  return known.object;
};

/** Returns a write as the rules of ownership see it: with the API's defaults. `before`: undefined if it creates. */
const changeOf = (cluster: ClusterState, before: KubeObject | undefined, after: KubeObject): Change => ({
  before: before && withDefaults(cluster, before),
  after: withDefaults(cluster, after),
  apiVersion: after.apiVersion,
  zero: zeroOf(after.kind),
});

/** Returns whether an update asks to forget all managers: with an empty list, or one of an empty entry. */
const isReset = (given: readonly unknown[]): boolean =>
  given.length === 0 || (given.length === 1 && isDeepStrictEqual(given[0], {}));

/** Returns the entries from which an update starts: those that the client has sent, if it has changed them. */
const startOf = (cluster: ClusterState, before: KubeObject, given: unknown): Owners => {
  const known = clientEntries(cluster, before);
  if (!Array.isArray(given)) return known;
  if (isReset(given)) return 'untracked';
  const sent = managedFieldsEntries.safeParse(given);
  if (!sent.success || isDeepStrictEqual(sent.data, entriesOf(cluster, before, known))) return known;
  return clientsOf(cluster, before, withDefaults(cluster, before), sent.data);
};

/**
 * Returns the entries of clients after an update; nothing is stored. `before` and `after`: the object as it is stored;
 * `before` is undefined if the update creates the object. Times are milliseconds since 1970. `given`: the managed fields
 * that the client has sent.
 */
export const entriesAfter = (
  cluster: ClusterState,
  before: KubeObject | undefined,
  after: KubeObject,
  writer: Writer,
  at: number,
  given?: unknown,
): Owners => {
  const start = before ? startOf(cluster, before, given) : [];
  if (start === 'untracked') return start;
  // Fields of an object that nobody owns stay without owners, unless the scenario does not say who owns them.
  if (
    before &&
    start.length === 0 &&
    cluster.kube.managedFields.has(before.metadata.uid) &&
    entriesOf(cluster, before, start).length === 0
  )
    return start;
  return afterUpdate(start, changeOf(cluster, before, after), writer, timestamp(at));
};

/**
 * Records that a client created or updated an object. `before`: a copy of the stored object before the write; undefined
 * if the write created it. `object`: the stored object. `entries`: those of clients after the write, if the caller has
 * computed them.
 */
export const noteWrite = (
  cluster: ClusterState,
  before: KubeObject | undefined,
  object: KubeObject,
  writer: Writer,
  at: number,
  entries: Owners = entriesAfter(cluster, before, object, writer, at),
): void => {
  const { managedFields } = cluster.kube;
  if (before?.metadata.resourceVersion === object.metadata.resourceVersion) {
    // A write that changes nothing does not change when it was made, either.
    if (sameOwners(clientEntries(cluster, before), entries)) return;
    touch(cluster.kube, object);
  }
  managedFields.set(object.metadata.uid, entries);
  if (before) noteForeign(cluster, before, object, writer);
};

/** Returns the client that owns a field, such as `.metadata.labels.app`; undefined if none does. */
export const managerOf = (cluster: ClusterState, object: KubeObject, path: string): string | undefined => {
  const field = parseField(path) ?? EMPTY;
  const entries = clientEntries(cluster, object);
  if (entries === 'untracked') return undefined;
  return entries.find(({ fieldsV1 }) => !isEmpty(intersection(fieldsV1, field)))?.manager;
};
