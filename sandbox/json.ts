/** Helpers for JSON objects and JSON text. */
export type Json = Record<string, unknown>;
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * Copies plain data. Unlike structuredClone, it shares strings, which a world with thousands of similar objects cannot
 * afford to duplicate.
 */
export const copyOf = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item)) as T;
  if (!isObject(value)) return value;
  const copy: Json = {};
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key]);
  return copy as T;
};

/** Freezes plain data that several owners share, and returns it: to change it, they must replace it. */
export const frozen = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null) return value;
  for (const part of Object.values(value)) frozen(part);
  return Object.freeze(value);
};

export const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Returns the object without undefined members, as JSON text would have it. */
export const withoutUndefined = (value: Json): Json => {
  const defined: Json = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) defined[name] = value[name];
  return defined;
};

/** Returns a list for a value that may be absent, single or a list. */
export const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];
