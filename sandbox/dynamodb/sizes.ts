/**
 * Upper bounds of sizes: almost every item is so small that its exact size, which dynalite computes digit by digit, does
 * not matter.
 */
import type { Json } from '../json.ts';

/** dynalite 4.0.0, db/index.js: MAX_SIZE. */
export const MAX_ITEM_BYTES = 409_600;

/** Lists and maps are never changed in place, so their bounds can be kept. */
const known = new WeakMap<object, number>();

const ofMap = (map: Json): number => {
  let bytes = 3;
  for (const name in map) bytes += 1 + name.length + ofValue(map[name] as Json);
  return bytes;
};
const ofList = (list: readonly Json[]): number => {
  let bytes = 3;
  for (const value of list) bytes += 1 + ofValue(value);
  return bytes;
};

/** By type; the bound of a number exceeds its digits by the bytes for its exponent and sign. */
const OF_TYPE: Record<string, (value: unknown) => number> = {
  S: (text) => (text as string).length,
  N: (text) => (text as string).length + 3,
  BOOL: () => 1,
  NULL: () => 1,
  M: (map) => ofMap(map as Json),
  L: (list) => ofList(list as Json[]),
};
const ofValue = (value: Json): number => {
  for (const type in value) return OF_TYPE[type]?.(value[type]) ?? JSON.stringify(value).length * 3;
  return 0;
};

/** Returns a number of bytes that dynalite's `itemSize` of an item does not exceed. */
export const bytesAtMost = (item: Json): number => {
  let bytes = 0;
  for (const name in item) {
    const value = item[name] as Json;
    if ('M' in value || 'L' in value) {
      const found = known.get(value) ?? ofValue(value);
      known.set(value, found);
      bytes += name.length + found;
    } else bytes += name.length + ofValue(value);
  }
  return bytes;
};
