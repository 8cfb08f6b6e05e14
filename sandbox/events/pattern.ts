/**
 * Event patterns. Source: EventBridge User Guide, "Comparison operators for use in event patterns". Exact values, prefix,
 * anything-but, exists and $or; any other operator is refused when the rule is read.
 */
import { isObject, type Json } from '../json.ts';

/** Whether a value of the event fits one entry of a pattern's list; `undefined` where the event has none. */
type Test = (value: unknown) => boolean;
type Pattern = (event: unknown) => boolean;

/** A pattern that the sandbox can't compare; `message` is a noun phrase with the path. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const isPlain = (value: unknown): value is string | number | boolean | null => value === null || ['string', 'number', 'boolean'].includes(typeof value);

const anythingBut = (given: unknown, path: string): Test => {
  if (isObject(given)) {
    const { prefix, ...others } = given;
    const prefixes = [prefix].flat();
    if (Object.keys(others).length > 0 || prefixes.some((each) => typeof each !== 'string')) throw new PatternError(`anything-but of ${JSON.stringify(given)} at ${path}`);
    return (value) => typeof value === 'string' && !prefixes.some((each) => value.startsWith(String(each)));
  }
  const refused: readonly unknown[] = Array.isArray(given) ? given : [given];
  if (refused.some((each) => typeof each !== 'string' && typeof each !== 'number')) throw new PatternError(`anything-but of ${JSON.stringify(given)} at ${path}`);
  return (value) => value !== undefined && !refused.includes(value);
};

const testOf = (entry: unknown, path: string): Test => {
  if (isPlain(entry)) return (value) => value === entry;
  if (isObject(entry) && Object.keys(entry).length === 1) {
    const { prefix, exists } = entry;
    if (typeof prefix === 'string') return (value) => typeof value === 'string' && value.startsWith(prefix);
    if (typeof exists === 'boolean') return (value) => (value !== undefined) === exists;
    if ('anything-but' in entry) return anythingBut(entry['anything-but'], path);
  }
  throw new PatternError(`the comparison ${JSON.stringify(entry)} at ${path}`);
};

const fieldOf = (key: string, given: unknown, path: string): Pattern => {
  const at = path === '' ? key : `${path}.${key}`;
  if (key === '$or') {
    if (!Array.isArray(given) || !given.every(isObject)) throw new PatternError(`$or of something that is no list of patterns at ${at}`);
    const alternatives = given.map((each, index) => compile(each, `${at}[${index}]`));
    return (event) => alternatives.some((matches) => matches(event));
  }
  const inside = (event: unknown): unknown => (isObject(event) ? event[key] : undefined);
  if (isObject(given)) {
    const matches = compile(given, at);
    return (event) => matches(inside(event));
  }
  if (!Array.isArray(given)) throw new PatternError(`${JSON.stringify(given)} where a list must be at ${at}`);
  const tests = given.map((entry) => testOf(entry, at));
  return (event) => {
    const value = inside(event);
    // Of a list in the event one item has to fit.
    const values: unknown[] = Array.isArray(value) && value.length > 0 ? value : [value];
    return tests.some((fits) => values.some(fits));
  };
};

/** A pattern as a function of an event. Throws PatternError. */
export const compile = (pattern: Json, path = ''): Pattern => {
  const fields = Object.entries(pattern).map(([key, given]) => fieldOf(key, given, path));
  return (event) => fields.every((matches) => matches(event));
};
