/**
 * The Go types of the API's objects: names, order and types of their fields (k8s.io/api and k8s.io/apimachinery v0.35).
 * Errors name these types, and JSON that the API server writes has the fields in this order. In `types.json`,
 * `name=type` is a field; `!` after the name means that it is written even if it is empty, `*` before the type that it
 * is a pointer.
 */
import table from './types.json' with { type: 'json' };

export interface GoField {
  name: string;
  type: string;
  /** True if an empty value is written too: the field has no `omitempty`. */
  always: boolean;
  pointer: boolean;
}

const structs = table.structs as Record<string, string>;
const scalars = table.scalars as Record<string, string>;
const kinds = table.kinds as Record<string, string>;
const parsed = new Map<string, Map<string, GoField>>();

const fieldOf = (text: string): GoField => {
  const [name = '', type = ''] = text.split('=');
  return {
    name: name.replace('!', ''),
    type: type.replace('*', ''),
    always: name.endsWith('!'),
    pointer: type.startsWith('*'),
  };
};

/** Returns the fields of a struct in Go's order; undefined if the type is no struct. */
export const fieldsOfStruct = (type: string): Map<string, GoField> | undefined => {
  const known = parsed.get(type);
  if (known) return known;
  if (!Object.hasOwn(structs, type)) return undefined;
  const fields = new Map((structs[type] ?? '').split(' ').map((text) => [fieldOf(text).name, fieldOf(text)]));
  parsed.set(type, fields);
  return fields;
};

/** Returns the basic type of a named one, such as `string` for `RestartPolicy`. */
export const basicType = (type: string): string => scalars[type] ?? type;

/** Returns whether the API server knows a kind in that version, as far as the tables go. */
export const isRegistered = (apiVersion: string, kind: string): boolean =>
  Object.hasOwn(kinds, kind) && kinds[kind] === apiVersion;

/** Types of fields that have no name of their own in the tables. */
const NAMES: Record<string, string> = {
  time: 'v1.Time',
  intOrString: 'intstr.IntOrString',
  quantity: 'resource.Quantity',
  raw: 'runtime.RawExtension',
  bytes: '[]uint8',
};
const BASIC = new Set(['bool', 'float64', 'int', 'int32', 'int64', 'string', 'uint32', 'uint64']);

/** Returns the name of a type as Go prints it, such as `[]v1.Container`. */
export const typeName = (type: string): string => {
  if (type.startsWith('[]')) return `[]${typeName(type.slice(2))}`;
  if (type.startsWith('map:')) return `map[string]${typeName(type.slice(4))}`;
  if (BASIC.has(type) || type.includes('.')) return type;
  return NAMES[type] ?? `v1.${type}`;
};
