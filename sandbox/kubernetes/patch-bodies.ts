/** PATCH: reads a patch in one of its formats and applies it to an object (k8s.io/apiserver, handlers/patch.go). */
import type { HttpRequest } from '../http.ts';
import { isObject } from '../json.ts';
import type { ClusterState } from '../world/world.ts';
import { badRequest, Refusal } from './answers.ts';
import { contentType, decodeDocument, warningsOf } from './bodies.ts';
import type { Expected, ReadBody } from './bodies.ts';
import { GoSyntaxError, parseGoJson } from './go/json.ts';
import { plain, quoted } from './go/print.ts';
import { jsonPatch, parseJsonPatch, touchedBy } from './json-patch.ts';
import type { FieldValidation } from './options.ts';
import { mergePatch, strategicMergePatch } from './patch.ts';
import { invalid, invalidObject } from './validation/field-errors.ts';

type Json = Record<string, unknown>;

const MERGE_PATCH = 'application/merge-patch+json';
const STRATEGIC_PATCH = 'application/strategic-merge-patch+json';
const JSON_PATCH = 'application/json-patch+json';
const APPLY_PATCH = 'application/apply-patch+yaml';
const TYPES = [JSON_PATCH, MERGE_PATCH, STRATEGIC_PATCH, APPLY_PATCH];

/** Throws the 415 if the request's body is no patch; its web framework answers this one. */
export const checkPatchType = (request: HttpRequest): void => {
  if (!TYPES.includes(contentType(request)))
    throw new Refusal(415, 'UnsupportedMediaType', '415: Unsupported Media Type', {});
};

export const isApply = (request: HttpRequest): boolean => contentType(request) === APPLY_PATCH;

/** Returns the JSON object of a merge patch. `prefix`: of the error's text. */
const readMergePatch = (request: HttpRequest, prefix: string): { patch: Json; strict: string[] } => {
  try {
    const { value, duplicates } = parseGoJson(Buffer.from(request.body).toString('utf8'));
    if (value !== null && !isObject(value)) {
      const type = Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;
      throw badRequest(`${prefix}json: cannot unmarshal ${type} into Go value of type map[string]interface {}`);
    }
    return { patch: value ?? {}, strict: duplicates.map((path) => `duplicate field ${quoted(path)}`) };
  } catch (error) {
    if (error instanceof GoSyntaxError) throw badRequest(`${prefix}${error.message}`);
    throw error;
  }
};

/** Returns a document whose objects along the paths have sorted keys: Go holds what a patch touches as maps. */
const sortedAlong = (document: unknown, touched: (path: string) => boolean, path = ''): unknown => {
  if (Array.isArray(document)) return document.map((item, index) => sortedAlong(item, touched, `${path}/${index}`));
  if (!isObject(document)) return document;
  const keys = touched(path) ? Object.keys(document).toSorted() : Object.keys(document);
  return Object.fromEntries(keys.map((key) => [key, sortedAlong(document[key], touched, `${path}/${key}`)]));
};

/** Returns the paths of the objects that a merge patch has. */
const pathsOf = (patch: unknown, path = ''): string[] =>
  isObject(patch) ? [path, ...Object.entries(patch).flatMap(([key, value]) => pathsOf(value, `${path}/${key}`))] : [];

/** Prints JSON like Go, which escapes what HTML gives a meaning. */
const goJson = (value: unknown): string =>
  JSON.stringify(value).replaceAll(
    /[<>&\u2028\u2029]/g,
    (character) => `\\u${character.codePointAt(0)?.toString(16).padStart(4, '0') ?? ''}`,
  );

interface Applied {
  document: Json;
  /** What the API server prints of the patch, or of the patched object, in an error. */
  shown: () => string;
  strict: string[];
  wording: 'json' | 'unstructured';
}

const apply = (request: HttpRequest, current: Json, describe: (body: unknown) => void): Applied => {
  const type = contentType(request);
  if (type === JSON_PATCH) {
    const { operations, strict } = parseJsonPatch(request.body);
    describe(operations);
    const document = jsonPatch(current, operations);
    const touched = touchedBy(operations);
    return { document, shown: () => goJson(sortedAlong(document, touched)), strict, wording: 'json' };
  }
  const isStrategic = type === STRATEGIC_PATCH;
  const { patch, strict } = readMergePatch(request, isStrategic ? '' : 'error decoding patch: ');
  describe(patch);
  if (isStrategic) {
    const document = strategicMergePatch(current, patch);
    return { document, shown: () => plain(patch), strict, wording: 'unstructured' };
  }
  const document = mergePatch(current, patch);
  const paths = new Set(pathsOf(patch));
  return { document, shown: () => goJson(sortedAlong(document, (path) => paths.has(path))), strict, wording: 'json' };
};

/**
 * Returns an object after the request's patch. `current`: the object as served, its fields in Go's order. Throws a
 * refusal if the patch cannot be read or applied, or if its result is no object of the kind.
 */
export const readPatched = (
  request: HttpRequest,
  current: Json,
  expected: Expected,
  { version }: Pick<ClusterState, 'version'>,
  validation: FieldValidation,
  describe: (body: unknown) => void,
): ReadBody => {
  const { document, shown, strict: ofPatch, wording } = apply(request, current, describe);
  const refused = (why: string): Error =>
    invalidObject({ kind: '', group: '' }, '', [invalid('patch', shown(), why)], version);
  const { object, error, strict: unknown } = decodeDocument(document, expected, wording);
  if (error !== undefined) throw refused(error);
  const strict = [...ofPatch, ...unknown];
  if (strict.length > 0 && validation === 'Strict') throw refused(`strict decoding error: ${strict.join(', ')}`);
  return { object, headers: warningsOf(strict, validation) };
};
