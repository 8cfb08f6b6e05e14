/**
 * Converts plain values to DynamoDB's attribute values and back, like the SDK's document client
 * (@aws-sdk/util-dynamodb) with `removeUndefinedValues`. Values that the client accepts but no caller here uses, such
 * as binary sets, are refused.
 */
import { isObject, type Json } from '../json.ts';

export type AttributeValue = Readonly<Record<string, unknown>>;

const numberText = (value: number): string => {
  if (!Number.isFinite(value)) throw new Error(`Special numeric value ${value} is not allowed`);
  if (Math.abs(value) > Number.MAX_SAFE_INTEGER)
    throw new Error(
      `Number ${value} is greater than Number.MAX_SAFE_INTEGER. Use NumberValue from @aws-sdk/lib-dynamodb.`,
    );
  return value.toString();
};

const toSet = (set: ReadonlySet<unknown>): AttributeValue => {
  const items = [...set].filter((item) => item !== undefined);
  if (items.length === 0) throw new Error('Pass a non-empty set, or options.convertEmptyValues=true.');
  if (items.every((item) => typeof item === 'string')) return { SS: items };
  if (items.every((item) => typeof item === 'number')) return { NS: items.map(numberText) };
  throw new Error('Only Number Set (NS), Binary Set (BS) or String Set (SS) are allowed.');
};

const isKept = (value: unknown): boolean => value !== undefined && typeof value !== 'function';

const toMap = (value: object): AttributeValue => {
  const map: Json = {};
  for (const name of Object.keys(value)) {
    const inner = (value as Json)[name];
    if (isKept(inner)) map[name] = toAttributeValue(inner);
  }
  return { M: map };
};

const toObject = (value: object): AttributeValue => {
  if (Array.isArray(value)) return { L: value.filter(isKept).map(toAttributeValue) };
  if (value instanceof Set) return toSet(value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Object.prototype || prototype === null) return toMap(value);
  throw new Error(
    `Unsupported type passed: ${value.constructor.name}. Pass options.convertClassInstanceToMap=true to marshall typeof object as map attribute.`,
  );
};

export function toAttributeValue(value: unknown): AttributeValue {
  if (typeof value === 'string') return { S: value };
  if (typeof value === 'number') return { N: numberText(value) };
  if (typeof value === 'boolean') return { BOOL: value };
  if (value === null) return { NULL: true };
  if (typeof value === 'object') return toObject(value);
  if (typeof value === 'bigint') return { N: value.toString() };
  throw new Error(`Unsupported type passed: ${typeof value}.`);
}

const toNumber = (text: string): number | bigint => {
  const value = Number(text);
  if (Number.isSafeInteger(value) || Math.abs(value) <= Number.MAX_SAFE_INTEGER) return value;
  return BigInt(text);
};

const fromMap = (map: Json): Json => {
  const values: Json = {};
  for (const name in map) values[name] = fromAttributeValue(map[name] as AttributeValue);
  return values;
};

/** By type, the most common first. */
const FROM: Record<string, (value: unknown) => unknown> = {
  S: (value) => value,
  M: (value) => fromMap(isObject(value) ? value : {}),
  L: (value) => (value as AttributeValue[]).map(fromAttributeValue),
  N: (value) => toNumber(String(value)),
  BOOL: (value) => value,
  NULL: () => null,
  SS: (value) => new Set(value as string[]),
  NS: (value) => new Set((value as string[]).map(toNumber)),
  // If the response was text, the SDK has already decoded the bytes.
  B: (value) => (value instanceof Uint8Array ? value : Buffer.from(String(value), 'base64')),
};

/** Returns a copy that shares nothing with the attribute value. */
export function fromAttributeValue(attribute: AttributeValue): unknown {
  for (const type in attribute) {
    const from = FROM[type];
    if (from) return from(attribute[type]);
    throw new Error(`Unsupported type passed: ${type}`);
  }
  throw new Error('No value defined.');
}
