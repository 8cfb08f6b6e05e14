/**
 * The API server of one cluster, as far as this project and kubectl need it. The signature of the token has already
 * been checked (see `gateway/admission.ts`); access entries determine who is authenticated, RBAC objects and access policies what
 * they may do.
 */
import type { CallContext, HttpRequest, HttpResponse, Service } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { answerReview, reviewAt, type VerifyToken } from './access-reviews.ts';
import { anonymousUser, unauthorized, userOf, type User } from './access.ts';
import { applyObject } from './apply.ts';
import { json, methodNotAllowed, noSuchPath, noSuchResource, notFound, Refusal } from './answers.ts';
import { type Expected, readObjectBody } from './bodies.ts';
import { patchObject, replaceByClient } from './changes.ts';
import { createObject } from './creates.ts';
import { deleteObject } from './deletes.ts';
import { discover, discoverAggregated } from './discovery.ts';
import { evictPod } from './eviction.ts';
import { answerServerPath } from './health.ts';
import { actingUser } from './impersonation.ts';
import { type Collection, deleteCollection, listOrWatch, objectAs } from './lists.ts';
import { acceptedBy, aggregatedVersion, inFormat } from './negotiation.ts';
import { openApiAnswer, openApiAt } from './openapi.ts';
import { readWriteOptions, valuesOf } from './options.ts';
import { isApply } from './patch-bodies.ts';
import { queryOf } from './query.ts';
import { authorize } from './rbac.ts';
import { requestInfo, type RequestInfo } from './request-info.ts';
import { isRouted, routeOf } from './routes.ts';
import { answerScale } from './scale.ts';
import { ServerHeaders } from './server-headers.ts';
import { getResource, isBuiltIn, type ResourceInfo } from '../objects/store.ts';
import { answerTokenRequest } from './token-requests.ts';
import type { Write } from './write.ts';

/** Returns a function that describes a request in the call log; `body`: what it adds to the object's names. */
export const describeTo = (
  context: CallContext,
  request: HttpRequest,
  { verb, resource, subresource, namespace, name, onObject }: RequestInfo,
): ((body: unknown) => void) => {
  const query = queryOf(request);
  const where = {
    ...(namespace === undefined || resource === 'namespaces' ? {} : { namespace }),
    ...(onObject ? { name } : {}),
  };
  const selectors = Object.fromEntries(
    ['labelSelector', 'fieldSelector', 'limit', 'continue', 'watch'].flatMap((key) =>
      query(key) === undefined ? [] : [[key, query(key)] as const],
    ),
  );
  const what = subresource === undefined ? resource : `${resource}/${subresource}`;
  return (body) => context.describe(`${verb} ${what}`, { ...where, ...selectors, ...(body as object) });
};

const EVICTION: Expected = { kind: 'Eviction', apiVersion: 'policy/v1', others: ['policy/v1beta1'] };
const TOKEN_REQUEST: Expected = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1' };

/** Answers a POST whose object is not stored: a review, an eviction or a token request. */
const answerAction = (
  server: Server,
  write: Omit<Write, 'info'>,
  wanted: RequestInfo,
  info: ResourceInfo | undefined,
): HttpResponse | undefined => {
  const { world, cluster, user, request, describe } = write;
  const { group, resource, subresource, namespace, name } = wanted;
  const review = info ? undefined : reviewAt(group, resource);
  const isAction = subresource === 'eviction' || subresource === 'token';
  if (!review && (!info || !isAction || name === undefined)) return undefined;
  const { manager, fieldValidation } = readWriteOptions(cluster, request, 'CreateOptions');
  const read = (expected: Expected): Record<string, unknown> => {
    const { object } = readObjectBody(request, expected, fieldValidation);
    describe(object);
    return object;
  };
  if (review) {
    const userWith = (token: string): User | undefined => {
      const caller = server.verifyToken(token);
      return 'refused' in caller ? undefined : userOf(world, cluster, caller);
    };
    const body = read({ kind: review.kind, apiVersion: `${group}/v1` });
    return answerReview(review, { world, cluster, user, namespace, userWith }, body, manager);
  }
  if (!info || name === undefined) return undefined;
  if (subresource === 'token') {
    const body = read(TOKEN_REQUEST);
    return answerTokenRequest({ world, cluster }, { namespace: namespace ?? '', name }, body);
  }
  const body = read(EVICTION);
  return evictPod({ world, cluster }, { namespace: namespace ?? '', name }, body, valuesOf(request, 'dryRun'));
};

