/** POST, PATCH and DELETE of objects. */
import { z } from 'zod';
import { renewSessions } from '../credentials/sessions.ts';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { cutsOff } from '../network/egress.ts';
import type { ClusterState, World } from '../world/world.ts';
import type { User } from './access.ts';
import {
  alreadyExists,
  badRequest,
  detailsOf,
  invalid,
  json,
  notFound,
  Refusal,
  success,
  unsupportedMediaType,
} from './answers.ts';
import { podsChanged } from './budgets.ts';
import { deletePod, replaceObject } from './controllers.ts';
import { checkEscalation } from './escalation.ts';
import { queryOf } from './query.ts';
import { asReturned, noteWrite } from './managed-fields.ts';
import type { Kind, Kinds, KubeObject } from './objects.ts';
import { jsonPatch, parseJsonPatch } from './json-patch.ts';
import { mergePatch, strategicMergePatch } from './patch.ts';
import { PROTOBUF, readProtobuf } from './protobuf.ts';
import {
  apiVersionOf,
  getObject,
  KINDS,
  NAME_ALPHABET,
  newMetadata,
  putObject,
  RBAC_GROUP,
  removeResource,
} from './store.ts';
import type { KindInfo, ResourceInfo } from './store.ts';
import { parseObject, readObject, readPatched } from './validation.ts';

/** A write and its user. */
export interface Write<Info extends ResourceInfo = KindInfo> {
  world: World;
  cluster: ClusterState;
  user: User;
  info: Info;
  request: HttpRequest;
  /** Adds the request's body to the call log. */
  describe: (body: unknown) => void;
}

const PATCHES = {
  'application/merge-patch+json': mergePatch,
  'application/strategic-merge-patch+json': strategicMergePatch,
};
const JSON_PATCH = 'application/json-patch+json';
const JSON_TYPE = 'application/json';
const SERVER_SIDE_APPLY = 'application/apply-patch+yaml';

const contentType = (request: HttpRequest): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';
export const isDryRun = (request: HttpRequest): boolean => queryOf(request)('dryRun') === 'All';

/**
 * Returns the field manager of a write. A client that does not set it is named by its user agent (k8s.io/apiserver,
 * managedfields).
 */
export const fieldManagerOf = (request: HttpRequest): string =>
  queryOf(request)('fieldManager') ?? (request.headers['user-agent']?.split('/')[0]?.slice(0, 128) || 'unknown');

/** Returns the object in a request body: protobuf, or JSON, which is also the default without a content type. */
export const readBody = (request: HttpRequest, what = 'object'): Record<string, unknown> => {
  const type = contentType(request);
  if (type === PROTOBUF) return readProtobuf(request.body);
  if (type !== '' && type !== JSON_TYPE) throw unsupportedMediaType([JSON_TYPE, PROTOBUF]);
  return parseObject(request.body, what);
};

/** Returns the document with the request's patch applied, and adds the patch to the call log. */
export const applyPatch = (
  { request, describe }: Pick<Write, 'request' | 'describe'>,
  document: Record<string, unknown>,
): Record<string, unknown> => {
  const type = contentType(request);
  if (type === JSON_PATCH) {
    const operations = parseJsonPatch(request.body);
    describe(operations);
    return jsonPatch(document, operations);
  }
  const apply = Object.entries(PATCHES).find(([name]) => name === type)?.[1];
  if (!apply) {
    const more =
      type === SERVER_SIDE_APPLY
        ? '. The sandbox does not support server-side apply: run kubectl apply without --server-side'
        : '';
    throw unsupportedMediaType([JSON_PATCH, ...Object.keys(PATCHES)], more);
  }
  const patch = parseObject(request.body);
  describe(patch);
  return apply(document, patch);
};

/** Writes a client's changes to an object, and records the field manager. */
export const writeChange = (
  { world, cluster, info, request }: Write,
  object: KubeObject,
  after: KubeObject,
  subresource?: 'scale',
): void => {
  const before = { ...object };
  if (cutsOff(info)) renewSessions(world, cluster);
  replaceObject(world, cluster, object, after);
  noteWrite(
    cluster,
    before,
    object,
    { manager: fieldManagerOf(request), ...(subresource === undefined ? {} : { subresource }) },
    world.schedule.now(),
  );
};

export const patchObject = (write: Write, object: KubeObject): HttpResponse => {
  const { cluster, user, info, request } = write;
  const { object: after, headers } = readPatched(info, object, applyPatch(write, object), queryOf(request));
  checkEscalation(cluster, user, info, after);
  if (isDryRun(request))
    return json(
      200,
      {
        ...after,
        metadata: { ...object.metadata, labels: after.metadata.labels, annotations: after.metadata.annotations },
        ...(object.status ? { status: object.status } : {}),
      },
      headers,
    );
  writeChange(write, object, after);
  return json(200, asReturned(cluster, object), headers);
};

/** RFC 1123 subdomain, with Kubernetes' message. */
const SUBDOMAIN = /^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$/;
const SUBDOMAIN_RULE =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";

