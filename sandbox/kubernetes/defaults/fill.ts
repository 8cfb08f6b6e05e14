/** Helpers that add defaults to a part of an object without changing it. */
import type { Json } from '../../json.ts';

/** Returns a part of an object with a value for each member that it lacks. */
export const fill = (part: Json, defaults: Json): Json => {
  const filled = { ...part };
  for (const name of Object.keys(defaults)) filled[name] ??= defaults[name];
  return filled;
};

/** Returns a part of an object with one of its members changed, if it has that member. */
export const change = <T>(part: Json, name: string, changed: (value: T) => unknown): Json =>
  part[name] === undefined || part[name] === null ? part : { ...part, [name]: changed(part[name] as T) };

/** Like `change`, for each item of a list. */
export const changeEach = (part: Json, name: string, changed: (item: Json) => Json): Json =>
  change<Json[]>(part, name, (items) => items.map(changed));
