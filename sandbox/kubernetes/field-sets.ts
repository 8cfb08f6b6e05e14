/**
 * Sets of fields, in the notation of managedFields (FieldsV1; sigs.k8s.io/structured-merge-diff, fieldpath): `f:NAME`
 * for a field, `k:{"name":"x"}` for an item of a list that merges by key, `.` for such an item or a map itself.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../json.ts';
import { MERGE_KEYS } from './patch.ts';

/**
 * A leaf is empty: it represents everything below it. A set that contains only `.` represents the map or item itself,
 * without its fields.
 */
export interface FieldSet {
  [element: string]: FieldSet;
}

const ITSELF = '.';
/** Objects that have one owner as a whole (k8s.io/api: structType and mapType atomic). */
const ATOMIC = new Set(['selector', 'labelSelector', 'nodeSelector', 'fieldRef', 'configMapKeyRef', 'secretKeyRef']);
/** Lists whose keys differ from those of a strategic merge patch. */
const LIST_KEYS: Record<string, string[]> = { ports: ['containerPort', 'protocol'], conditions: ['type'] };
const DEFAULTS: Record<string, unknown> = { protocol: 'TCP' };

const isLeaf = (set: FieldSet): boolean => Object.keys(set).length === 0;

/** Returns the element `k:{…}` of an item; undefined in an atomic list. */
const itemElement = (list: string, item: unknown): string | undefined => {
  const keys = LIST_KEYS[list] ?? (MERGE_KEYS[list] === undefined ? [] : [MERGE_KEYS[list]]);
  if (keys.length === 0 || !isObject(item)) return undefined;
  const entries = keys.map((key) => [key, item[key] ?? DEFAULTS[key]] as const);
  return entries.some(([, value]) => value === undefined)
    ? undefined
    : `k:${JSON.stringify(Object.fromEntries(entries))}`;
};

/** Returns the parts of a value that can have different owners; undefined for an atomic value. */
const partsOf = (name: string, value: unknown): [element: string, name: string, part: unknown][] | undefined => {
  if (Array.isArray(value)) {
    const items = value.map((item: unknown) => [itemElement(name, item), name, item] as const);
    return items.length > 0 && items.every((item): item is [string, string, unknown] => item[0] !== undefined)
      ? items.map((item) => [...item])
      : undefined;
  }
  if (!isObject(value) || ATOMIC.has(name) || Object.keys(value).length === 0) return undefined;
  return Object.entries(value).map(([key, part]) => [`f:${key}`, key, part]);
};

/** Returns all fields of a value. `name`: name of the field that contains the value. */
export const fieldsOf = (value: unknown, name = ''): FieldSet => {
  const set: FieldSet = {};
  for (const [element, own, part] of partsOf(name, value) ?? []) {
    set[element] = element.startsWith('k:') ? { [ITSELF]: {}, ...fieldsOf(part) } : fieldsOf(part, own);
  }
  return set;
};

/** Returns whether `after` counts as removed: an empty map does, unless it is atomic. */
const isEmptied = (before: unknown, after: unknown, name: string): boolean =>
  isObject(before) && isObject(after) && Object.keys(after).length === 0 && !ATOMIC.has(name);

/** Returns the fields of `after` that `before` lacks or that have another value there; undefined if there are none. */
export const changesOf = (before: unknown, after: unknown, name = ''): FieldSet | undefined => {
  if (after === undefined || isEmptied(before, after, name) || isDeepStrictEqual(before, after)) return undefined;
  const parts = partsOf(name, after);
  if (!parts) return {};
  if (before === undefined) return { [ITSELF]: {}, ...fieldsOf(after, name) };
  const then = new Map((partsOf(name, before) ?? []).map(([element, , part]) => [element, part]));
  const changed = parts.flatMap(([element, own, part]) => {
    const set = changesOf(then.get(element), part, element.startsWith('k:') ? '' : own);
    return set ? [[element, set] as const] : [];
  });
  return changed.length > 0 ? Object.fromEntries(changed) : undefined;
};

/** Returns the fields of `before` that `after` lacks; undefined if there are none. */
export const removalsOf = (before: unknown, after: unknown, name = ''): FieldSet | undefined => {
  if (before === undefined) return undefined;
  const parts = partsOf(name, before);
  if (after === undefined || isEmptied(before, after, name))
    return parts ? { [ITSELF]: {}, ...fieldsOf(before, name) } : {};
  const now = new Map((partsOf(name, after) ?? []).map(([element, , part]) => [element, part]));
  const removed = (parts ?? []).flatMap(([element, own, part]) => {
    const set = removalsOf(part, now.get(element), element.startsWith('k:') ? '' : own);
    return set ? [[element, set] as const] : [];
  });
  return removed.length > 0 ? Object.fromEntries(removed) : undefined;
};

/** Returns a set as managedFields writes it: a map or item without fields becomes an empty object. */
export const serialized = (set: FieldSet): FieldSet => {
  const elements = Object.entries(set);
  if (elements.every(([element]) => element === ITSELF)) return {};
  return Object.fromEntries(elements.map(([element, part]) => [element, serialized(part)]));
};

