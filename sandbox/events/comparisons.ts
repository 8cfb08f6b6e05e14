/**
 * The comparisons of a pattern with a field's value. Source: EventBridge User Guide, "Comparison operators for use in
 * event patterns"; where it is unspecific, aws/event-ruler, EventBridge's matching engine.
 */
import { isObject } from '../json.ts';

/** A value that is neither a list nor an object: only these are compared. */
export type Leaf = string | number | boolean | null;
export const isLeaf = (value: unknown): value is Leaf =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value);

/** One entry of a pattern's list: the field must be absent, or its value must pass the test. */
export type Comparison = 'absent' | ((value: Leaf) => boolean);

/** A pattern that the sandbox, or EventBridge itself, does not support; `message` is a noun phrase with the path. */
export class PatternError extends Error {
  override readonly name = 'PatternError';
}

const sameInAnyCase = (one: string, other: string): boolean => one.toLowerCase() === other.toLowerCase();

const literal = (character: string): string => (/[.*+?^${}()|[\]\\/]/.test(character) ? `\\${character}` : character);

/** Returns an expression in which `*` matches any run of characters, and an escaped `*` matches itself. */
const wildcard = (text: string): RegExp | undefined => {
  // "Consecutive wildcard characters are not allowed", and a backslash may precede only a wildcard or a backslash.
  if (!/^(?:[^\\*]|\\[\\*]|\*(?!\*))*$/.test(text)) return undefined;
  const source = text.replaceAll(/\\([\\*])|\*|[^\\*]/g, (part, escaped: string | undefined) =>
    part === '*' ? '[^]*' : literal(escaped ?? part),
  );
  return new RegExp(`^${source}$`);
};

type TextTest = (value: string) => boolean;

/** Each returns undefined for an argument that the operator does not accept. */
const textOperators: Record<string, (given: string) => TextTest | undefined> = {
  prefix: (given) => (value) => value.startsWith(given),
  suffix: (given) => (value) => value.endsWith(given),
  'equals-ignore-case': (given) => (value) => sameInAnyCase(value, given),
  wildcard: (given) => {
    const expression = wildcard(given);
    return expression && ((value) => expression.test(value));
  },
};

/** `{ "prefix": { "equals-ignore-case": … } }` and the same with suffix. */
const withoutCase: Record<string, (given: string) => TextTest> = {
  prefix: (given) => (value) => value.toLowerCase().startsWith(given.toLowerCase()),
  suffix: (given) => (value) => value.toLowerCase().endsWith(given.toLowerCase()),
};

const textTest = (operator: string, given: unknown): TextTest | undefined => {
  if (typeof given === 'string')
    return Object.hasOwn(textOperators, operator) ? textOperators[operator]?.(given) : undefined;
  if (!isObject(given) || Object.keys(given).length !== 1 || !Object.hasOwn(withoutCase, operator)) return undefined;
  const { 'equals-ignore-case': text } = given;
  return typeof text === 'string' ? withoutCase[operator]?.(text) : undefined;
};

const NUMBER_TESTS: Record<string, (value: number, bound: number) => boolean> = {
  '=': (value, bound) => value === bound,
  '<': (value, bound) => value < bound,
  '<=': (value, bound) => value <= bound,
  '>': (value, bound) => value > bound,
  '>=': (value, bound) => value >= bound,
};

/** One bound, or a lower bound followed by a greater upper bound. */
const numeric = (given: unknown): Comparison | undefined => {
  if (!Array.isArray(given) || (given.length !== 2 && given.length !== 4)) return undefined;
  const [first, low, second, high] = given as unknown[];
  const one = NUMBER_TESTS[String(first)];
  if (typeof low !== 'number' || !one) return undefined;
  if (given.length === 2) return (value) => typeof value === 'number' && one(value, low);
  const other = NUMBER_TESTS[String(second)];
  if (
    typeof high !== 'number' ||
    !other ||
    !String(first).startsWith('>') ||
    !String(second).startsWith('<') ||
    low >= high
  )
    return undefined;
  return (value) => typeof value === 'number' && one(value, low) && other(value, high);
};

/** Matches any value of any type except these, but the field must exist. */
const anythingBut = (given: unknown): Comparison | undefined => {
  if (!isObject(given)) {
    const excluded: readonly unknown[] = Array.isArray(given) ? given : [given];
    const [type = 'undefined', ...others] = [...new Set(excluded.map((each) => typeof each))];
    // "Either all values are number or string, mixed type is not supported."
    if (others.length > 0 || !['string', 'number'].includes(type)) return undefined;
    return (value) => !excluded.includes(value);
  }
  const [[operator, values] = ['', undefined], ...more] = Object.entries(given);
  const all = [values].flat();
  // An empty prefix or suffix would match nothing; equals-ignore-case is not accepted inside either of them here.
  const empty = (operator === 'prefix' || operator === 'suffix') && all.includes('');
  if (more.length > 0 || all.length === 0 || empty || all.some((each) => typeof each !== 'string')) return undefined;
  const tests = all.map((each) => textTest(operator, each));
  return tests.some((test) => !test)
    ? undefined
    : (value) => typeof value !== 'string' || !tests.some((test) => test?.(value));
};

const exists = (given: unknown): Comparison | undefined =>
  given === true ? () => true : given === false ? 'absent' : undefined;

const OPERATORS: Record<string, (given: unknown) => Comparison | undefined> = {
  numeric,
  exists,
  'anything-but': anythingBut,
};

const expression = (entry: unknown): Comparison | undefined => {
  if (!isObject(entry)) return undefined;
  const [[operator, given] = ['', undefined], ...more] = Object.entries(entry);
  if (more.length > 0) return undefined;
  const known = Object.hasOwn(OPERATORS, operator) ? OPERATORS[operator] : undefined;
  if (known) return known(given);
  const text = textTest(operator, given);
  return text && ((value) => typeof value === 'string' && text(value));
};

/** Throws PatternError for an unknown operator or an argument that it does not accept. */
export const comparisonOf = (entry: unknown, path: string): Comparison => {
  if (isLeaf(entry)) return (value) => value === entry;
  const comparison = expression(entry);
  if (!comparison) throw new PatternError(`the comparison ${JSON.stringify(entry)} at ${path}`);
  return comparison;
};

/**
 * Names that `$or`'s alternatives cannot use for fields: aws/event-ruler, "RESERVED_FIELD_NAMES_IN_OR_RELATIONSHIP",
 * limited to the operators that exist.
 */
export const RESERVED: ReadonlySet<string> = new Set([
  ...Object.keys(textOperators),
  ...Object.keys(OPERATORS),
  ...Object.keys(NUMBER_TESTS),
  'cidr',
  'exactly',
]);
