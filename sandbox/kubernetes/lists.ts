/** GET of many objects: lists with selectors and pages, tables, and watches. */
import { z } from 'zod';
import type { HttpRequest, HttpResponse } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { badRequest, expired, json, Refusal } from './answers.ts';
import type { KubeObject } from './objects.ts';
import { fieldSelector, labelSelector } from './selectors.ts';
import { apiVersionOf, listObjects, resourceOf } from './store.ts';
import type { KindInfo } from './store.ts';
import { tableOf } from './table.ts';

export type Query = (name: string) => string | undefined;

/** The last value where a parameter comes several times; undefined for an empty one, as the API server has it. */
export const queryOf =
  (request: HttpRequest): Query =>
  (name) => {
    const value = request.query[name];
    return (Array.isArray(value) ? value.at(-1) : value) || undefined;
  };

export const wantsTable = (request: HttpRequest): boolean => (request.headers['accept'] ?? '').split(',').some((type) => type.includes('as=Table'));

/** In the store's order: by namespace, then by name. */
const position = ({ metadata }: KubeObject): string => `${metadata.namespace ?? ''}/${metadata.name}`;
const byPosition = (a: KubeObject, b: KubeObject): number => (position(a) < position(b) ? -1 : 1);

const continueToken = z.object({ v: z.literal('meta.k8s.io/v1'), rv: z.number(), start: z.string() });

const readToken = (token: string): z.infer<typeof continueToken> => {
  try {
    return continueToken.parse(JSON.parse(Buffer.from(token, 'base64url').toString('utf8')));
  } catch {
    throw badRequest('continue key is not valid: it is not one that this server has given');
  }
};

const readLimit = (limit: string | undefined): number => {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (!/^\d+$/.test(limit)) throw badRequest(`Invalid value for limit: strconv.ParseInt: parsing "${limit}": invalid syntax`);
  return Number(limit) || Number.POSITIVE_INFINITY;
};

/** Typed lists name kind and version once, not in each item. */
const item = ({ kind: _kind, apiVersion: _apiVersion, ...rest }: KubeObject): unknown => rest;

const matching = (cluster: ClusterState, info: KindInfo, namespace: string | undefined, query: Query): KubeObject[] => {
  const labels = labelSelector(query('labelSelector') ?? '');
  const fields = fieldSelector(query('fieldSelector') ?? '', info);
  return listObjects(cluster.kube, info.kind, namespace).filter((object) => labels(object) && fields(object));
};

/**
 * A watch that ends at once: what has changed since `resourceVersion`, then the connection is closed, and clients ask
 * again. A removal since then can't be told from here, so that it is "too old": the client lists again.
 */
const watch = (cluster: ClusterState, info: KindInfo, namespace: string | undefined, query: Query): HttpResponse => {
  if (query('sendInitialEvents') === 'true') {
    const message = 'sendInitialEvents: Forbidden: sendInitialEvents is forbidden for watch unless the WatchList feature gate is enabled';
    throw new Refusal(422, 'Invalid', `ListOptions.meta.k8s.io "" is invalid: ${message}`);
  }
  const since = Number(query('resourceVersion') ?? 0);
  if (!Number.isInteger(since)) throw badRequest(`invalid resource version "${query('resourceVersion') ?? ''}"`);
  const { kube } = cluster;
  if (since > 0 && (kube.removals.get(resourceOf(info.kind)) ?? 0) > since) throw expired(`too old resource version: ${since} (${kube.resourceVersion})`);
  const changed = matching(cluster, info, namespace, query).filter(({ metadata }) => Number(metadata.resourceVersion) > since);
  const events = changed
    .sort((a, b) => Number(a.metadata.resourceVersion) - Number(b.metadata.resourceVersion))
    .map((object) => ({ type: since === 0 ? 'ADDED' : 'MODIFIED', object }));
  return { ...json(200, null), body: events.map((event) => `${JSON.stringify(event)}\n`).join('') };
};

const list = (world: World, cluster: ClusterState, info: KindInfo, namespace: string | undefined, request: HttpRequest): HttpResponse => {
  const query = queryOf(request);
  const token = query('continue');
  const from = token === undefined ? undefined : readToken(token);
  const limit = readLimit(query('limit'));
  const found = matching(cluster, info, namespace, query)
    .filter((object) => from === undefined || position(object) > from.start)
    .sort(byPosition);
  const page = found.slice(0, limit);
  const last = page.at(-1);
  const rv = from?.rv ?? cluster.kube.resourceVersion;
  const selected = query('labelSelector') !== undefined || query('fieldSelector') !== undefined;
  const metadata = {
    resourceVersion: String(rv),
    ...(last && found.length > page.length
      ? {
          continue: Buffer.from(JSON.stringify({ v: 'meta.k8s.io/v1', rv, start: position(last) })).toString('base64url'),
          // The API server does not count what a selector would leave out.
          ...(selected ? {} : { remainingItemCount: found.length - page.length }),
        }
      : {}),
  };
  if (wantsTable(request)) return json(200, tableOf(info.kind, page, world.schedule.now(), metadata));
  return json(200, { kind: `${info.kind}List`, apiVersion: apiVersionOf(info), metadata, items: page.map(item) });
};

export const listOrWatch = (world: World, cluster: ClusterState, info: KindInfo, namespace: string | undefined, request: HttpRequest): HttpResponse =>
  ['true', '1'].includes(queryOf(request)('watch') ?? '') ? watch(cluster, info, namespace, queryOf(request)) : list(world, cluster, info, namespace, request);
