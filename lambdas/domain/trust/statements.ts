/**
 * Reads and writes the statements of a trust policy, and keeps everything that it does not change as its author wrote
 * it.
 */
import { decodePolicy, type ParsedPolicy } from '../policy/index.ts';
import { parseTrust, type TrustPolicy } from './policy.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value]);

/** Returns the texts of an element that is either a single text or a list. */
export const textsOf = (value: unknown): string[] => (value === undefined ? [] : listOf(value).map(String));

/** Returns whether two values are equal as JSON: the order of keys does not matter, the order of lists does. */
export function sameJson(a: unknown, b: unknown): boolean {
  if (Array.isArray(a) || Array.isArray(b))
    return (
      Array.isArray(a) &&
      Array.isArray(b) &&
      a.length === b.length &&
      a.every((item, index) => sameJson(item, b[index]))
    );
  if (!isObject(a) || !isObject(b)) return a === b;
  const keys = Object.keys(a);
  return (
    keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && sameJson(a[key], b[key]))
  );
}

/** Returns the JSON value of a policy's text, URL-encoded or not, or undefined if it is not JSON. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(decodePolicy(text));
  } catch {
    return undefined;
  }
}

/** Returns whether two policies are equal as JSON values. A text that is not JSON equals only the identical text. */
export function samePolicy(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [valueOf(a), valueOf(b)];
  return one !== undefined && other !== undefined && sameJson(one, other);
}

/** A trust policy that can be written back without loss. */
export interface TrustDocument {
  policy: ParsedPolicy & { valid: true };
  document: JsonObject;
  statements: JsonObject[];
  /** Length in characters, without white space. */
  length: number;
}

const STRING = /"(?:[^"\\]|\\.)*"/gs;
/** JavaScript's numbers, IEEE 754 doubles, keep every decimal number of 15 digits. Source: IEEE 754-2019, 5.12.2. */
const EXACT_DIGITS = 15;

/**
 * Returns a number that would change when the text is parsed and written back, or undefined if there is none. Duplicate
 * keys need no check here, since a policy with one is not valid.
 */
const lossOf = (text: string): string | undefined =>
  text
    .replaceAll(STRING, '')
    .match(/-?\d[\d.eE+-]*/g)
    ?.find((number) => number.replaceAll(/\D/g, '').length > EXACT_DIGITS);

export type Reading = ({ readable: true } & TrustDocument) | { readable: false; why: string; remedy: string };

const BY_HAND = 'Correct the policy by hand (aws iam update-assume-role-policy)';

/**
 * Reads a trust policy that is to be changed. Refuses a policy that is not valid, or that would lose something when
 * written back.
 */
export function readTrust(given: string | TrustPolicy): Reading {
  const { text, document: policy } = typeof given === 'string' ? parseTrust(given) : given;
  if (!policy.valid)
    return {
      readable: false,
      why: `The trust policy is not valid at ${policy.path}: ${policy.reason}`,
      remedy: `${BY_HAND}, then try again. The service does not change a policy that IAM may interpret differently.`,
    };
  const document = valueOf(text);
  if (!isObject(document))
    return { readable: false, why: 'The trust policy is not a JSON object', remedy: `${BY_HAND}, then try again.` };
  const loss = lossOf(decodePolicy(text));
  if (loss !== undefined)
    return {
      readable: false,
      why: `The trust policy cannot be written back unchanged: its number ${loss} would lose digits`,
      remedy: `${BY_HAND}: put the number in quotation marks, then try again.`,
    };
  return {
    readable: true,
    policy,
    document,
    statements: listOf(document['Statement']).filter(isObject),
    length: JSON.stringify(document).length,
  };
}

/** Returns the object with one member replaced, in the same order. Keys such as `__proto__` stay plain keys. */
export const replaceMember = (object: JsonObject, key: string, value: unknown): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([name, inner]) => [name, name === key ? value : inner]));

/** Returns the policy with its statements replaced and everything else unchanged, as JSON text without white space. */
export const writeStatements = (document: JsonObject, statements: readonly JsonObject[]): string =>
  JSON.stringify(replaceMember(document, 'Statement', statements));

/** Returns the name of a statement in messages: its number, counted from 1, and its Sid if it has one. */
export const labelOf = (statement: JsonObject, index: number): string =>
  typeof statement['Sid'] === 'string' && statement['Sid'] !== ''
    ? `statement ${index + 1} (${statement['Sid']})`
    : `statement ${index + 1}`;

export const sidsOf = (statements: readonly JsonObject[]): Set<string> =>
  new Set(statements.flatMap((one) => textsOf(one['Sid'])));

/** A service account of the cluster. `disableSessionTags` is its association's setting. */
export interface ServiceAccountUse {
  namespace: string;
  serviceAccount: string;
  disableSessionTags?: boolean;
}

export const nameOf = ({ namespace, serviceAccount }: ServiceAccountUse): string => `${namespace}/${serviceAccount}`;

export const uniqueAccounts = <Account extends ServiceAccountUse>(accounts: readonly Account[]): Account[] => [
  ...new Map(accounts.map((one) => [nameOf(one), one])).values(),
];
