/** Reads the objects in the bodies of requests, as the API server's decoders do, with their messages. */
import { parse as parseYaml } from 'yaml';
import type { HttpRequest } from '../http.ts';
import { isObject } from '../json.ts';
import { badRequest, Refusal, unsupportedMediaType } from './answers.ts';
import { decodeInto } from './go/decode.ts';
import { GoSyntaxError, parseGoJson } from './go/json.ts';
import { quoted } from './go/print.ts';
import { fieldsOfStruct, isRegistered } from './go/types.ts';
import type { FieldValidation } from './options.ts';
import { PROTOBUF, readProtobuf } from './protobuf.ts';

export const JSON_TYPE = 'application/json';
const YAML_TYPE = 'application/yaml';

export const contentType = (request: HttpRequest): string =>
  (request.headers['content-type'] ?? '').split(';')[0]?.trim() ?? '';

/** The kind that a request expects. `others`: other versions of it that the API server converts. */
export interface Expected {
  kind: string;
  apiVersion: string;
  others?: readonly string[];
}

/** Versions that the API server still knows but does not serve any more, by group. */
const FORMER_VERSIONS: Record<string, readonly string[]> = {
  apps: ['v1beta1', 'v1beta2'],
  policy: ['v1beta1'],
  'rbac.authorization.k8s.io': ['v1alpha1', 'v1beta1'],
  'networking.k8s.io': ['v1beta1'],
};
const SCHEME = 'in scheme "pkg/api/legacyscheme/scheme.go:30"';

interface Document {
  value: unknown;
  duplicates: string[];
}

const parseDocument = (request: HttpRequest, type: string): Document => {
  if (type === PROTOBUF) return { value: readProtobuf(request.body), duplicates: [] };
  const text = Buffer.from(request.body).toString('utf8');
  return type === YAML_TYPE ? { value: parseYaml(text), duplicates: [] } : parseGoJson(text);
};

/** Returns the beginning of a body for an error. */
const summary = (body: Uint8Array): string => {
  if (body.length === 0) return '<empty>';
  const bytes = Buffer.from(body);
  const isObjectText = bytes[0] === '{'.charCodeAt(0);
  return `${bytes.subarray(0, 30).toString(isObjectText ? 'utf8' : 'hex')}${bytes.length > 30 ? ' ...' : ''}`;
};

const HEADER_TYPE =
  'struct { APIVersion string "json:\\"apiVersion,omitempty\\""; Kind string "json:\\"kind,omitempty\\"" }';
const typeOf = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/** Returns why the kind and version of a document cannot be read; undefined if they can. */
const headerProblem = (value: unknown): string | undefined => {
  if (value === null) return undefined;
  if (!isObject(value)) return `json: cannot unmarshal ${typeOf(value)} into Go value of type ${HEADER_TYPE}`;
  const wrong = ['apiVersion', 'kind'].find(
    (key) => !['string', 'undefined'].includes(typeof (value[key] ?? undefined)),
  );
  return wrong === undefined
    ? undefined
    : `json: cannot unmarshal ${typeOf(value[wrong])} into Go struct field .${wrong} of type string`;
};

const groupOf = (apiVersion: string): string => (apiVersion.includes('/') ? (apiVersion.split('/')[0] ?? '') : '');
const versionOf = (apiVersion: string): string => apiVersion.split('/').at(-1) ?? '';
/** Returns the package of the API server's internal types of a version. */
const packageOf = (apiVersion: string): string => groupOf(apiVersion).split('.')[0] || 'core';

/** Returns why an object of this kind cannot become one of the expected kind; undefined if it can. */
const kindProblem = (apiVersion: string, kind: string, expected: Expected): string | undefined => {
  const isExpected = kind === expected.kind && [expected.apiVersion, ...(expected.others ?? [])].includes(apiVersion);
  if (isExpected) return undefined;
  const group = groupOf(apiVersion);
  const isFormer =
    kind === expected.kind &&
    group === groupOf(expected.apiVersion) &&
    (FORMER_VERSIONS[group]?.includes(versionOf(apiVersion)) ?? false);
  if (isFormer)
    throw badRequest(
      `the API version in the data (${apiVersion}) does not match the expected API version (${expected.apiVersion})`,
    );
  return isRegistered(apiVersion, kind)
    ? `converting (${versionOf(apiVersion)}.${kind}) to (${packageOf(expected.apiVersion)}.${expected.kind}): unknown conversion`
    : `no kind ${quoted(kind)} is registered for version ${quoted(apiVersion)} ${SCHEME}`;
};

