/**
 * Writes are requests about an object as the API server returns it, with the API's defaults, but objects are stored
 * without them: only what a write has changed is stored.
 */
import { isDeepStrictEqual } from 'node:util';
import { isObject, type Json } from '../json.ts';
import { itemElement, type Place, fieldPlace, itemPlace, ROOT } from './field-schema.ts';

const rebaseAt = (stored: unknown, before: unknown, after: unknown, place: Place): unknown => {
  if (isDeepStrictEqual(before, after)) return stored;
  if (isObject(stored) && isObject(before) && isObject(after)) {
    const result: Json = {};
    for (const key of new Set([...Object.keys(stored), ...Object.keys(after)])) {
      const value = rebaseAt(stored[key], before[key], after[key], fieldPlace(key, place));
      if (value !== undefined) result[key] = value;
    }
    return result;
  }
  if (!Array.isArray(stored) || !Array.isArray(before) || !Array.isArray(after)) return after;
  // Items are the same if they have the same key, or the same position in a list without keys.
  const keyOf = (item: unknown, index: number): string => itemElement(place, item) ?? String(index);
  const then = new Map(before.map((item: unknown, index) => [keyOf(item, index), item]));
  const had = new Map(stored.map((item: unknown, index) => [keyOf(item, index), item]));
  const isByPosition = after.length !== before.length && after.some((item) => itemElement(place, item) === undefined);
  if (isByPosition) return after;
  return after.map((item: unknown, index) => {
    const key = keyOf(item, index);
    return had.has(key) ? rebaseAt(had.get(key), then.get(key), item, itemPlace(place)) : item;
  });
};

/**
 * Returns the object to store after a write. `stored`: the object without the API's defaults; `before` and `after`: the
 * same object with them, before and after the write.
 */
export const rebase = <T extends object>(stored: T, before: object, after: object): T =>
  rebaseAt(stored, before, after, ROOT) as T;
