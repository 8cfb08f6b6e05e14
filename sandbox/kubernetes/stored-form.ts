/**
 * Finds the stored form of a changed object. Objects are stored without the API's defaults, but clients read and change
 * them with the defaults: what a change leaves as it was served must also be stored as it was.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject } from '../json.ts';

/** Fields that identify the items of a list. */
const KEYS = ['name', 'mountPath', 'uid', 'ip', 'type'];

const isSameItem = (one: unknown, other: unknown): boolean => {
  if (!isObject(one) || !isObject(other)) return isDeepStrictEqual(one, other);
  const key = KEYS.find((each) => typeof one[each] === 'string');
  return key === undefined ? isDeepStrictEqual(one, other) : one[key] === other[key];
};

const listForm = (stored: readonly unknown[], served: readonly unknown[], changed: readonly unknown[]): unknown[] =>
  changed.flatMap((item) => {
    const before = served.find((each) => isSameItem(each, item));
    if (before === undefined) return [item];
    const known = stored.find((each) => isSameItem(each, item));
    // An item that the server added on its own.
    if (known === undefined) return isDeepStrictEqual(before, item) ? [] : [item];
    return [storedForm(known, before, item)];
  });

/**
 * Returns what to store for a changed value. `stored`: the value before the change, as stored; `served`: the same with
 * defaults; `changed`: what `served` became.
 */
export function storedForm(stored: unknown, served: unknown, changed: unknown): unknown {
  if (isDeepStrictEqual(served, changed)) return stored;
  if (Array.isArray(changed) && Array.isArray(served))
    return listForm(Array.isArray(stored) ? stored : [], served, changed);
  if (!isObject(changed) || !isObject(served)) return changed;
  const known = isObject(stored) ? stored : {};
  return Object.fromEntries(
    Object.keys(changed).flatMap((key) => {
      if (!(key in served)) return [[key, changed[key]]];
      if (key in known) return [[key, storedForm(known[key], served[key], changed[key])]];
      if (isDeepStrictEqual(served[key], changed[key])) return [];
      return [[key, storedForm(undefined, served[key], changed[key])]];
    }),
  );
}
