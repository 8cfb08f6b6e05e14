/**
 * Default messages for values that do not match a schema without its own message. They follow the style of the
 * service's
 * other messages instead of zod's, and do not repeat the value.
 */
import type { z } from 'zod';

const KINDS: Record<string, string> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  object: 'an object',
  record: 'an object',
  array: 'a list',
  tuple: 'a list',
  null: 'null',
};

const count = (value: number | bigint, one: string, more = `${one}s`): string => `${value} ${value === 1 ? one : more}`;

/** Returns the size with its unit for a text, a list or an object; `undefined` for a number. */
function sized(origin: string, value: number | bigint): string | undefined {
  if (origin === 'string') return count(value, 'character');
  if (origin === 'array' || origin === 'set') return count(value, 'entry', 'entries');
  if (origin === 'object' || origin === 'record' || origin === 'map') return count(value, 'field');
  return undefined;
}

function tooSmall({ origin, minimum, inclusive }: z.core.$ZodIssueTooSmall): string {
  const size = sized(origin, minimum);
  if (size !== undefined) return minimum === 1 ? 'must not be empty' : `must have at least ${size}`;
  return inclusive === false ? `must be more than ${minimum}` : `must be at least ${minimum}`;
}

function tooBig({ origin, maximum, inclusive }: z.core.$ZodIssueTooBig): string {
  const size = sized(origin, maximum);
  if (size !== undefined) return `must have at most ${size}`;
  return inclusive === false ? `must be less than ${maximum}` : `must be at most ${maximum}`;
}

const FORMATS: Record<string, string> = {
  datetime: 'must be a time such as 2026-01-15T09:00:00Z',
  date: 'must be a date such as 2026-01-15',
  time: 'must be a time of day such as 09:00',
};
const formatted = ({ format, pattern }: z.core.$ZodIssueInvalidStringFormat): string =>
  FORMATS[format] ?? (pattern === undefined ? `must have the form of ${format}` : `must match the pattern ${pattern}`);

const oneOf = (values: readonly z.core.util.Primitive[]): string => {
  const shown = values.map((value) => JSON.stringify(value) ?? String(value));
  return values.length === 1 ? `must be ${shown.join('')}` : `must be one of ${shown.join(', ')}`;
};

type Words = { [Code in z.core.$ZodIssue['code']]: (issue: Extract<z.core.$ZodIssue, { code: Code }>) => string };
const WORDS: Words = {
  invalid_type: ({ expected }) => `must be ${KINDS[expected] ?? `of type ${expected}`}`,
  invalid_value: ({ values }) => oneOf(values),
  invalid_format: formatted,
  too_small: tooSmall,
  too_big: tooBig,
  not_multiple_of: ({ divisor }) => `must be a multiple of ${divisor}`,
  unrecognized_keys: ({ keys }) => `has ${count(keys.length, 'unknown field')}`,
  invalid_union: () => 'has none of the allowed forms',
  invalid_key: () => 'has a key that is not allowed',
  invalid_element: () => 'has an entry that is not allowed',
  custom: () => 'is not allowed',
};

/** Returns whether a value is missing, regardless of its type. */
const isMissing = ({ code, input }: z.core.$ZodRawIssue): boolean =>
  input === undefined && (code === 'invalid_type' || code === 'invalid_value' || code === 'invalid_union');

/** Parameter of `parse` and `safeParse` if people read the errors. A schema's own messages take precedence. */
export const ZOD_MESSAGES: z.core.ParseContext<z.core.$ZodIssue> = {
  error: (issue) => (isMissing(issue) ? 'is missing' : (WORDS[issue.code] as (issue: unknown) => string)(issue)),
};
