/**
 * Paths of fields as text, such as `.spec.template.spec.containers[name="x"].image`, as EKS and the API server write
 * them (structured-merge-diff, `PathElement.String`), and the values at the paths.
 */
import { isObject } from '../json.ts';
import { fieldPlace, itemElement, itemPlace, type Place, ROOT } from '../objects/field-schema.ts';
import { type FieldSet, isEmpty, isMember, ITSELF } from '../objects/field-sets.ts';

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
    else if (keys.startsWith('=')) elements.push(`v:${keys.slice(1)}`);
    else elements.push(`k:{${keys.replace(/(^|,)(\w+)=/g, '$1"$2":')}}`);
  }
  return elements.length === 0 ? undefined : elements.reduceRight<FieldSet>((set, element) => ({ [element]: set }), {});
};

/** Returns `.name` for `f:name`, `[name="x"]` for `k:{"name":"x"}`, and `[="x"]` for `v:"x"`. */
const elementText = (element: string): string => {
  const text = element.slice(2);
  if (element.startsWith('f:')) return `.${text}`;
  if (element.startsWith('v:')) return `[=${text}]`;
  const keys = Object.entries(JSON.parse(text) as Record<string, unknown>);
  return `[${keys.map(([key, value]) => `${key}=${JSON.stringify(value)}`).join(',')}]`;
};

/** Returns the paths of a set's leaves, in the notation of `parseField`. */
export const formatFields = (set: FieldSet, path = ''): string[] => {
  if (isEmpty(set)) return path === '' ? [] : [path];
  return Object.entries(set).flatMap(([element, part]) =>
    element === ITSELF ? [] : formatFields(part, `${path}${elementText(element)}`),
  );
};

/** Returns the paths of a set's members, in the order in which the API server names them: members before what is below. */
export const formatMembers = (set: FieldSet, path = ''): string[] => {
  const elements = Object.entries(set)
    .filter(([element]) => element !== ITSELF)
    .sort(([one], [other]) => (one < other ? -1 : 1));
  const members = elements.filter(([, node]) => isMember(node));
  return [
    ...members.map(([element]) => `${path}${elementText(element)}`),
    ...elements.flatMap(([element, node]) => formatMembers(node, `${path}${elementText(element)}`)),
  ];
};

/**
 * Returns what two sets share, where a leaf represents everything below it; undefined if nothing. A leaf of one set
 * matches everything that the other has below it.
 */
export const common = (one: FieldSet, other: FieldSet): FieldSet | undefined => {
  if (isEmpty(one)) return other;
  if (isEmpty(other)) return one;
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
  if (isEmpty(other)) return undefined;
  if (isEmpty(set)) return set;
  const left = Object.entries(set).flatMap(([element, part]) => {
    const taken = other[element];
    const rest = taken ? without(part, taken) : part;
    return rest ? [[element, rest] as const] : [];
  });
  if (left.length === 0) return undefined;
  return left.length === 1 && left[0]?.[0] === ITSELF ? {} : Object.fromEntries(left);
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
  place: Place,
): unknown => {
  if (isEmpty(set)) return leaf(source);
  if (Array.isArray(target)) {
    return target.map((item: unknown) => {
      const element = itemElement(place, item) ?? '';
      const part = set[element];
      const other = Array.isArray(source)
        ? source.find((each: unknown) => itemElement(place, each) === element)
        : undefined;
      return part ? replaced(item, other, part, leaf, itemPlace(place)) : item;
    });
  }
  if (target !== undefined && !isObject(target)) return target;
  const result = { ...target };
  for (const [element, part] of Object.entries(set)) {
    if (!element.startsWith('f:')) continue;
    const field = element.slice(2);
    const from = isObject(source) ? source[field] : undefined;
    const value = replaced(result[field], from, part, leaf, fieldPlace(field, place));
    if (value === undefined) delete result[field];
    else result[field] = value;
  }
  return target === undefined && isEmpty(result as FieldSet) ? undefined : result;
};

/** Returns a copy of `target` in which the fields of the set come from `source`. */
export const withFieldsOf = <T extends object>(target: T, source: object, set: FieldSet): T =>
  replaced(target, source, set, (value) => value, ROOT) as T;

/** Returns a copy of `target` with `value` at each leaf of the set. */
export const withValue = <T extends object>(target: T, set: FieldSet, value: unknown): T =>
  replaced(target, undefined, set, () => value, ROOT) as T;
