/**
 * Derives the request attributes from method and path, whether or not the server has the resource (k8s.io/apiserver,
 * request/requestinfo.go).
 */
import type { HttpRequest } from '../http.ts';
import { badRequest } from './answers.ts';
import { isWatchRequest } from './list-options.ts';
import { queryOf } from './query.ts';
import type { Attributes } from './rbac.ts';

export interface RequestInfo extends Attributes {
  /** Version of the API group; '' for a non-resource path. */
  version: string;
  /** True if the path names one object. */
  onObject: boolean;
}

const decode = (segment: string): string => {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw badRequest(`invalid path segment: ${segment}`);
  }
};

const VERBS: Record<string, string> = { POST: 'create', PUT: 'update', PATCH: 'patch' };

/** Parses paths like `/api/v1/namespaces/NS/pods/NAME/eviction`; `path` has no trailing slash. */
export const requestInfo = (request: HttpRequest, path: string): RequestInfo => {
  const core = /^\/api\/(?<version>[^/]+)\/(?<rest>.+)$/.exec(path)?.groups;
  const named = /^\/apis\/(?<group>[^/]+)\/(?<version>[^/]+)\/(?<rest>.+)$/.exec(path)?.groups;
  const { version = '', rest = '' } = core ?? named ?? {};
  if (rest === '')
    return { verb: request.method.toLowerCase(), path, group: '', version: '', resource: '', onObject: false };

  let segments = rest.split('/').map(decode);
  let namespace: string | undefined;
  // A namespace object shares its path with the objects in the namespace, so it counts as being in itself.
  if (segments[0] === 'namespaces' && segments.length > 1) {
    namespace = segments[1];
    if (segments.length > 2 && segments[2] !== 'status' && segments[2] !== 'finalize') segments = segments.slice(2);
  }
  const [resource = '', ofPath, subresource] = segments;
  const query = queryOf(request);
  // RBAC can allow a list that is restricted to one name.
  const ofSelector = /^metadata\.name==?(?<name>[^,=!]+)$/.exec(query('fieldSelector') ?? '')?.groups?.['name'];
  const many = ofPath === undefined;
  const reads = many ? (isWatchRequest(request) ? 'watch' : 'list') : 'get';
  const verb =
    request.method === 'GET'
      ? reads
      : request.method === 'DELETE'
        ? many
          ? 'deletecollection'
          : 'delete'
        : (VERBS[request.method] ?? request.method.toLowerCase());
  const name = ofPath ?? (request.method === 'GET' ? ofSelector : undefined);
  return {
    verb,
    group: named?.['group'] ?? '',
    version,
    resource,
    onObject: !many,
    ...(subresource === undefined ? {} : { subresource: segments.slice(2).join('/') }),
    ...(namespace === undefined ? {} : { namespace }),
    ...(name === undefined ? {} : { name }),
  };
};