const checkName = (info: KindInfo, name: string): void => {
  // RBAC objects can have any name that is valid as a path segment.
  const fits =
    info.group === RBAC_GROUP
      ? !/[/%]/.test(name) && name !== '.' && name !== '..'
      : SUBDOMAIN.test(name) && name.length <= 253;
  if (!fits)
    throw invalid(
      info,
      name,
      'metadata.name',
      `Invalid value: ${JSON.stringify(name)}: ${info.group === RBAC_GROUP ? "may not contain '/' or '%'" : SUBDOMAIN_RULE}`,
    );
};

const START: Partial<Record<Kind, Pick<KubeObject, 'status'>>> = {
  PodDisruptionBudget: { status: { currentHealthy: 0, desiredHealthy: 0, disruptionsAllowed: 0, expectedPods: 0 } },
};

export const createObject = (write: Write, namespace: string | undefined): HttpResponse => {
  const { world, cluster, user, info, request, describe } = write;
  const { kube } = cluster;
  const document = readBody(request);
  describe(document);
  if (document['apiVersion'] !== apiVersionOf(info))
    throw badRequest(
      `the API version in the data (${String(document['apiVersion'])}) does not match the expected API version (${apiVersionOf(info)})`,
    );
  if (document['kind'] !== info.kind)
    throw badRequest(
      `the kind in the data (${String(document['kind'])}) does not match the expected kind (${info.kind})`,
    );
  const { name: givenName } = (document['metadata'] ?? {}) as { name?: unknown };
  const { object, headers } = readObject(
    info,
    { metadata: {}, ...document },
    typeof givenName === 'string' ? givenName : '',
    queryOf(request),
  );
  const { labels, annotations, generateName, ...meta } = object.metadata;
  if (meta.namespace !== undefined && meta.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (meta.resourceVersion) throw badRequest('resourceVersion should not be set on objects to be created');
  const name = meta.name || (generateName ? `${generateName}${kube.random.string(5, NAME_ALPHABET)}` : '');
  if (name === '') throw invalid(info, '', 'metadata.name', 'Required value: name or generateName is required');
  checkName(info, name);
  if (namespace !== undefined && !getObject(kube, 'Namespace', undefined, namespace))
    throw notFound(KINDS.Namespace, namespace);
  if (getObject(kube, info.kind, namespace, name)) throw alreadyExists(info, name);
  object.metadata = newMetadata(kube, world.schedule.now(), {
    name,
    ...(generateName ? { generateName } : {}),
    ...(namespace === undefined ? {} : { namespace }),
    ...(labels ? { labels } : {}),
    ...(annotations ? { annotations } : {}),
    ...(object.spec ? { generation: 1 } : {}),
  });
  delete object.status;
  Object.assign(object, structuredClone(START[info.kind] ?? {}));
  checkEscalation(cluster, user, info, object);
  if (!isDryRun(request)) {
    if (cutsOff(info)) renewSessions(world, cluster);
    // The cast holds because the object was validated by the schema of its kind.
    putObject(kube, info.kind, object as Kinds[Kind]);
    noteWrite(cluster, undefined, object, { manager: fieldManagerOf(request) }, world.schedule.now());
    if (info.kind === 'PodDisruptionBudget') podsChanged({ world, cluster }, namespace ?? '');
  }
  return json(201, object, headers);
};

const deleteOptions = z.looseObject({
  gracePeriodSeconds: z.number().int().min(0).nullish(),
  dryRun: z.array(z.string()).nullish(),
  preconditions: z.looseObject({ uid: z.string().nullish() }).nullish(),
});

/** Returns a pod as terminating, a service account as it was before its deletion, and a success status for others. */
export const deleteObject = (
  { world, cluster, info, request, describe }: Write<ResourceInfo>,
  object: KubeObject,
): HttpResponse => {
  const options = deleteOptions.safeParse(request.body.length === 0 ? {} : readBody(request, 'DeleteOptions'));
  if (!options.success) throw badRequest(`invalid DeleteOptions: ${options.error.issues[0]?.message ?? 'not valid'}`);
  describe(options.data);
  const { namespace = '', name, uid } = object.metadata;
  const wanted = options.data.preconditions?.uid;
  if (wanted && wanted !== uid)
    throw new Refusal(
      409,
      'Conflict',
      `Precondition failed: UID in precondition: ${wanted}, UID in object meta: ${uid}`,
      { name, kind: info.plural },
    );
  const grace = queryOf(request)('gracePeriodSeconds') ?? options.data.gracePeriodSeconds ?? undefined;
  if (!isDryRun(request) && !options.data.dryRun?.includes('All')) {
    if (cutsOff(info)) renewSessions(world, cluster);
    if (info.kind === 'Pod')
      deletePod(world, cluster, { namespace, name }, grace === undefined ? undefined : Number(grace));
    else removeResource(cluster.kube, info, object);
  }
  return info.kind === 'Pod' || info.kind === 'ServiceAccount'
    ? json(200, object)
    : success(200, { ...detailsOf(info, name), uid });
};
