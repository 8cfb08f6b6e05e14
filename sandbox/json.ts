/** JSON objects, told from other values, and JSON texts from others. */
export type Json = Record<string, unknown>;
export const isObject = (value: unknown): value is Json =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * A copy of plain data. Unlike structuredClone's its texts are the same, which a world with thousands of like objects
 * can't have twice.
 */
export const copyOf = <T>(value: T): T => {
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item)) as T;
  if (!isObject(value)) return value;
  const copy: Json = {};
  for (const key of Object.keys(value)) copy[key] = copyOf(value[key]);
  return copy as T;
};

export const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** As text would have it. */
export const withoutUndefined = (value: Json): Json => {
  const left: Json = {};
  for (const name of Object.keys(value)) if (value[name] !== undefined) left[name] = value[name];
  return left;
};

/** What may be left out, be there once, or be a list: as a list. */
export const listOf = (value: unknown): unknown[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** A document that is text already, or its JSON. */
export const textOf = (document: unknown): string =>
  typeof document === 'string' ? document : JSON.stringify(document);

const texts = new WeakMap<object, string>();
/** Of a document of the application's, which many worlds share and nobody may change. */
export const sharedTextOf = (document: unknown): string => {
  if (!isObject(document)) return textOf(document);
  const known = texts.get(document);
  if (known !== undefined) return known;
  const text = JSON.stringify(document);
  texts.set(document, text);
  return text;
};
