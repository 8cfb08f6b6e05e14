/**
 * Describes what is wrong with data that does not match its schema. The messages name each field, and repeat no value:
 * a
 * value may be a secret, or a megabyte long.
 */
import type { z } from 'zod';
import { shown } from './text.ts';

/** The number of problems to list. */
const MOST_LISTED = 10;
/** The maximum length of one part of a path: a key may be third-party text. */
const KEY = 64;

function messageOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `has a key that ${issue.issues[0]?.message ?? 'is not allowed'}`;
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const { keys } = issue;
  return `has unknown fields: ${keys
    .slice(0, MOST_LISTED)
    .map((key) => shown(key, KEY))
    .join(', ')}${keys.length > MOST_LISTED ? ` and ${keys.length - MOST_LISTED} more` : ''}`;
}

/** Returns a path as text, such as `roles.0`. `whole` is the name of the data, for an empty path. */
export const pathOf = (path: readonly PropertyKey[], whole: string): string =>
  path.map((part) => shown(String(part), KEY)).join('.') || whole;

/** One problem and its path. The path of an unknown key includes the key. */
export interface Wrong {
  /** `whole`, then the path below it, with dots between. */
  path: string;
  message: string;
}

/** Returns what is at a path in data; undefined if there is nothing. */
export const valueAt = (data: unknown, path: readonly PropertyKey[]): unknown =>
  path.reduce<unknown>(
    (one, part) => (typeof one === 'object' && one !== null ? (one as Record<PropertyKey, unknown>)[part] : undefined),
    data,
  );

/**
 * Returns all problems as a list, with one entry for each unknown key. `ofUnknown` may return another message for such a
 * key, whose value is at the path.
 */
export const wrongsOf = (
  { issues }: z.ZodError,
  whole: string,
  ofUnknown: (key: string, path: readonly PropertyKey[]) => string | undefined = () => undefined,
): Wrong[] =>
  issues.flatMap((issue) => {
    const pathText = (path: readonly PropertyKey[]): string =>
      path.length === 0 ? whole : `${whole}.${pathOf(path, '')}`;
    if (issue.code !== 'unrecognized_keys') return [{ path: pathText(issue.path), message: messageOf(issue) }];
    return issue.keys.map((key) => {
      const path = [...issue.path, key];
      return { path: pathText(path), message: ofUnknown(key, path) ?? 'is not a known field' };
    });
  });

/** Returns the first ten problems as one text, and how many more there are. `whole` is the name of the data. */
export function problemsOf({ issues }: z.ZodError, whole: string): string {
  const listed = issues.slice(0, MOST_LISTED).map((issue) => `${pathOf(issue.path, whole)}: ${messageOf(issue)}`);
  return [...listed, ...(issues.length > MOST_LISTED ? [`and ${issues.length - MOST_LISTED} more`] : [])].join('; ');
}

/**
 * Returns whether data has a key `__proto__` at any level: JSON allows it, and schemas silently drop it. Not recursive,
 * since the depth is not limited.
 */
export function hasProtoKey(data: unknown): boolean {
  const left = [data];
  while (left.length > 0) {
    const value = left.pop();
    if (typeof value !== 'object' || value === null) continue;
    if (Object.hasOwn(value, '__proto__')) return true;
    for (const inner of Object.values(value)) left.push(inner);
  }
  return false;
}
