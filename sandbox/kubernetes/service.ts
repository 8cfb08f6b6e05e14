/**
 * The API server of one cluster, as far as this project and kubectl need it: reads of all its kinds, patches of
 * Deployments, DaemonSets and ServiceAccounts, and deletion of pods. Who calls was checked before (see `door.ts`);
 * everybody who is let in may do everything.
 */
import type { CallContext, HttpRequest, HttpResponse, Service } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { badRequest, json, methodNotAllowed, notFound, noSuchResource, Refusal } from './answers.ts';
import { discover } from './discovery.ts';
import { listOrWatch, queryOf, wantsTable } from './lists.ts';
import type { KubeObject } from './objects.ts';
import { getObject, KINDS } from './store.ts';
import type { KindInfo } from './store.ts';
import { tableOf } from './table.ts';
import { deleteObject, patchObject } from './writes.ts';

interface Address {
  info: KindInfo;
  namespace?: string;
  name?: string;
}

const kindOf = (group: string, plural: string | undefined): KindInfo => {
  const found = Object.values(KINDS).find((info) => info.group === group && info.plural === plural);
  if (!found) throw noSuchResource();
  return found;
};

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid path segment: ${segment}`);
  }
};

/** `/api/v1/…` or `/apis/apps/v1/…`: what and where. */
const addressOf = (path: string): Address => {
  const prefix = /^\/(api|apis\/apps)\/v1\/(?<rest>.+)$/.exec(path);
  const group = prefix?.[1] === 'api' ? '' : 'apps';
  const segments = (prefix?.groups?.['rest'] ?? '').split('/').map(decode);
  const [first, namespace, plural, name, ...more] = segments;
  if (first === 'namespaces' && plural !== undefined) {
    const info = kindOf(group, plural);
    if (!info.namespaced || more.length > 0) throw noSuchResource();
    return { info, ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
  }
  const info = kindOf(group, first);
  // A namespaced object has no address without its namespace.
  if (segments.length > 2 || (info.namespaced && segments.length > 1)) throw noSuchResource();
  return { info, ...(namespace === undefined ? {} : { name: namespace }) };
};

const METHODS = { get: 'GET', list: 'GET', watch: 'GET', patch: 'PATCH', delete: 'DELETE' } as const;

const answer = (world: World, cluster: ClusterState, request: HttpRequest, context: CallContext): HttpResponse => {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
  const document = discover(cluster, path);
  if (document !== undefined) {
    context.describe(`get ${path}`, {});
    if (request.method !== 'GET') throw methodNotAllowed(['GET']);
    return json(200, document);
  }

  const { info, namespace, name } = addressOf(path);
  const query = queryOf(request);
  const where = { ...(namespace === undefined ? {} : { namespace }), ...(name === undefined ? {} : { name }) };
  const selectors = ['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch'].flatMap((key) => (query(key) === undefined ? [] : [[key, query(key)] as const]));
  const verb = request.method === 'GET' ? (name === undefined ? (query('watch') === undefined ? 'list' : 'watch') : 'get') : request.method.toLowerCase();
  const describe = (body: unknown): void => context.describe(`${verb} ${info.plural}`, { ...where, ...Object.fromEntries(selectors), ...(body as object) });
  describe({});

  const allowed = name === undefined ? ['GET'] : [...new Set(info.verbs.map((each) => METHODS[each]))];
  if (!allowed.includes(request.method)) throw methodNotAllowed(allowed);
  if (name === undefined) return listOrWatch(world, cluster, info, namespace, request);

  const object: KubeObject | undefined = getObject(cluster.kube, info.kind, namespace, name);
  if (!object) throw notFound(info, name);
  if (request.method === 'PATCH') return patchObject(world, cluster, info, object, request, describe);
  if (request.method === 'DELETE') return deleteObject(world, cluster, info, object, request, describe);
  if (wantsTable(request)) return json(200, tableOf(info.kind, [object], world.schedule.now(), { resourceVersion: object.metadata.resourceVersion }));
  return json(200, object);
};

export const createKubernetesService =
  (world: World, cluster: ClusterState): Service =>
  async (request, context) => {
    try {
      return answer(world, cluster, request, context);
    } catch (error) {
      if (error instanceof Refusal) return error.answer();
      throw error;
    }
  };