export const union = (one: FieldSet, other: FieldSet): FieldSet => {
  const merged = { ...one };
  for (const [element, set] of Object.entries(other)) merged[element] = union(merged[element] ?? {}, set);
  return merged;
};

/**
 * Returns the intersection; undefined if it is empty. A leaf of one set matches everything that the other has below it.
 */
export const common = (one: FieldSet, other: FieldSet): FieldSet | undefined => {
  if (isLeaf(one)) return other;
  if (isLeaf(other)) return one;
  const shared = Object.entries(one).flatMap(([element, set]) => {
    const found = element === ITSELF ? undefined : other[element];
    const both = found && common(set, found);
    return both ? [[element, both] as const] : [];
  });
  return shared.length > 0 ? Object.fromEntries(shared) : undefined;
};

/**
 * Returns `set` without the fields that the leaves of `other` represent; undefined if nothing is left. Of a map, `.`
 * can be left: the manager that created the map still owns it.
 */
export const without = (set: FieldSet, other: FieldSet): FieldSet | undefined => {
  if (isLeaf(other)) return undefined;
  if (isLeaf(set)) return set;
  const left = Object.entries(set).flatMap(([element, part]) => {
    const taken = other[element];
    const rest = taken ? without(part, taken) : part;
    return rest ? [[element, rest] as const] : [];
  });
  return left.length > 0 ? Object.fromEntries(left) : undefined;
};

/** Maps whose keys may contain dots: everything after the map's name is one key. */
const MAPS = /^(?:labels|annotations|data|stringData|limits|requests)$/;
const STEP = /\.(?<field>[\w-]+)|\[(?<keys>[^\]]*)\]/y;

/**
 * Parses a path in EKS's notation, such as `.spec.template.spec.containers[name="x"].image`; returns undefined if the
 * path is not valid.
 */
export const parseField = (path: string): FieldSet | undefined => {
  const elements: string[] = [];
  STEP.lastIndex = 0;
  for (let at = 0; at < path.length; at = STEP.lastIndex) {
    const last = elements.at(-1) ?? '';
    if (MAPS.test(last.slice(2)) && path[at] === '.') {
      elements.push(`f:${path.slice(at + 1)}`);
      break;
    }
    const { field, keys = '' } = STEP.exec(path)?.groups ?? {};
    if (STEP.lastIndex === 0) return undefined;
    if (field !== undefined) elements.push(`f:${field}`);
    else elements.push(`k:{${keys.replace(/(^|,)(\w+)=/g, '$1"$2":')}}`);
  }
  return elements.length === 0 ? undefined : elements.reduceRight<FieldSet>((set, element) => ({ [element]: set }), {});
};

/** Returns `[name="x"]` for `k:{"name":"x"}`. */
const itemText = (element: string): string => {
  const keys = Object.entries(JSON.parse(element.slice(2)) as Record<string, unknown>);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
};

/** Returns the paths of a set's leaves, in the notation of `parseField`. */
export const formatFields = (set: FieldSet, path = ''): string[] => {
  if (isLeaf(set)) return path === '' ? [] : [path];
  return Object.entries(set).flatMap(([element, part]) =>
    element === ITSELF
      ? []
      : formatFields(part, `${path}${element.startsWith('k:') ? itemText(element) : `.${element.slice(2)}`}`),
  );
};

/**
 * Returns a copy of `target` in which `leaf` computes the value at each leaf of the set from the value in `source`;
 * neither argument is changed.
 */
const replaced = (
  target: unknown,
  source: unknown,
  set: FieldSet,
  leaf: (value: unknown) => unknown,
  name: string,
): unknown => {
  if (isLeaf(set)) return leaf(source);
  if (Array.isArray(target)) {
    return target.map((item: unknown) => {
      const element = itemElement(name, item) ?? '';
      const part = set[element];
      const other = Array.isArray(source)
        ? source.find((each: unknown) => itemElement(name, each) === element)
        : undefined;
      return part ? replaced(item, other, part, leaf, '') : item;
    });
  }
  if (target !== undefined && !isObject(target)) return target;
  const result = { ...target };
  for (const [element, part] of Object.entries(set)) {
    if (!element.startsWith('f:')) continue;
    const field = element.slice(2);
    const value = replaced(result[field], isObject(source) ? source[field] : undefined, part, leaf, field);
    if (value === undefined) delete result[field];
    else result[field] = value;
  }
  return target === undefined && Object.keys(result).length === 0 ? undefined : result;
};

/** Returns a copy of `target` in which the fields of the set come from `source`. */
export const withFieldsOf = <T extends object>(target: T, source: object, set: FieldSet): T =>
  replaced(target, source, set, (value) => value, '') as T;

/** Returns a copy of `target` with `value` at each leaf of the set. */
export const withValue = <T extends object>(target: T, set: FieldSet, value: unknown): T =>
  replaced(target, undefined, set, () => value, '') as T;
