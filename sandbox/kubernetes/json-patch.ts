/** JSON patch (RFC 6902), as `kubectl patch --type json` sends it. */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../json.ts';
import { badRequest, Refusal } from './answers.ts';
import { GoSyntaxError, parseGoJson } from './go/json.ts';

type Json = unknown;

type Operation =
  | { op: 'add' | 'replace' | 'test'; path: string; value?: Json }
  | { op: 'remove'; path: string }
  | Moved;
type Moved = { op: 'move' | 'copy'; path: string; from: string };

const OPERATIONS = ['add', 'replace', 'test', 'remove', 'move', 'copy'];
const MEMBERS = new Set(['op', 'path', 'from', 'value']);
/** At most so many operations can be in one patch. */
const MOST_OPERATIONS = 10_000;

/** The API server (k8s.io/apiserver, handlers/patch.go) answers a patch that does not apply without the reason. */
const refused = (): Refusal =>
  new Refusal(422, 'Invalid', 'the server rejected our request due to an error in our request', {});

const undecodable = (why: string): Refusal => badRequest(`error decoding patch: ${why}`);

const typeOf = (value: Json): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

const parse = (body: Uint8Array): { items: unknown[]; duplicates: string[] } => {
  try {
    const { value, duplicates } = parseGoJson(Buffer.from(body).toString('utf8'));
    if (value === null) return { items: [], duplicates };
    if (Array.isArray(value)) return { items: value as unknown[], duplicates };
    throw undecodable(`json: cannot unmarshal ${typeOf(value)} into Go value of type []handlers.jsonPatchOp`);
  } catch (error) {
    if (error instanceof GoSyntaxError) throw undecodable(error.message);
    throw error;
  }
};

export interface ParsedJsonPatch {
  operations: Operation[];
  /** Problems that only strict validation refuses. */
  strict: string[];
}

/** Returns the operations. Throws a refusal if the text has none. */
export function parseJsonPatch(body: Uint8Array): ParsedJsonPatch {
  const { items, duplicates } = parse(body);
  const strict = duplicates.map((path) => `json patch duplicate field ${JSON.stringify(path)}`);
  for (const [index, item] of items.entries()) {
    if (!isObject(item))
      throw undecodable(`json: cannot unmarshal ${typeOf(item)} into Go value of type handlers.jsonPatchOp`);
    for (const member of ['op', 'path', 'from'])
      if (item[member] !== undefined && item[member] !== null && typeof item[member] !== 'string')
        throw undecodable(
          `json: cannot unmarshal ${typeOf(item[member])} into Go struct field jsonPatchOp.${member} of type string`,
        );
    for (const member of Object.keys(item))
      if (!MEMBERS.has(member)) strict.push(`json patch unknown field "[${index}].${member}"`);
  }
  if (items.length > MOST_OPERATIONS)
    throw new Refusal(
      413,
      'RequestEntityTooLarge',
      `Request entity is too large: The allowed maximum operations in a JSON patch is ${MOST_OPERATIONS}, got ${items.length}`,
    );
  return { operations: items as Operation[], strict };
}

/** Throws the refusal of an operation that is none, or that lacks what it needs. */
const checkOperation = ({ op, path, ...others }: Operation): void => {
  const isPointer = (text: unknown): boolean => typeof text === 'string' && /^(?:\/(?:[^~/]|~[01])*)*$/.test(text);
  if (!OPERATIONS.includes(op) || !isPointer(path)) throw refused();
  if ((op === 'move' || op === 'copy') && !isPointer((others as Partial<Moved>).from)) throw refused();
};

/** Returns the test of whether an object on a path contains something that the operations change. */
export const touchedBy = (operations: readonly Operation[]): ((path: string) => boolean) => {
  const changed = operations.filter(({ op }) => op !== 'test').map(({ path }) => path);
  return (path) => changed.some((each) => each.startsWith(`${path}/`));
};

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
  checkOperation(one);
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
