/**
 * Reads and writes a trust policy's statements as they stand, so that what is not touched stays as its author wrote it.
 */
import { decodePolicy, type ParsedPolicy } from '../policy/index.ts';
import { parseTrust, type TrustPolicy } from './policy.ts';

export type JsonObject = Record<string, unknown>;

export const isObject = (value: unknown): value is JsonObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const listOf = (value: unknown): unknown[] => (Array.isArray(value) ? (value as unknown[]) : [value]);

/** The texts of an element that is one or a list of them. */
export const textsOf = (value: unknown): string[] => (value === undefined ? [] : listOf(value).map(String));

/** Whether two values are the same JSON: keys in any order, lists in theirs. */
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

/** The JSON value of a policy's text, URL-encoded or not; `undefined` where it is not JSON. */
function valueOf(text: string): unknown {
  try {
    return JSON.parse(decodePolicy(text));
  } catch {
    return undefined;
  }
}

/** Whether two policies are equal as JSON values; what is not JSON is only ever the same as the same text. */
export function samePolicy(a: string, b: string): boolean {
  if (a === b) return true;
  const [one, other] = [valueOf(a), valueOf(b)];
  return one !== undefined && other !== undefined && sameJson(one, other);
}

/** A trust policy that can be written again without loss. */
export interface TrustDocument {
  policy: ParsedPolicy & { valid: true };
  document: JsonObject;
  statements: JsonObject[];
  /** Characters that it has without white space. */
  length: number;
}

const STRING = /"(?:[^"\\]|\\.)*"/gs;
/** IEEE 754 doubles, JavaScript's numbers, keep every decimal number of 15 digits. Source: IEEE 754-2019, 5.12.2. */
const EXACT_DIGITS = 15;

/**
 * A number that would be another one once the text is parsed and written again; `undefined`: none. A key that is there
 * twice is not valid.
 */
const lossOf = (text: string): string | undefined =>
  text
    .replaceAll(STRING, '')
    .match(/-?\d[\d.eE+-]*/g)
    ?.find((number) => number.replaceAll(/\D/g, '').length > EXACT_DIGITS);

export type Reading = ({ readable: true } & TrustDocument) | { readable: false; why: string; remedy: string };

const BY_HAND = 'Correct it by hand (aws iam update-assume-role-policy)';

/**
 * Reads what is to be changed. Refuses what is no valid trust policy, what IAM would not take again, and what would not
 * survive being written again. Source of "NotPrincipal": IAM User Guide, "IAM policy validation check reference" ("Role
 * trust policies do not support NotPrincipal").
 */
export function readTrust(given: string | TrustPolicy): Reading {
  const { text, document: policy } = typeof given === 'string' ? parseTrust(given) : given;
  if (!policy.valid)
    return {
      readable: false,
      why: `The trust policy is not valid at ${policy.path}: ${policy.reason}`,
      remedy: `${BY_HAND}, then try again: a policy that IAM itself may read in another way is not changed.`,
    };
  const document = valueOf(text);
  if (!isObject(document))
    return { readable: false, why: 'The trust policy is no JSON object', remedy: `${BY_HAND}, then try again.` };
  const excepting = policy.statements.find(({ principals }) => principals?.negated === true);
  if (excepting)
    return {
      readable: false,
      why: `IAM takes no trust policy with NotPrincipal, which "${excepting.label}" has`,
      remedy:
        'Write it by hand with Principal and a condition on aws:PrincipalArn (aws iam update-assume-role-policy), then try again.',
    };
  const loss = lossOf(decodePolicy(text));
  if (loss !== undefined)
    return {
      readable: false,
      why: `The trust policy can't be written again as it is: it has the number ${loss}, which would lose digits`,
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

/** The object with one member replaced, in its place; keys such as `__proto__` stay plain keys. */
export const replaceMember = (object: JsonObject, key: string, value: unknown): JsonObject =>
  Object.fromEntries(Object.entries(object).map(([name, inner]) => [name, name === key ? value : inner]));

/** The policy with other statements and all else as it was; JSON text without white space. */
export const writeStatements = (document: JsonObject, statements: readonly JsonObject[]): string =>
  JSON.stringify(replaceMember(document, 'Statement', statements));

/** How a statement is called in messages: its Sid, or its number counted from 1. */
export const labelOf = (statement: JsonObject, index: number): string =>
  typeof statement['Sid'] === 'string' && statement['Sid'] !== ''
    ? `statement ${index + 1} (${statement['Sid']})`
    : `statement ${index + 1}`;

export const sidsOf = (statements: readonly JsonObject[]): Set<string> =>
  new Set(statements.flatMap((one) => textsOf(one['Sid'])));

/** A service account of the cluster. `disableSessionTags`: of its association. */
export interface ServiceAccountUse {
  namespace: string;
  serviceAccount: string;
  disableSessionTags?: boolean;
}

export const nameOf = ({ namespace, serviceAccount }: ServiceAccountUse): string => `${namespace}/${serviceAccount}`;

export const uniqueAccounts = <Account extends ServiceAccountUse>(accounts: readonly Account[]): Account[] => [
  ...new Map(accounts.map((one) => [nameOf(one), one])).values(),
];
