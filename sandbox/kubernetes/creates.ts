/** POST: creates an object (k8s.io/apiserver, handlers/create.go and registry/rest/create.go). */
import { renewSessions } from '../credentials/sessions.ts';
import type { HttpResponse } from '../http.ts';
import { cutsOff } from '../network/egress.ts';
import { alreadyExists, badRequest, json, notFound, Refusal } from './answers.ts';
import { type ReadBody, readObjectBody } from './bodies.ts';
import { podsChanged } from './budgets.ts';
import { checkEscalation } from './escalation.ts';
import type { Owners } from '../objects/managed-fields-entry.ts';
import { asReturned, entriesAfter, noteWrite } from './managed-fields.ts';
import type { Kind, Kinds, KubeObject } from '../objects/objects.ts';
import { readWriteOptions, type WriteOptions } from './options.ts';
import { FIRST_STATUS, hasGeneration, withStoredDefaults } from './prepare.ts';
import {
  apiVersionOf,
  getObject,
  getResource,
  isBuiltIn,
  KINDS,
  NAME_ALPHABET,
  newMetadata,
  putObject,
  putResource,
  type ResourceInfo,
} from '../objects/store.ts';
import { checkNew } from './validation/rules.ts';
import type { Write } from './write.ts';

/** Returns the object in the request with the metadata that a client can set. */
const draftOf = (
  { cluster, world, info }: Write<ResourceInfo>,
  body: Record<string, unknown>,
  namespace: string | undefined,
): KubeObject => {
  const sent = body as KubeObject;
  const { labels, annotations, generateName, finalizers, ownerReferences, name } = (sent.metadata ??
    {}) as KubeObject['metadata'] & { finalizers?: string[] };
  const generated = generateName ? `${generateName}${cluster.kube.random.string(5, NAME_ALPHABET)}` : '';
  const { status: _status, ...object } = withStoredDefaults(sent);
  return {
    ...object,
    kind: info.kind,
    apiVersion: apiVersionOf(info),
    metadata: newMetadata(cluster.kube, world.schedule.now(), {
      name: name || generated,
      ...(generateName ? { generateName } : {}),
      ...(namespace === undefined ? {} : { namespace }),
      ...(labels ? { labels } : {}),
      ...(annotations ? { annotations } : {}),
      ...(ownerReferences ? { ownerReferences } : {}),
      ...(finalizers ? { finalizers } : {}),
      ...(hasGeneration(info.kind) ? { generation: 1 } : {}),
    }),
    ...structuredClone(FIRST_STATUS[info.kind] ?? {}),
  };
};

/** Creates the object in a body. `applied`: the owners of its fields, if it is created by an apply. */
export const createFrom = (
  write: Write<ResourceInfo>,
  namespace: string | undefined,
  { object: body, headers }: ReadBody,
  { dryRun, manager }: WriteOptions,
  applied?: Owners,
): HttpResponse => {
  const { world, cluster, user, info } = write;
  const { kube } = cluster;
  const sent = (body['metadata'] ?? {}) as Partial<KubeObject['metadata']>;
  if (sent.namespace !== undefined && sent.namespace !== namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  const object = draftOf(write, body, namespace);
  if (namespace !== undefined && !getObject(kube, 'Namespace', undefined, namespace))
    throw notFound(KINDS.Namespace, namespace);
  checkEscalation(cluster, user, info, object);
  checkNew(cluster, info, object);
  const { name } = object.metadata;
  if (sent.resourceVersion) throw new Refusal(500, '', 'resourceVersion should not be set on objects to be created');
  if (getResource(kube, info, namespace, name)) throw alreadyExists(info, name);
  const now = world.schedule.now();
  if (dryRun) {
    // Only an object that is stored has a resourceVersion.
    const { resourceVersion: _version, ...metadata } = object.metadata;
    const draft = { ...object, metadata: metadata as KubeObject['metadata'] };
    const owners = applied ?? entriesAfter(cluster, undefined, draft, { manager }, now);
    return json(201, asReturned(cluster, draft, owners), headers);
  }
  if (cutsOff(info)) renewSessions(world, cluster);
  // The cast holds because the object was decoded and validated as one of its kind.
  if (isBuiltIn(info)) putObject(kube, info.kind, object as Kinds[Kind]);
  else putResource(kube, info, object);
  noteWrite(cluster, undefined, object, { manager }, now, applied);
  if (info.kind === 'PodDisruptionBudget') podsChanged({ world, cluster }, namespace ?? '');
  return json(201, asReturned(cluster, object), headers);
};

export const createObject = (write: Write<ResourceInfo>, namespace: string | undefined): HttpResponse => {
  const { cluster, info, request, describe } = write;
  const options = readWriteOptions(cluster, request, 'CreateOptions');
  const expected = { kind: info.kind, apiVersion: apiVersionOf(info) };
  const body = readObjectBody(request, expected, options.fieldValidation);
  describe(body.object);
  return createFrom(write, namespace, body, options);
};
