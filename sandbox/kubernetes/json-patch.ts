/** JSON patch (RFC 6902), as `kubectl patch --type json` sends it. */
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { badRequest, Refusal } from './answers.ts';

type Json = unknown;

const path = z.string().regex(/^(?:\/(?:[^~/]|~[01])*)*$/);
const operation = z.discriminatedUnion('op', [
  z.object({ op: z.enum(['add', 'replace', 'test']), path, value: z.unknown() }),
  z.object({ op: z.literal('remove'), path }),
  z.object({ op: z.enum(['move', 'copy']), path, from: path }),
]);
type Operation = z.infer<typeof operation>;

/** The API server (k8s.io/apiserver, handlers/patch.go) answers a patch that does not apply without the reason. */
const refused = (): Refusal =>
  new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request');

/** Returns the operations. Throws BadRequest if the text has none. */
export function parseJsonPatch(body: Uint8Array): Operation[] {
  let parsed: Json;
  try {
    parsed = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch (error) {
    throw badRequest(`error decoding patch: ${error instanceof Error ? error.message : String(error)}`);
  }
  const operations = z.array(operation).safeParse(parsed);
  if (!operations.success)
    throw badRequest(`error decoding patch: ${operations.error.issues[0]?.message ?? 'the body is no list'}`);
  return operations.data;
}

const tokensOf = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));

/** Returns the value of a field or an element, which must exist. */
function childOf(parent: Json, token: string): Json {
  if (Array.isArray(parent) && /^(?:0|[1-9]\d*)$/.test(token) && Number(token) < parent.length)
    return parent[Number(token)];
  if (typeof parent === 'object' && parent !== null && !Array.isArray(parent) && Object.hasOwn(parent, token))
    return (parent as Record<string, Json>)[token];
  throw refused();
}

const valueAt = (document: Json, pointer: string): Json => tokensOf(pointer).reduce(childOf, document);

/** Returns the object or list that contains a path, and the last part of the path. */
function parentOf(document: Json, pointer: string): { parent: Json; token: string } {
  const tokens = tokensOf(pointer);
  const token = tokens.pop();
  if (token === undefined) throw refused();
  return { parent: tokens.reduce(childOf, document), token };
}

function add(document: Json, pointer: string, value: Json): void {
  const { parent, token } = parentOf(document, pointer);
  if (Array.isArray(parent)) {
    const at = token === '-' ? parent.length : /^(?:0|[1-9]\d*)$/.test(token) ? Number(token) : Number.NaN;
    if (!(at <= parent.length)) throw refused();
    parent.splice(at, 0, value);
  } else if (typeof parent === 'object' && parent !== null) (parent as Record<string, Json>)[token] = value;
  else throw refused();
}

function remove(document: Json, pointer: string): void {
  const { parent, token } = parentOf(document, pointer);
  childOf(parent, token);
  if (Array.isArray(parent)) parent.splice(Number(token), 1);
  else delete (parent as Record<string, Json>)[token];
}

function applyOne(document: Json, one: Operation): void {
  if ('from' in one) {
    const value = structuredClone(valueAt(document, one.from));
    if (one.op === 'move') remove(document, one.from);
    add(document, one.path, value);
  } else if (one.op === 'test') {
    if (!isDeepStrictEqual(valueAt(document, one.path), one.value)) throw refused();
  } else if (one.op === 'remove') remove(document, one.path);
  else {
    if (one.op === 'replace') remove(document, one.path);
    add(document, one.path, one.value);
  }
}

/** Returns a new document with all operations applied, in order. Throws a refusal if one of them does not apply. */
export function jsonPatch(target: Record<string, Json>, operations: readonly Operation[]): Record<string, Json> {
  const document = structuredClone(target);
  for (const one of operations) applyOne(document, one);
  return document;
}
