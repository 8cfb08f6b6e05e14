/** GET of collections: lists with selectors and pages, tables, and watches. */
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { badRequest, expired, json, Refusal } from './answers.ts';
import type { KubeObject } from './objects.ts';
import { pageOf } from './pages.ts';
import { type Query, queryOf } from './query.ts';
import { asServed } from './served.ts';
import { fieldSelector, labelSelector } from './selectors.ts';
import { apiVersionOf, isBuiltIn, listResources, resourceOf } from './store.ts';
import type { ResourceInfo } from './store.ts';
import { tableOf } from './table.ts';

export const wantsTable = (request: HttpRequest): boolean =>
  (request.headers['accept'] ?? '').split(',').some((type) => type.includes('as=Table'));

/** Returns an item of a list. Lists of built-in kinds have kind and apiVersion once, not in each item. */
const item = (cluster: ClusterState, info: ResourceInfo, object: KubeObject): unknown => {
  const served = asServed(cluster, info, object);
  if (!isBuiltIn(info)) return served;
  const { kind: _kind, apiVersion: _apiVersion, ...rest } = served;
  return rest;
};

const matching = (
  cluster: ClusterState,
  info: ResourceInfo,
  namespace: string | undefined,
  query: Query,
): KubeObject[] => {
  const labels = labelSelector(query('labelSelector') ?? '');
  const fields = fieldSelector(query('fieldSelector') ?? '', info);
  return listResources(cluster.kube, info, namespace).filter((object) => labels(object) && fields(object));
};

/**
 * Answers a watch that ends at once: it returns the changes since `resourceVersion` and closes the connection, so that
 * clients watch again. Removals cannot be reported: if there was one since then, the resourceVersion is "too old" and
 * the client lists again.
 */
const watch = (
  world: World,
  cluster: ClusterState,
  info: ResourceInfo,
  namespace: string | undefined,
  request: HttpRequest,
): HttpResponse => {
  const query = queryOf(request);
  if (query('sendInitialEvents') === 'true') {
    const message =
      'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
    throw new Refusal(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${message}`);
  }
  const since = Number(query('resourceVersion') ?? 0);
  if (!Number.isInteger(since)) throw badRequest(`invalid resource version "${query('resourceVersion') ?? ''}"`);
  const { kube } = cluster;
  if (since > 0 && (kube.removals.get(resourceOf(info)) ?? 0) > since)
    throw expired(`too old resource version: ${since} (${kube.resourceVersion})`);
  const changed = matching(cluster, info, namespace, query).filter(
    ({ metadata }) => Number(metadata.resourceVersion) > since,
  );
  const events = changed
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map((object) => ({
      type: since === 0 ? 'ADDED' : 'MODIFIED',
      object: wantsTable(request)
        ? tableOf(cluster, info, [object], {
            now: world.schedule.now(),
            metadata: { resourceVersion: object.metadata.resourceVersion },
          })
        : asServed(cluster, info, object),
    }));
  return { ...json(200, null), body: events.map((event) => `${JSON.stringify(event)}\n`).join('') };
};

const list = (
  world: World,
  cluster: ClusterState,
  info: ResourceInfo,
  namespace: string | undefined,
  request: HttpRequest,
): HttpResponse => {
  const query = queryOf(request);
  const { items, metadata } = pageOf(cluster.kube, {
    list: JSON.stringify([resourceOf(info), namespace, query('labelSelector'), query('fieldSelector')]),
    query,
    now: world.schedule.now(),
    find: () => matching(cluster, info, namespace, query),
  });
  if (wantsTable(request)) return json(200, tableOf(cluster, info, items, { now: world.schedule.now(), metadata }));
  return json(200, {
    kind: `${info.kind}List`,
    apiVersion: apiVersionOf(info),
    metadata,
    items: items.map((object) => item(cluster, info, object)),
  });
};

export const listOrWatch = (
  world: World,
  cluster: ClusterState,
  info: ResourceInfo,
  namespace: string | undefined,
  request: HttpRequest,
): HttpResponse =>
  ['true', '1'].includes(queryOf(request)('watch') ?? '')
    ? watch(world, cluster, info, namespace, request)
    : list(world, cluster, info, namespace, request);
