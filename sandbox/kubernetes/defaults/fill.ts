/** Helpers that add defaults to a part of an object without changing it. */
import { isObject, type Json } from '../../json.ts';

/** Returns a part of an object with a value for each member that it lacks. */
export const fill = (part: Json, defaults: Json): Json => {
  const filled = { ...part };
  for (const name of Object.keys(defaults)) filled[name] ??= defaults[name];
  return filled;
};

/** Returns a part of an object with one of its members changed, if it has that member. */
export const change = (part: Json, name: string, changed: (value: Json) => unknown): Json =>
  isObject(part[name]) ? { ...part, [name]: changed(part[name]) } : part;

/** Returns a part of an object with each item of one of its lists changed, if it has that list. */
export const changeEach = (part: Json, name: string, changed: (item: Json) => Json): Json =>
  Array.isArray(part[name]) ? { ...part, [name]: (part[name] as Json[]).map(changed) } : part;
