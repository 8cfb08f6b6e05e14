/** PATCH and PUT: change an object (k8s.io/apiserver, handlers/patch.go, update.go and registry/rest/update.go). */
import { isDeepStrictEqual } from 'node:util';
import { renewSessions } from '../credentials/sessions.ts';
import type { HttpResponse } from '../http.ts';
import { cutsOff } from '../network/egress.ts';
import { badRequest, conflict, detailsOf, json, qualified, Refusal } from './answers.ts';
import { readObjectBody, type ReadBody } from './bodies.ts';
import { replaceObject } from './controllers.ts';
import { checkEscalation } from './escalation.ts';
import type { Owners } from '../objects/managed-fields-entry.ts';
import type { Writer } from './field-managers.ts';
import { asReturned, entriesAfter, noteWrite } from './managed-fields.ts';
import type { KubeObject } from '../objects/objects.ts';
import { readWriteOptions, type WriteOptions } from './options.ts';
import { checkPatchType, readPatched } from './patch-bodies.ts';
import { withStoredDefaults } from './prepare.ts';
import { storedForm } from './stored-form.ts';
import { apiVersionOf, type ResourceInfo } from '../objects/store.ts';
import { invalid, invalidObject } from './validation/field-errors.ts';
import { checkChanged } from './validation/rules.ts';
import { normalized, type Write } from './write.ts';

/** Kinds whose updates must name a resourceVersion (AllowUnconditionalUpdate of their strategies). */
const CONDITIONAL = new Set<string>(['PodDisruptionBudget', 'MutatingWebhookConfiguration', 'Lease']);

/** Returns the resourceVersion of an object as a number; 0 if it has none. */
const versionOf = ({ metadata }: KubeObject): bigint => {
  const text = metadata.resourceVersion ?? '';
  if (text === '') return 0n;
  if (!/^\d+$/.test(text))
    throw new Refusal(500, '', `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`);
  return BigInt(text);
};

/** Throws the refusal of a change whose resourceVersion is not that of the object. */
const checkVersion = ({ info, cluster }: Write<ResourceInfo>, object: KubeObject, changed: KubeObject): void => {
  const { name } = object.metadata;
  const version = versionOf(changed);
  if (version === 0n && CONDITIONAL.has(info.kind))
    throw invalidObject(
      { kind: info.plural, group: info.group },
      name,
      [invalid('metadata.resourceVersion', { value: 0, type: 'uint64' }, 'must be specified for an update')],
      cluster.version,
    );
  if (version !== 0n && version !== BigInt(object.metadata.resourceVersion)) throw conflict(info, name);
};

/** Throws the refusal of a change that names another object than the path does. */
const checkName = ({ metadata }: KubeObject, { metadata: sent }: KubeObject): void => {
  if (sent.namespace !== undefined && sent.namespace !== metadata.namespace)
    throw badRequest('the namespace of the provided object does not match the namespace sent on the request');
  if (!sent.name)
    throw badRequest(
      `the name of the object (${metadata.name} based on URL) was undeterminable: name must be provided`,
    );
  if (sent.name !== metadata.name)
    throw badRequest(`the name of the object (${sent.name}) does not match the name on the URL (${metadata.name})`);
};

/** Metadata that a client cannot change; what it sends of it is ignored. */
const kept = ({ metadata }: KubeObject, { metadata: changed }: KubeObject): Partial<KubeObject['metadata']> => ({
  resourceVersion: metadata.resourceVersion,
  uid: changed.uid || metadata.uid,
  creationTimestamp: metadata.creationTimestamp,
  ...(metadata.namespace === undefined ? {} : { namespace: metadata.namespace }),
  ...(metadata.generation === undefined ? {} : { generation: metadata.generation }),
  ...(metadata.deletionTimestamp === undefined ? {} : { deletionTimestamp: metadata.deletionTimestamp }),
  ...(metadata.deletionGracePeriodSeconds === undefined || changed.deletionGracePeriodSeconds !== undefined
    ? {}
    : { deletionGracePeriodSeconds: metadata.deletionGracePeriodSeconds }),
});

const withoutGeneration = ({ generation: _generation, ...metadata }: KubeObject['metadata']): KubeObject['metadata'] =>
  metadata;

/** Returns an object as a change leaves it: what clients cannot change is as it was. */
const settled = (served: KubeObject, changed: KubeObject): KubeObject => {
  const { status: _status, ...others } = changed;
  const metadata = served.metadata.generation === undefined ? withoutGeneration(changed.metadata) : changed.metadata;
  return normalized({
    ...others,
    metadata: { ...metadata, ...kept(served, changed) },
    ...(served.status === undefined ? {} : { status: served.status }),
  });
};

