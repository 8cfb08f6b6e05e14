/**
 * Decodes JSON documents as Go decodes them into the API's types (sigs.k8s.io/json): what has another type is an error,
 * fields that the type does not have are collected, and empty values are dropped as they are when the object is written
 * again.
 */
import { isObject } from '../../json.ts';
import { basicType, fieldsOfStruct, typeName } from './types.ts';
import type { GoField } from './types.ts';

export interface Decoded {
  /** The document with Go's order of fields, without unknown fields, nulls and empty values. */
  value: Record<string, unknown>;
  /** The first value that cannot be decoded; undefined if all can. */
  error?: string;
  /** Paths of unknown fields, such as `spec.containers[0].foo`, in the order of the document. */
  unknown: string[];
}

/** How a decoder words its errors: `json` for documents, `unstructured` for objects that were patched as maps. */
export type Wording = 'json' | 'unstructured';

interface Place {
  /** The innermost struct and the path of the field without indexes. */
  struct: string;
  path: string;
  /** The path with indexes. */
  strict: string;
}

const RANGES: Record<string, [number, number]> = {
  int32: [-(2 ** 31), 2 ** 31 - 1],
  uint32: [0, 2 ** 32 - 1],
};
const QUANTITY = /^[+-]?(?:\d+\.?\d*|\.\d+)(?:[EeinumkKMGTP]*[-+]?\d*)$/;
const RFC_3339 = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;

const jsonKind = (value: unknown): string =>
  Array.isArray(value) ? 'array' : typeof value === 'boolean' ? 'bool' : typeof value;

/** Go's names of the types of a decoded document. */
const sourceType = (value: unknown): string =>
  typeof value === 'number'
    ? Number.isInteger(value)
      ? 'int64'
      : 'float64'
    : typeof value === 'boolean'
      ? 'bool'
      : 'string';

class Decoder {
  readonly unknown: string[] = [];
  error: string | undefined;
  readonly #wording: Wording;
  /** True if a time that is null stays null, as versions before 1.35 write it. */
  readonly #keepsTimes: boolean;
  constructor(wording: Wording, keepsTimes: boolean) {
    this.#wording = wording;
    this.#keepsTimes = keepsTimes;
  }

