/**
 * The API server of one cluster, as far as this project and kubectl need it. The signature of the token has already
 * been checked (see `gateway/admission.ts`); access entries determine who is authenticated, RBAC objects and access policies what
 * they may do.
 */
import type { CallContext, HttpRequest, HttpResponse, Service } from '../http.ts';
import type { ClusterState, World } from '../world/world.ts';
import { answerReview, reviewAt } from './access-reviews.ts';
import { unauthorized, userOf } from './access.ts';
import type { User } from './access.ts';
import { json, methodNotAllowed, noSuchPath, notFound, Refusal } from './answers.ts';
import { readObjectBody } from './bodies.ts';
import { patchObject, replaceByClient } from './changes.ts';
import { createObject } from './creates.ts';
import { findCustomKind } from './custom-resources.ts';
import { deleteObject } from './deletes.ts';
import { discover } from './discovery.ts';
import { evictPod } from './eviction.ts';
import { actingUser } from './impersonation.ts';
import { listOrWatch, objectAs } from './lists.ts';
import { acceptedBy } from './negotiation.ts';
import { readWriteOptions, valuesOf } from './options.ts';
import { queryOf } from './query.ts';
import { authorize } from './rbac.ts';
import { requestInfo } from './request-info.ts';
import type { RequestInfo } from './request-info.ts';
import { answerScale, checkScaleMethod, hasScale } from './scale.ts';
import { getObject, getResource, isBuiltIn, KINDS } from './store.ts';
import type { ResourceInfo } from './store.ts';
import { answerTokenRequest } from './token-requests.ts';
import type { Write } from './write.ts';

const METHODS = { get: 'GET', list: 'GET', watch: 'GET', create: 'POST', patch: 'PATCH', update: 'PUT', delete: 'DELETE', deletecollection: 'DELETE' } as const;
const KIND_OF_REVIEW: Record<string, string> = {
  selfsubjectaccessreviews: 'SelfSubjectAccessReview',
  selfsubjectrulesreviews: 'SelfSubjectRulesReview',
  selfsubjectreviews: 'SelfSubjectReview',
};
const EVICTION = { kind: 'Eviction', apiVersion: 'policy/v1', others: ['policy/v1beta1'] };
const TOKEN_REQUEST = { kind: 'TokenRequest', apiVersion: 'authentication.k8s.io/v1' };
const OF_COLLECTIONS = new Set(['list', 'watch', 'create']);

/**
 * Returns the resource at a path; undefined if there is none, or if the path lacks the namespace of a namespaced
 * object.
 */
const resourceAt = (
  cluster: ClusterState,
  { group, version, resource, subresource, namespace, onObject }: RequestInfo,
): ResourceInfo | undefined => {
  const builtIn =
    version === 'v1'
      ? Object.values(KINDS).find((info) => info.group === group && info.plural === resource)
      : undefined;
  const found = builtIn ?? findCustomKind(cluster, { group, version, plural: resource });
  const fits =
    found?.namespaced === true
      ? namespace !== undefined || !onObject
      : namespace === undefined || found?.kind === 'Namespace';
  const known =
    subresource === undefined ||
    (subresource === 'eviction' && found?.kind === 'Pod') ||
    (subresource === 'token' && found?.kind === 'ServiceAccount') ||
    (subresource === 'scale' && found !== undefined && hasScale(found));
  return fits && known ? found : undefined;
};

const checkMethod = (method: string, info: ResourceInfo, { namespace, onObject }: RequestInfo): void => {
  const verbs = info.verbs
    .filter((verb) => onObject !== OF_COLLECTIONS.has(verb))
    .filter((verb) => verb !== 'create' || !info.namespaced || namespace !== undefined);
  const allowed = [...new Set(verbs.map((verb) => METHODS[verb]))];
  if (!allowed.some((each) => each === method)) throw methodNotAllowed();
};