type Stored = KubeObject & { metadata: { managedFields?: unknown } };
export const withoutManagedFields = ({ metadata, ...object }: KubeObject): KubeObject => {
  const { managedFields: _fields, ...others } = metadata as Stored['metadata'];
  return { ...object, metadata: others };
};

/** Writes a client's changes to an object, and records its field manager, or the owners of its fields. */
export const writeChange = (
  { world, cluster, info }: Pick<Write<ResourceInfo>, 'world' | 'cluster' | 'info'>,
  object: KubeObject,
  after: KubeObject,
  writer: Writer,
  owners?: Owners,
): void => {
  const before = { ...object };
  if (cutsOff(info)) renewSessions(world, cluster);
  replaceObject(world, cluster, object, after);
  noteWrite(cluster, before, object, writer, world.schedule.now(), owners);
};

/** Returns an object as it would be stored after a dry run. */
const draftOf = (object: KubeObject, after: KubeObject): KubeObject => {
  const { generation } = object.metadata;
  const isNew = generation !== undefined && !isDeepStrictEqual(object.spec, after.spec);
  return {
    ...after,
    metadata: { ...after.metadata, ...(isNew ? { generation: generation + 1 } : {}) },
    ...(object.status === undefined ? {} : { status: object.status }),
  };
};

/**
 * Checks and writes what a client made of an object. `served`: the object with the API's defaults. `applied`: the owners
 * of its fields after an apply.
 */
export const changeFrom = (
  write: Write<ResourceInfo>,
  object: KubeObject,
  served: KubeObject,
  { object: sent, headers }: ReadBody,
  { dryRun, manager }: WriteOptions,
  applied?: Owners,
): HttpResponse => {
  const { world, cluster, user, info } = write;
  const changed = { metadata: {}, ...sent } as KubeObject;
  checkName(object, changed);
  checkVersion(write, object, changed);
  const before = withoutManagedFields(served);
  const after = settled(before, withStoredDefaults(withoutManagedFields(changed)));
  checkEscalation(cluster, user, info, after);
  checkChanged(cluster, info, after, before);
  const stored = storedForm(object, before, after) as KubeObject;
  const draft = draftOf(object, stored === object ? { ...object } : stored);
  const { managedFields: given } = changed.metadata as Stored['metadata'];
  const owners = applied ?? entriesAfter(cluster, object, draft, { manager }, world.schedule.now(), given);
  if (dryRun) return json(200, asReturned(cluster, draft, owners), headers);
  writeChange(write, object, stored, { manager }, owners);
  return json(200, asReturned(cluster, object), headers);
};

const expectedOf = (info: ResourceInfo): { kind: string; apiVersion: string } => ({
  kind: info.kind,
  apiVersion: apiVersionOf(info),
});

export const patchObject = (write: Write<ResourceInfo>, object: KubeObject): HttpResponse => {
  const { cluster, info, request, describe } = write;
  checkPatchType(request);
  const options = readWriteOptions(cluster, request, 'PatchOptions');
  const served = normalized(asReturned(cluster, object));
  const patched = readPatched(request, served, expectedOf(info), cluster, options.fieldValidation, describe);
  return changeFrom(write, object, served, patched, options);
};

/** Throws the 409 of an update that names another uid: its precondition fails in the storage. */
const checkUid = (info: ResourceInfo, { metadata }: KubeObject, sent: KubeObject): void => {
  const { name, namespace, uid } = metadata;
  if (!sent.metadata.uid || sent.metadata.uid === uid) return;
  const key = ['/registry', info.plural, ...(namespace === undefined ? [] : [namespace]), name].join('/');
  throw new Refusal(
    409,
    'Conflict',
    `Operation cannot be fulfilled on ${qualified(info, name)}: StorageError: invalid object, Code: 4, Key: ${key}, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: UID in precondition: ${sent.metadata.uid}, UID in object meta: ${uid}`,
    detailsOf(info, name),
  );
};

export const replaceByClient = (write: Write<ResourceInfo>, object: KubeObject): HttpResponse => {
  const { cluster, info, request, describe } = write;
  const options = readWriteOptions(cluster, request, 'UpdateOptions');
  const body = readObjectBody(request, expectedOf(info), options.fieldValidation);
  describe(body.object);
  const sent = { metadata: {}, ...body.object } as KubeObject;
  checkName(object, sent);
  checkUid(info, object, sent);
  return changeFrom(write, object, normalized(asReturned(cluster, object)), body, options);
};
