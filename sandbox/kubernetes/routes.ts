/** Which resource of an API server a path names, and which methods it allows (k8s.io/apiserver, endpoints/installer.go). */
import type { ClusterState } from '../world/world.ts';
import { reviewAt } from './access-reviews.ts';
import { methodNotAllowed, noSuchResource, Refusal } from './answers.ts';
import { findCustomKind } from './custom-resources.ts';
import type { RequestInfo } from './request-info.ts';
import { groupsOf, plainInfo, rowAt, subresourceOf, verbsOf } from './resources/served.ts';
import { hasScale } from './scale.ts';
import { KINDS, type ResourceInfo, type Verb } from '../objects/store.ts';

const METHODS: Record<Verb, string> = {
  get: 'GET',
  list: 'GET',
  watch: 'GET',
  create: 'POST',
  patch: 'PATCH',
  update: 'PUT',
  delete: 'DELETE',
  deletecollection: 'DELETE',
};
const OF_COLLECTIONS = new Set<Verb>(['list', 'watch', 'create', 'deletecollection']);
/** Subresources that the sandbox serves, by kind; `scale` and `status` in addition. */
const SUBRESOURCES: Partial<Record<string, string>> = { Pod: 'eviction', ServiceAccount: 'token' };

/** Returns whether a path is one of the router, which answers a path that it does not know with a Status. */
export const isRouted = ({ version }: ClusterState, path: string): boolean => {
  const [, root, group] = path.split('/');
  return (
    root === 'api' ||
    root === 'version' ||
    (root === 'apis' && groupsOf(version).some((each) => each.group !== '' && each.group === group))
  );
};

const allows = (verbs: readonly string[], method: string, { onObject }: RequestInfo, creates: boolean): boolean =>
  verbs
    .filter((verb): verb is Verb => verb in METHODS)
    .filter((verb) => onObject !== OF_COLLECTIONS.has(verb))
    // Objects of a namespace are created and deleted together in their namespace only.
    .filter((verb) => creates || (verb !== 'create' && verb !== 'deletecollection'))
    .some((verb) => METHODS[verb] === method);

const notSimulated = (what: string): Refusal =>
  new Refusal(
    501,
    'NotImplemented',
    `The sandbox does not simulate ${what}: its API server has no behavior for it. Its documentation lists what it supports`,
    {},
  );

/** Returns what serves a path: a resource or a subresource of it, which allows the method. */
export const routeOf = (cluster: ClusterState, method: string, wanted: RequestInfo): ResourceInfo | undefined => {
  const { group, version, resource, subresource, namespace, onObject } = wanted;
  const row = rowAt(cluster.version, { group, version, plural: resource });
  const custom = row ? undefined : findCustomKind(cluster, { group, version, plural: resource });
  const namespaced = row ? row.namespaced !== false : custom?.namespaced;
  if (namespaced === undefined) {
    // The server of custom resources leaves a path that it does not know to the last handler.
    if (!isRouted(cluster, `/${group === '' ? 'api' : `apis/${group}`}`)) return undefined;
    throw noSuchResource();
  }
  const isNamespace = group === '' && resource === 'namespaces';
  const inPlace = namespaced ? namespace !== undefined || !onObject : namespace === undefined || isNamespace;
  if (!inPlace) throw noSuchResource();
  const creates = !namespaced || namespace !== undefined;

  if (subresource !== undefined) {
    const served = row && subresourceOf(row, subresource);
    if (!served) throw noSuchResource();
    if (!served.verbs.some((verb) => METHODS[verb as Verb] === method)) throw methodNotAllowed();
    const info = builtInAt(group, resource);
    const simulated =
      info &&
      ((subresource === 'status' && method === 'GET') ||
        (subresource === 'scale' && hasScale(info)) ||
        SUBRESOURCES[info.kind] === subresource);
    if (!simulated) throw notSimulated(`${resource}/${subresource}`);
    return info;
  }
  if (!allows(row ? verbsOf(row) : (custom?.verbs ?? []), method, wanted, creates)) throw methodNotAllowed();
  if (!row) return custom;
  if (reviewAt(group, resource)) return undefined;
  const info = (version === 'v1' ? builtInAt(group, resource) : undefined) ?? plainInfo(group, version, row);
  if (!info) throw notSimulated(resource);
  if (!allows(info.verbs, method, wanted, creates)) throw notSimulated(`${method} of ${resource}`);
  return info;
};

/** Returns the resource of a group's version v1 that the sandbox has a kind for. */
const builtInAt = (group: string, plural: string): ResourceInfo | undefined =>
  Object.values(KINDS).find((info) => info.group === group && info.plural === plural);
