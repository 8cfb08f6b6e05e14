/** GET and DELETE of collections: lists with selectors and pages, tables, and watches. */
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { expired, json, Refusal } from './answers.ts';
import { fieldSelector } from './field-selectors.ts';
import { listOptionsOf, type ListOptions, readResourceVersion } from './list-options.ts';
import { acceptedBy, partialMetadata, type Representation, wrongConversion } from './negotiation.ts';
import type { KubeObject } from '../objects/objects.ts';
import { pageOf, position } from './pages.ts';
import { lastRemoval } from '../objects/removals.ts';
import { asServed } from './served.ts';
import {
  apiVersionOf,
  createdAt,
  FIRST_VERSION,
  listResources,
  resourceOf,
  type ResourceInfo,
} from '../objects/store.ts';
import { tableOf } from './table.ts';

/** Returns an item of a list. Lists of built-in kinds have kind and apiVersion once, not in each item. */
const item = (cluster: ClusterState, info: ResourceInfo, object: KubeObject): unknown => {
  const served = asServed(cluster, info, object);
  if (info.custom === true) return served;
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = served;
  return rest;
};

/** A request for a collection. */
export interface Collection {
  world: World;
  cluster: ClusterState;
  info: ResourceInfo;
  /** Undefined for all namespaces. */
  namespace: string | undefined;
  request: HttpRequest;
}

const matching = ({ cluster, info, namespace }: Collection, { labels, fields }: ListOptions): KubeObject[] => {
  const wanted = fieldSelector(fields, info);
  return listResources(cluster.kube, info, namespace).filter((object) => labels(object) && wanted(object));
};

/** Returns one object in the representation that the client asked for. */
export const objectAs = (
  { world, cluster, info }: Pick<Collection, 'world' | 'cluster' | 'info'>,
  object: KubeObject,
  { as, version = 'v1' }: Representation,
): unknown => {
  if (as === 'PartialObjectMetadataList') throw wrongConversion(as, info.kind);
  if (as === 'Table')
    return tableOf(cluster, info, [object], {
      now: world.schedule.now(),
      metadata: { resourceVersion: object.metadata.resourceVersion },
    });
  const served = asServed(cluster, info, object);
  return as === 'PartialObjectMetadata' ? partialMetadata(served, version) : served;
};

interface WatchEvent {
  type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK' | 'ERROR';
  object: unknown;
}

const eventsBody = (events: readonly WatchEvent[]): HttpResponse => ({
  ...json(200, null),
  body: events.map((event) => `${JSON.stringify(event)}\n`).join(''),
});

/** Returns the event after which a client that asked for the initial state has all of it. */
const initialEventsEnd = ({ cluster, info }: Collection): WatchEvent => ({
  type: 'BOOKMARK',
  object: {
    kind: info.kind,
    apiVersion: apiVersionOf(info),
    metadata: {
      resourceVersion: String(cluster.kube.resourceVersion),
      annotations: { 'k8s.io/initial-events-end': 'true' },
    },
  },
});

interface Change {
  resourceVersion: number;
  type: 'ADDED' | 'MODIFIED' | 'DELETED';
  object: KubeObject;
}

/** Returns the removals since a version of objects that match. A removed object gets the version of its removal. */
const removedSince = (collection: Collection, options: ListOptions, since: number): Change[] => {
  const { cluster, info, namespace } = collection;
  const wanted = fieldSelector(options.fields, info);
  return (cluster.kube.removals.get(resourceOf(info))?.recent ?? [])
    .filter(
      ({ resourceVersion, object }) =>
        resourceVersion > since &&
        (namespace === undefined || object.metadata.namespace === namespace) &&
        options.labels(object) &&
        wanted(object),
    )
    .map(({ resourceVersion, object }) => ({
      resourceVersion,
      type: 'DELETED',
      object: { ...object, metadata: { ...object.metadata, resourceVersion: String(resourceVersion) } },
    }));
};

