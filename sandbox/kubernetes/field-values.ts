/** The values of fields: merging an applied configuration, and removing fields (structured-merge-diff, typed). */
import { isObject, type Json } from '../json.ts';
import { fieldPlace, isAtomic, itemElement, itemPlace, type Place, ROOT } from '../objects/field-schema.ts';
import {
  difference,
  EMPTY,
  type FieldSet,
  fieldsOf,
  intersection,
  isEmpty,
  isMember,
  union,
  withFields,
} from '../objects/field-sets.ts';

/** Merges lists by key: the configuration's items in its order, among them the others where they were. */
const mergeList = (live: readonly unknown[], config: readonly unknown[], place: Place): unknown[] => {
  const elementOf = (item: unknown): string => itemElement(place, item) ?? JSON.stringify(item);
  const theirs = new Map(live.map((item) => [elementOf(item), item]));
  const mine = new Set(config.map(elementOf));
  const merged: unknown[] = [];
  const waiting = [...live];
  for (const item of config) {
    const element = elementOf(item);
    // Items of the live list that come before a shared item stay before it.
    if (theirs.has(element))
      while (waiting.length > 0) {
        const next = elementOf(waiting[0]);
        if (next === element) {
          waiting.shift();
          break;
        }
        if (mine.has(next)) {
          if (!waiting.some((other) => elementOf(other) === element)) break;
          waiting.shift();
        } else merged.push(waiting.shift());
      }
    merged.push(merge(theirs.get(element), item, itemPlace(place)));
  }
  return [...merged, ...waiting.filter((item) => !mine.has(elementOf(item)))];
};

const merge = (live: unknown, config: unknown, place: Place): unknown => {
  if (config === undefined) return live;
  if (isAtomic(place, config)) return config;
  if (Array.isArray(config)) return mergeList(Array.isArray(live) ? live : [], config, place);
  if (!isObject(config)) return config;
  const merged: Json = isObject(live) ? { ...live } : {};
  for (const [key, value] of Object.entries(config)) merged[key] = merge(merged[key], value, fieldPlace(key, place));
  return merged;
};

/** Returns the live object with the values of a configuration. */
export const mergeApplied = <T extends object>(live: T, configuration: T): T => merge(live, configuration, ROOT) as T;

/** Returns a value without the members of a set; undefined if nothing is left of it. Atomic values are removed whole. */
const without = (value: unknown, set: FieldSet, place: Place): unknown => {
  if (isEmpty(set)) return value;
  if (Array.isArray(value) && !isAtomic(place, value)) {
    const at = itemPlace(place);
    return value.flatMap((item: unknown) => {
      const node = set[itemElement(place, item) ?? ''];
      if (node === undefined) return [item];
      return isMember(node) ? [] : [without(item, node, at)];
    });
  }
  if (!isObject(value) || isAtomic(place, value)) return value;
  return Object.fromEntries(
    Object.entries(value).flatMap(([key, part]) => {
      const node = set[`f:${key}`];
      if (node === undefined) return [[key, part]];
      return isMember(node) ? [] : [[key, without(part, node, fieldPlace(key, place))]];
    }),
  );
};

/**
 * Returns a merged object without the fields that the manager applied last time (`last`) and nobody owns now. `owned`:
 * what all managers own, including what this one applies now.
 */
export const pruned = <T extends object>(merged: T, last: FieldSet, owned: FieldSet): T => {
  const membersOf = (object: unknown): FieldSet => withFields(fieldsOf(object));
  const all = membersOf(merged);
  const previous = withFields(last);
  const kept = membersOf(without(merged, previous, ROOT) ?? EMPTY);
  // Fields below a removed one come back if they have an owner, and so do those that the manager never applied.
  const back = without(merged, difference(all, union(kept, withFields(owned))), ROOT) ?? EMPTY;
  return without(merged, intersection(difference(all, membersOf(back)), previous), ROOT) as T;
};
