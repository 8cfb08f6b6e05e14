/**
 * Sets of fields, in the notation of managedFields (FieldsV1; sigs.k8s.io/structured-merge-diff, fieldpath): `f:NAME`
 * for a field, `k:{"name":"x"}` for an item of a list that merges by key, `v:"x"` for a value of a set, `.` for a map or
 * item itself.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../json.ts';
import { fieldPlace, isAtomic, itemElement, itemPlace, type Place, ROOT } from './field-schema.ts';

/**
 * The elements of a map or list, with what belongs to the set below each. An element is a member itself if it is empty
 * or contains `.`; otherwise only what is below it belongs to the set.
 */
export interface FieldSet {
  [element: string]: FieldSet;
}

export const ITSELF = '.';
export const EMPTY: FieldSet = {};

export const isEmpty = (set: FieldSet): boolean => {
  for (const _ in set) return false;
  return true;
};

/** Returns whether an element of a set is a member itself. */
export const isMember = (node: FieldSet | undefined): boolean =>
  node !== undefined && (ITSELF in node || isEmpty(node));

/** Adds an element to a set if it is a member, or has members below it. */
const put = (set: FieldSet, element: string, member: boolean, below: FieldSet): void => {
  const hasMembers = !isEmpty(below);
  if (member) set[element] = hasMembers ? { [ITSELF]: {}, ...below } : {};
  else if (hasMembers) set[element] = below;
};

const combined = (one: FieldSet, other: FieldSet, isKept: (inOne: boolean, inOther: boolean) => boolean): FieldSet => {
  const result: FieldSet = {};
  for (const element of new Set([...Object.keys(one), ...Object.keys(other)])) {
    if (element === ITSELF) continue;
    const [mine, theirs] = [one[element], other[element]];
    put(result, element, isKept(isMember(mine), isMember(theirs)), combined(mine ?? EMPTY, theirs ?? EMPTY, isKept));
  }
  return result;
};

export const union = (...sets: FieldSet[]): FieldSet =>
  sets.reduce((one, other) => (isEmpty(one) ? other : isEmpty(other) ? one : combined(one, other, (a, b) => a || b)));

export const intersection = (one: FieldSet, other: FieldSet): FieldSet => combined(one, other, (a, b) => a && b);

/** Returns the members of `one` that are not members of `other`. */
export const difference = (one: FieldSet, other: FieldSet): FieldSet =>
  isEmpty(other) ? one : combined(one, other, (a, b) => a && !b);

/** Returns the set in which every field that has members below it is a member itself. Items of lists are not added. */
export const withFields = (set: FieldSet): FieldSet => {
  const result: FieldSet = {};
  for (const [element, node] of Object.entries(set))
    if (element !== ITSELF) put(result, element, isMember(node) || element.startsWith('f:'), withFields(node));
  return result;
};

/** Returns the set in the order in which the API server writes it. */
export const sorted = (set: FieldSet): FieldSet => {
  const elements = Object.keys(set);
  if (elements.length === 0) return EMPTY;
  return Object.fromEntries(elements.sort().map((element) => [element, sorted(set[element] ?? EMPTY)]));
};

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;
const isBare = (value: unknown): boolean =>
  !isContainer(value) || (Array.isArray(value) ? value.length === 0 : isEmpty(value as FieldSet));

/** Returns all fields of a value, as the owner of an applied configuration has them. */
export const fieldsOf = (value: unknown, place: Place = ROOT): FieldSet => {
  const set: FieldSet = {};
  if (isAtomic(place, value)) return set;
  if (Array.isArray(value)) {
    for (const item of value) {
      const element = itemElement(place, item);
      if (element !== undefined) put(set, element, true, fieldsOf(item, itemPlace(place)));
    }
  } else if (isObject(value)) {
    for (const [key, part] of Object.entries(value)) {
      const at = fieldPlace(key, place);
      // A list without items that merges by key has no fields.
      const isLeaf = isAtomic(at, part) || !isContainer(part) || (!Array.isArray(part) && isBare(part));
      if (part !== undefined) put(set, `f:${key}`, isLeaf, isLeaf ? EMPTY : fieldsOf(part, at));
    }
  }
  return set;
};

/** How a value differs from an earlier one. `modified`: in both, with another value. */
export interface Comparison {
  added: FieldSet;
  modified: FieldSet;
  removed: FieldSet;
}
type Change = keyof Comparison;

/** Returns the parts of a map or list by element. A key that several items have has no value of its own. */
const partsOf = (place: Place, value: unknown): Map<string, { at: Place; values: unknown[] }> => {
  const parts = new Map<string, { at: Place; values: unknown[] }>();
  if (Array.isArray(value)) {
    const at = itemPlace(place);
    for (const item of value) {
      const element = itemElement(place, item);
      if (element === undefined) continue;
      const known = parts.get(element);
      if (known) known.values.push(item);
      else parts.set(element, { at, values: [item] });
    }
  } else if (isObject(value))
    for (const [key, part] of Object.entries(value))
      if (part !== undefined) parts.set(`f:${key}`, { at: fieldPlace(key, place), values: [part] });
  return parts;
};

const NO_CHANGES: Comparison = { added: EMPTY, modified: EMPTY, removed: EMPTY };
const ofItself = (before: unknown, after: unknown): Change | undefined =>
  before === undefined ? 'added' : after === undefined ? 'removed' : undefined;

/** Returns the changes below a value, and the change of the value itself. */
const walk = (before: unknown, after: unknown, place: Place): { itself: Change | undefined; below: Comparison } => {
  const container = isContainer(after) ? after : before;
  if ((isBare(before) && isBare(after)) || isAtomic(place, container)) {
    const isSame = before !== undefined && after !== undefined && isDeepStrictEqual(before, after);
    return { itself: ofItself(before, after) ?? (isSame ? undefined : 'modified'), below: NO_CHANGES };
  }
  const below: Comparison = { added: {}, modified: {}, removed: {} };
  const [then, now] = [partsOf(place, before), partsOf(place, after)];
  for (const element of new Set([...then.keys(), ...now.keys()])) {
    const [old, current] = [then.get(element)?.values ?? [], now.get(element)?.values ?? []];
    const at = (now.get(element) ?? then.get(element))?.at ?? ROOT;
    if (old.length > 1 && current.length > 1) {
      if (!isDeepStrictEqual(old, current)) put(below.modified, element, true, EMPTY);
      continue;
    }
    const several: Change | undefined = old.length > 1 ? 'removed' : current.length > 1 ? 'added' : undefined;
    const single = (values: unknown[]): unknown => (values.length === 1 ? values[0] : undefined);
    const [was, is] = [single(old), single(current)];
    const part = was === undefined && is === undefined ? { itself: undefined, below: NO_CHANGES } : walk(was, is, at);
    for (const change of ['added', 'modified', 'removed'] as const)
      put(below[change], element, part.itself === change || several === change, part.below[change]);
  }
  return { itself: ofItself(before, after), below };
};

/** Returns how an object differs from an earlier one. */
export const compare = (before: object, after: object): Comparison => walk(before, after, ROOT).below;