  #fail(value: unknown, type: string, { struct, path }: Place, literal = jsonKind(value)): undefined {
    if (this.error !== undefined) return undefined;
    this.error =
      this.#wording === 'json'
        ? `json: cannot unmarshal ${literal} into Go ${struct === '' ? 'value' : `struct field ${struct}.${path}`} of type ${typeName(type)}`
        : this.#conversionError(value, type);
    return undefined;
  }

  #conversionError(value: unknown, type: string): string {
    const source = Array.isArray(value) ? 'slice' : isObject(value) ? 'map' : sourceType(value);
    if (type.startsWith('[]')) return `cannot restore slice from ${source}`;
    if (type.startsWith('map:')) return `cannot restore map from ${source}`;
    if (fieldsOfStruct(type)) return `cannot restore struct from: ${source}`;
    const basic = basicType(type);
    const convertible = source === 'int64' || source === 'float64';
    return convertible && basic !== 'bool'
      ? `cannot convert ${source} to ${typeName(type)}`
      : `unrecognized type: ${basic}`;
  }

  #number(value: unknown, type: string, place: Place): unknown {
    if (typeof value !== 'number') return this.#fail(value, type, place);
    const [least, most] = RANGES[basicType(type)] ?? [-(2 ** 63), 2 ** 63];
    if (basicType(type) !== 'float64' && (!Number.isInteger(value) || value < least || value > most))
      return this.#fail(value, type, place, `number ${value}`);
    return value;
  }

  #scalar(value: unknown, type: string, place: Place): unknown {
    if (type === 'raw') return value;
    if (type === 'intOrString') return typeof value === 'string' ? value : this.#number(value, 'int32', place);
    if (type === 'quantity') {
      if (typeof value === 'number' || (typeof value === 'string' && QUANTITY.test(value))) return value;
      this.error ??= `quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'`;
      return undefined;
    }
    if (type === 'time') {
      if (typeof value !== 'string') return this.#fail(value, 'string', place);
      if (value !== '' && !RFC_3339.test(value))
        this.error ??= `parsing time ${JSON.stringify(value)} as "2006-01-02T15:04:05Z07:00": cannot parse ${JSON.stringify(value)} as "2006"`;
      return value;
    }
    const basic = type === 'bytes' ? 'string' : basicType(type);
    if (basic === 'string' || basic === 'bool')
      return typeof value === (basic === 'bool' ? 'boolean' : 'string') ? value : this.#fail(value, type, place);
    return this.#number(value, type, place);
  }

  decode(value: unknown, type: string, place: Place): unknown {
    if (value === null && type === 'time' && this.#keepsTimes) return null;
    if (value === null || value === undefined) return undefined;
    if (type.startsWith('[]')) {
      if (!Array.isArray(value)) return this.#fail(value, type, place);
      return value.map((item, index) =>
        this.decode(item, type.slice(2), { ...place, strict: `${place.strict}[${index}]` }),
      );
    }
    if (type.startsWith('map:')) {
      if (!isObject(value)) return this.#fail(value, type, place);
      const entries = Object.entries(value).toSorted(([one], [other]) => (one < other ? -1 : 1));
      return Object.fromEntries(
        entries.flatMap(([key, each]) => {
          const decoded = this.decode(each, type.slice(4), { ...place, strict: `${place.strict}.${key}` });
          return decoded === undefined && each !== null ? [] : [[key, decoded ?? '']];
        }),
      );
    }
    const fields = fieldsOfStruct(type);
    if (!fields) return this.#scalar(value, type, place);
    if (!isObject(value)) return this.#fail(value, type, place);
    return this.#struct(value, type, fields, place);
  }

  #struct(value: Record<string, unknown>, type: string, fields: Map<string, GoField>, place: Place): unknown {
    const prefix = (path: string): string => (path === '' ? '' : `${path}.`);
    const found = new Map<string, unknown>();
    // In the order of the document, which is the order of the errors.
    for (const [name, each] of Object.entries(value)) {
      const field = fields.get(name);
      const strict = `${prefix(place.strict)}${name}`;
      if (!field) this.unknown.push(strict);
      else
        found.set(name, this.decode(each, field.type, { struct: type, path: `${prefix(place.path)}${name}`, strict }));
    }
    return Object.fromEntries(
      [...fields.values()].flatMap((field) => {
        const each = written(field, found.get(field.name));
        return each === undefined ? [] : [[field.name, each]];
      }),
    );
  }
}

const isEmpty = (value: unknown): boolean =>
  value === '' ||
  value === 0 ||
  value === false ||
  (Array.isArray(value) ? value.length === 0 : isObject(value) && Object.keys(value).length === 0);

/** Returns a field's value as Go writes it after it was stored; undefined if it is not written. */
const written = ({ type, always, pointer }: GoField, value: unknown): unknown => {
  const isList = type.startsWith('[]');
  if (isList && always && (value === undefined || isEmpty(value))) return null;
  if (value === undefined || always || pointer) return value;
  // An empty struct is written, unlike an empty map.
  const isStruct =
    fieldsOfStruct(type) !== undefined || type === 'raw' || type === 'intOrString' || type === 'quantity';
  return isEmpty(value) && !isStruct ? undefined : value;
};

/** Decodes a document into a type of the tables. */
export const decodeInto = (
  document: Record<string, unknown>,
  type: string,
  { wording = 'json', keepsTimes = false }: { wording?: Wording; keepsTimes?: boolean } = {},
): Decoded => {
  const decoder = new Decoder(wording, keepsTimes);
  const value = decoder.decode(document, type, { struct: '', path: '', strict: '' });
  return {
    value: (value ?? {}) as Record<string, unknown>,
    unknown: decoder.unknown,
    ...(decoder.error === undefined ? {} : { error: decoder.error }),
  };
};
