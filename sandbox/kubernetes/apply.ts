/** Server-side apply: PATCH with a configuration (k8s.io/apiserver, handlers/patch.go; util/managedfields). */
import { parseDocument } from 'yaml';
import type { HttpRequest, HttpResponse } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import { badRequest, Refusal } from './answers.ts';
import { decodeDocument } from './bodies.ts';
import { changeFrom, withoutManagedFields } from './changes.ts';
import { createFrom } from './creates.ts';
import { afterApply, type Writer } from './field-managers.ts';
import { decodeInto } from './go/decode.ts';
import { fieldsOfStruct } from './go/types.ts';
import { asReturned, clientsOf, entriesOf } from './managed-fields.ts';
import type { KubeObject } from '../objects/objects.ts';
import { readWriteOptions, type WriteOptions } from './options.ts';
import { queryOf } from './query.ts';
import { apiVersionOf, timestamp, type ResourceInfo } from '../objects/store.ts';
import { normalized, type Write } from './write.ts';
import { zeroOf } from './zero-values.ts';

/** Returns the configuration in a request's body, which is YAML; JSON is YAML, too. */
export const readConfiguration = (
  request: HttpRequest,
  { fieldValidation }: Pick<WriteOptions, 'fieldValidation'>,
): { configuration: Json; headers: Record<string, string> } => {
  const text = Buffer.from(request.body).toString('utf8');
  const document = parseDocument(text, { uniqueKeys: false });
  const [error] = document.errors;
  if (error) throw badRequest(`error decoding YAML: yaml: ${error.message.split('\n')[0] ?? ''}`);
  const configuration: unknown = document.toJS();
  if (!isObject(configuration))
    throw badRequest(
      'error decoding YAML: error unmarshaling JSON: while decoding JSON: json: cannot unmarshal value into Go value of type map[string]interface {}',
    );
  const [repeated] = fieldValidation === 'Ignore' ? [] : parseDocument(text, { uniqueKeys: true }).errors;
  if (!repeated) return { configuration, headers: {} };
  const message = `error converting YAML to JSON: yaml: ${repeated.message.split('\n')[0] ?? ''}`;
  if (fieldValidation === 'Strict') throw badRequest(`error strict decoding YAML: ${message}`);
  return { configuration, headers: { warning: `299 - ${JSON.stringify(message)}` } };
};

/** Returns whether an apply takes over the fields of other managers. */
export const isForced = (request: HttpRequest): boolean => ['true', '1'].includes(queryOf(request)('force') ?? '');

/** Returns a kind and version as Go prints them: `apps/v1, Kind=Deployment`. */
const kindText = ({ apiVersion, kind }: Json): string => {
  const version = typeof apiVersion === 'string' ? apiVersion : '';
  return `${version.includes('/') ? version : `/${version}`}, Kind=${typeof kind === 'string' ? kind : ''}`;
};

/** Throws the refusal of a configuration that is not one of the object that the path names. */
const checkConfiguration = (info: ResourceInfo, configuration: Json): void => {
  const { apiVersion, kind } = configuration;
  if (!apiVersion || !kind) throw new Refusal(400, 'BadRequest', `invalid object type: ${kindText(configuration)}`);
  if (apiVersion !== apiVersionOf(info) || kind !== info.kind)
    throw badRequest(`invalid object type: ${kindText(configuration)}`);
  const metadata = isObject(configuration['metadata']) ? configuration['metadata'] : {};
  if (metadata['managedFields'] !== undefined && metadata['managedFields'] !== null)
    throw badRequest('metadata.managedFields must be nil');
};

/** Throws the refusal of a configuration with fields that the kind does not have. */
const checkFields = (
  { kind }: ResourceInfo,
  configuration: Json,
  namespace: string | undefined,
  name: string,
): void => {
  if (!fieldsOfStruct(kind)) return;
  const { unknown } = decodeInto(configuration, kind);
  if (unknown.length === 0) return;
  const errors = unknown.map((path) => `.${path}: field not declared in schema`);
  const text = errors.length === 1 ? errors[0] : `errors:${errors.map((error) => `\n  ${error}`).join('')}`;
  throw new Refusal(
    500,
    '',
    `failed to create typed patch object (${namespace ?? ''}/${name}; ${kindText(configuration)}): ${text}`,
  );
};

/**
 * Applies the configuration of a request to an object, or creates it.
 */
export const applyObject = (
  write: Write<ResourceInfo>,
  object: KubeObject | undefined,
  { namespace, name }: { namespace: string | undefined; name: string },
): HttpResponse => {
  const { world, cluster, info, request, describe } = write;
  const options = readWriteOptions(cluster, request, 'PatchOptions', true);
  const { configuration, headers } = readConfiguration(request, options);
  describe(configuration);
  checkConfiguration(info, configuration);
  checkFields(info, configuration, namespace, name);
  const writer: Writer & { force: boolean } = {
    manager: options.manager,
    force: isForced(request),
  };
  const kind = { apiVersion: apiVersionOf(info), zero: { ...zeroOf(info.kind), kind: info.kind } };
  const time = timestamp(world.schedule.now());
  const expected = { kind: info.kind, apiVersion: kind.apiVersion };
  if (!object) {
    const { entries } = afterApply<object>([], { ...kind, before: undefined }, configuration, writer, time);
    const { metadata = {} } = configuration as { metadata?: Partial<KubeObject['metadata']> };
    if (!metadata.name)
      throw badRequest(`the name of the object (${name} based on URL) was undeterminable: name must be provided`);
    if (metadata.name !== name)
      throw badRequest(`the name of the object (${metadata.name}) does not match the name on the URL (${name})`);
    const decoded = decodeDocument(configuration, expected);
    if (decoded.error !== undefined) throw new Refusal(500, '', decoded.error);
    return createFrom(write, namespace, { object: decoded.object, headers }, options, entries);
  }
  const served = normalized(asReturned(cluster, object));
  const before = withoutManagedFields(served);
  const applied = afterApply<object>(entriesOf(cluster, object), { ...kind, before }, configuration, writer, time);
  const decoded = decodeDocument(applied.object as Json, expected);
  if (decoded.error !== undefined) throw new Refusal(500, '', decoded.error);
  const owners = clientsOf(cluster, object, served, applied.entries);
  return changeFrom(write, object, served, { object: decoded.object, headers }, options, owners);
};