const describeTo = (
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

/** Answers a POST whose object is not stored: a review, an eviction or a token request. */
const answerAction = (
  write: Omit<Write, 'info'>,
  wanted: RequestInfo,
  info: ResourceInfo | undefined,
): HttpResponse | undefined => {
  const { world, cluster, user, request, describe } = write;
  const { group, version, resource, subresource, namespace, name, onObject } = wanted;
  const review = version === 'v1' ? reviewAt(group, resource) : undefined;
  if (review && !onObject) {
    if (request.method !== 'POST') throw methodNotAllowed();
    const body = readObjectBody(request, { kind: KIND_OF_REVIEW[resource] ?? '', apiVersion: `${group}/v1` }).object;
    describe(body);
    return answerReview(review, cluster, user, body);
  }
  const isAction = subresource === 'eviction' || subresource === 'token';
  if (!info || !isAction || name === undefined) return undefined;
  if (request.method !== 'POST') throw methodNotAllowed();
  if (subresource === 'token') {
    const account = getObject(cluster.kube, 'ServiceAccount', namespace, name);
    if (!account) throw notFound(info, name);
    const { object: body } = readObjectBody(request, TOKEN_REQUEST);
    describe(body);
    return answerTokenRequest({ world, cluster }, account, body);
  }
  const pod = getObject(cluster.kube, 'Pod', namespace, name);
  if (!pod) throw notFound(info, name);
  readWriteOptions(cluster, request, 'CreateOptions');
  const { object: body } = readObjectBody(request, EVICTION);
  describe(body);
  return evictPod({ world, cluster }, pod, body, valuesOf(request, 'dryRun'));
};

const answer = (world: World, cluster: ClusterState, request: HttpRequest, context: CallContext): HttpResponse => {
  const path = request.path.length > 1 ? request.path.replace(/\/$/, '') : request.path;
  const caller: User | undefined = userOf(world, cluster, context.caller);
  const wanted = requestInfo(request, path);
  const isPath = wanted.path !== undefined;
  const log = isPath
    ? (body: unknown) => context.describe(`${wanted.verb} ${path}`, body)
    : describeTo(context, request, wanted);
  if (!caller) {
    // Only the call log contains the reason; the response does not.
    log({ refused: `cluster ${cluster.name} has no access entry for ${context.caller.principalArn}` });
    throw unauthorized();
  }
  log({});
  const user = actingUser(cluster, caller, request);
  const describe = user === caller ? log : (body: unknown) => log({ as: user.username, ...(body as object) });
  describe({});
  authorize(cluster, user, wanted);

  const document = discover(cluster, path);
  if (document !== undefined) {
    if (request.method !== 'GET') throw methodNotAllowed();
    return json(200, document);
  }
  if (isPath) return noSuchPath();

  const common = { world, cluster, user, request, describe };
  const info = resourceAt(cluster, wanted);
  const done = answerAction(common, wanted, info);
  if (done) return done;
  if (!info) return noSuchPath();
  // A namespace counts as being in itself, but is stored as a cluster-scoped object.
  const namespace = info.namespaced ? wanted.namespace : undefined;
  const name = wanted.onObject ? wanted.name : undefined;
  if (wanted.subresource === undefined) checkMethod(request.method, info, wanted);
  else checkScaleMethod(request.method);
  // Custom resources cannot be created or changed in the sandbox: their verbs do not include it.
  if (request.method === 'POST' && isBuiltIn(info)) return createObject({ ...common, info }, namespace);
  if (name === undefined) return listOrWatch({ world, cluster, info, namespace, request });

  const object = getResource(cluster.kube, info, namespace, name);
  if (!object) throw notFound(info, name);
  if (wanted.subresource === 'scale' && isBuiltIn(info)) return answerScale({ ...common, info }, object);
  if (request.method === 'PATCH' && isBuiltIn(info)) return patchObject({ ...common, info }, object);
  if (request.method === 'PUT' && isBuiltIn(info)) return replaceByClient({ ...common, info }, object);
  if (request.method === 'DELETE') return deleteObject({ ...common, info }, object);
  return json(200, objectAs({ world, cluster, info }, object, acceptedBy(request)));
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