/** Answers a request for a path that names no resource. */
const answerPath = (cluster: ClusterState, request: HttpRequest, path: string): HttpResponse => {
  const own = answerServerPath(cluster, request, path);
  if (own) return own;
  const openApi = openApiAt(cluster, path);
  if (openApi !== undefined) return openApiAnswer(request, path, openApi);
  const document = discover(cluster, path);
  if (document === undefined) {
    if (isRouted(cluster, path)) throw noSuchResource();
    return noSuchPath();
  }
  if (request.method !== 'GET') throw methodNotAllowed();
  const version = aggregatedVersion(request);
  const aggregated = version === undefined ? undefined : discoverAggregated(cluster, path, version);
  if (aggregated !== undefined && version !== undefined)
    return json(200, aggregated, {
      'content-type': `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`,
      'cache-control': 'public',
      vary: 'Accept',
    });
  return json(200, document);
};

/** Answers a request for a resource. */
const answerResource = (write: Omit<Write, 'info'>, wanted: RequestInfo, info: ResourceInfo): HttpResponse => {
  const { world, cluster, request } = write;
  // A namespace counts as being in itself, but is stored as a cluster-scoped object.
  const namespace = info.namespaced ? wanted.namespace : undefined;
  const collection: Collection = { world, cluster, info, namespace, request };
  if (!wanted.onObject || wanted.name === undefined) {
    if (request.method === 'POST') return createObject({ ...write, info }, namespace);
    if (request.method === 'DELETE')
      return deleteCollection(collection, (object) => deleteObject({ ...write, info }, object));
    return listOrWatch(collection);
  }
  const { name } = wanted;
  const object = getResource(cluster.kube, info, namespace, name);
  if (request.method === 'GET' && wanted.subresource !== 'scale') {
    const representation = acceptedBy(request);
    if (!object) throw notFound(info, name);
    return json(200, objectAs(collection, object, representation));
  }
  if (request.method === 'PATCH' && wanted.subresource === undefined && isApply(request)) {
    // An apply creates what does not exist.
    if (!object) authorize(cluster, write.user, { ...wanted, verb: 'create' });
    return applyObject({ ...write, info }, object, { namespace, name });
  }
  if (!object) throw notFound(info, name);
  if (wanted.subresource === 'scale' && isBuiltIn(info)) return answerScale({ ...write, info }, object);
  if (request.method === 'PATCH') return patchObject({ ...write, info }, object);
  if (request.method === 'PUT') return replaceByClient({ ...write, info }, object);
  return deleteObject({ ...write, info }, object);
};

interface Server {
  world: World;
  cluster: ClusterState;
  verifyToken: VerifyToken;
}

/** Answers a request. `queue`: called with the user once the request is no longer refused before it is queued. */
const answer = (
  server: Server,
  request: HttpRequest,
  context: CallContext,
  queue: (user: User) => void,
): HttpResponse => {
  const { world, cluster } = server;
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
  const wanted = requestInfo(request, path);
  const isPath = wanted.path !== undefined;
  const log = isPath
    ? (body: unknown) => context.describe(`${wanted.verb} ${path}`, body)
    : describeTo(context, request, wanted);
  const isAnonymous = context.caller.principalArn === '';
  const caller = isAnonymous ? anonymousUser(cluster, request.path) : userOf(world, cluster, context.caller);
  if (!caller) {
    // Only the call log contains the reason; the response does not.
    log({
      refused: isAnonymous
        ? 'no bearer token'
        : `cluster ${cluster.name} has no access entry for ${context.caller.principalArn}`,
    });
    throw unauthorized();
  }
  log({});
  const user = actingUser(cluster, caller, request);
  queue(user);
  const describe = user === caller ? log : (body: unknown) => log({ as: user.username, ...(body as object) });
  describe({});
  authorize(cluster, user, wanted);
  if (isPath) return answerPath(cluster, request, path);

  const write = { world, cluster, user, request, describe };
  const info = routeOf(cluster, request.method, wanted);
  return answerAction(server, write, wanted, info) ?? (info ? answerResource(write, wanted, info) : noSuchPath());
};

/**
 * Returns the API server of a cluster. `verifyToken`: checks the token of a TokenReview; without it every such token is
 * refused.
 */
export const createKubernetesService = (
  world: World,
  cluster: ClusterState,
  verifyToken: VerifyToken = () => ({ refused: 'the sandbox was opened without a verifier of tokens' }),
): Service => {
  const headers = new ServerHeaders(cluster);
  const server = { world, cluster, verifyToken };
  return async (request, context) => {
    let queued: User | undefined;
    const respond = (): HttpResponse => {
      try {
        return answer(server, request, context, (user) => {
          queued = user;
        });
      } catch (error) {
        if (error instanceof Refusal) return error.answer();
        throw error;
      }
    };
    const response = inFormat(request, respond());
    Object.assign(response.headers, headers.of(queued, request.path));
    return request.method === 'HEAD' ? { ...response, body: '' } : response;
  };
};