export interface Decoded {
  object: Record<string, unknown>;
  /** What is wrong with the document; undefined if it can be decoded. */
  error?: string;
  /** Problems that only strict validation refuses, such as `unknown field "foo"`. */
  strict: string[];
}

/** Decodes a document that was parsed. Kind and version that are missing are the expected ones. */
export const decodeDocument = (
  document: Record<string, unknown>,
  expected: Expected,
  wording: 'json' | 'unstructured' = 'json',
): Decoded => {
  const kind = (document['kind'] as string | undefined) || expected.kind;
  const apiVersion = (document['apiVersion'] as string | undefined) || expected.apiVersion;
  const problem = kindProblem(apiVersion, kind, expected);
  if (problem !== undefined) return { object: {}, error: problem, strict: [] };
  const whole: Record<string, unknown> = { ...document, kind, apiVersion };
  if (!fieldsOfStruct(kind)) return { object: whole, strict: [] };
  const { value, error, unknown } = decodeInto(whole, kind, { wording });
  // An empty list, which is left out otherwise, asks to forget the managers of all fields.
  const { managedFields } = (isObject(whole['metadata']) ? whole['metadata'] : {}) as { managedFields?: unknown };
  if (Array.isArray(managedFields) && managedFields.length === 0 && isObject(value['metadata']))
    value['metadata']['managedFields'] = [];
  return {
    object: value,
    strict: unknown.map((path) => `unknown field ${quoted(path)}`),
    ...(error === undefined ? {} : { error }),
  };
};

/** Returns the headers that warn of what strict validation would refuse. */
export const warningsOf = (strict: readonly string[], validation: FieldValidation): Record<string, string> =>
  strict.length > 0 && validation === 'Warn'
    ? { warning: strict.map((text) => `299 - ${quoted(text)}`).join(', ') }
    : {};

export interface ReadBody {
  object: Record<string, unknown>;
  /** Headers of the response: warnings about dropped fields. */
  headers: Record<string, string>;
}

/**
 * Reads the object in a request's body. Throws a refusal if the body's type is not supported, or if it holds no object
 * of the expected kind.
 */
export const readObjectBody = (
  request: HttpRequest,
  expected: Expected,
  validation: FieldValidation = 'Warn',
): ReadBody => {
  const type = contentType(request) || JSON_TYPE;
  if (![JSON_TYPE, YAML_TYPE, PROTOBUF].includes(type)) throw unsupportedMediaType([JSON_TYPE, YAML_TYPE, PROTOBUF]);
  const unrecognized = (why: string): Error =>
    badRequest(
      `the object provided is unrecognized (must be of type ${expected.kind}): ${why} (${summary(request.body)})`,
    );
  const noKind = (why: string): Error => unrecognized(`couldn't get version/kind; json parse error: ${why}`);
  let document: Document;
  try {
    document = parseDocument(request, type);
  } catch (error) {
    if (error instanceof Refusal) throw error;
    throw error instanceof GoSyntaxError ? noKind(error.message) : unrecognized(`yaml: ${(error as Error).message}`);
  }
  const problem = headerProblem(document.value);
  if (problem !== undefined) throw noKind(problem);
  const value = (document.value ?? {}) as Record<string, unknown>;
  const kind = (value['kind'] as string | undefined) || expected.kind;
  const version = versionOf((value['apiVersion'] as string | undefined) || expected.apiVersion);
  const unhandled = (why: string): Error =>
    badRequest(`${kind} in version ${quoted(version)} cannot be handled as a ${expected.kind}: ${why}`);
  const { object, error, strict: unknown } = decodeDocument(value, expected);
  if (error !== undefined) throw unhandled(error);
  const strict = [...document.duplicates.map((path) => `duplicate field ${quoted(path)}`), ...unknown];
  if (strict.length > 0 && validation === 'Strict') throw unhandled(`strict decoding error: ${strict.join(', ')}`);
  return { object, headers: warningsOf(strict, validation) };
};