/**
 * Answers a watch that ends at once: it returns the changes since `resourceVersion` and closes the connection, so that
 * clients watch again. A version whose changes are no longer known is "too old", and the client lists again: one from
 * before the API server's start, or before a removal that it has forgotten.
 */
const watch = (collection: Collection, options: ListOptions, representation: Representation): HttpResponse => {
  const { cluster, info } = collection;
  const { kube } = cluster;
  const { resourceVersion: text, sendInitialEvents = false } = options;
  const since = text === '' ? 0 : readResourceVersion(text, (message) => new Refusal(500, '', message));
  const initial = since === 0 || sendInitialEvents;
  const oldest = Math.max(FIRST_VERSION, kube.removals.get(resourceOf(info))?.forgotten ?? 0);
  const found = matching(collection, options);
  if (!initial && since < oldest) {
    const error = expired(`too old resource version: ${since} (${oldest})`).answer().content;
    return eventsBody([{ type: 'ERROR', object: error }]);
  }
  // The initial events are those of the cache's objects, which are in etcd's order.
  const changes = found.map((object): Change => {
    const type = initial || createdAt(object) > since ? 'ADDED' : 'MODIFIED';
    return { resourceVersion: Number(object.metadata.resourceVersion), type, object };
  });
  const events = [
    ...changes.filter(({ resourceVersion }) => initial || resourceVersion > since),
    ...(initial ? [] : removedSince(collection, options, since)),
  ]
    .sort((a, b) =>
      initial ? (position(a.object) < position(b.object) ? -1 : 1) : a.resourceVersion - b.resourceVersion,
    )
    .map(({ type, object }): WatchEvent => ({ type, object: objectAs(collection, object, representation) }));
  return eventsBody([...events, ...(sendInitialEvents ? [initialEventsEnd(collection)] : [])]);
};

const list = (collection: Collection, options: ListOptions, { as, version = 'v1' }: Representation): HttpResponse => {
  const { world, cluster, info, namespace } = collection;
  if (as === 'PartialObjectMetadata') throw wrongConversion(as, `${info.kind}List`);
  const query = collection.request.query;
  const { items, metadata } = pageOf(cluster.kube, {
    list: JSON.stringify([resourceOf(info), namespace, query['labelSelector'], query['fieldSelector']]),
    options,
    now: world.schedule.now(),
    find: () => matching(collection, options),
    serve: (object) => asServed(cluster, info, object),
    changedAt: () =>
      Math.max(
        lastRemoval(cluster.kube, info),
        ...listResources(cluster.kube, info, namespace).map((object) => Number(object.metadata.resourceVersion)),
      ),
  });
  if (as === 'Table') return json(200, tableOf(cluster, info, items, { now: world.schedule.now(), metadata }));
  if (as === 'PartialObjectMetadataList')
    return json(200, {
      kind: as,
      apiVersion: `meta.k8s.io/${version}`,
      metadata,
      items: items.map((object) => partialMetadata(asServed(cluster, info, object), version)),
    });
  return json(200, {
    kind: `${info.kind}List`,
    apiVersion: apiVersionOf(info),
    metadata,
    items: items.map((object) => item(cluster, info, object)),
  });
};

export const listOrWatch = (collection: Collection): HttpResponse => {
  const { cluster, request } = collection;
  const options = listOptionsOf(request, cluster.version);
  const representation = acceptedBy(request, { streams: true });
  return options.watch ? watch(collection, options, representation) : list(collection, options, representation);
};

/**
 * Deletes the objects of a collection that match a request's selectors, each by `remove`, and returns the list of what
 * was there.
 */
export const deleteCollection = (collection: Collection, remove: (object: KubeObject) => unknown): HttpResponse => {
  const { cluster, request } = collection;
  const options = listOptionsOf(request, cluster.version);
  const found = matching(collection, options);
  const answer = list(collection, { ...options, resourceVersion: '', resourceVersionMatch: '' }, acceptedBy(request));
  for (const object of found) remove(object);
  return answer;
};
