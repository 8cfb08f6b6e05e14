/**
 * What is wrong with data that does not fit its schema, in words that name each field and repeat no value: a value may
 * be a secret, or a megabyte long.
 */
import type { z } from 'zod';
import { shown } from './text.ts';

/** As many as a person reads at once. */
const TOLD = 10;
/** Characters of one part of a path: a key may be somebody's text too. */
const KEY = 64;

function wordsOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_key') return `has a key that ${issue.issues[0]?.message ?? 'is not allowed'}`;
  if (issue.code !== 'unrecognized_keys') return issue.message;
  const { keys } = issue;
  return `has fields that are not known: ${keys
    .slice(0, TOLD)
    .map((key) => shown(key, KEY))
    .join(', ')}${keys.length > TOLD ? ` and ${keys.length - TOLD} more` : ''}`;
}

/** A path as it is shown: `roles.0`. `whole`: what the data is called where the path is empty. */
export const pathOf = (path: readonly PropertyKey[], whole: string): string =>
  path.map((part) => shown(String(part), KEY)).join('.') || whole;

/** One thing that is wrong, and where: a key that is not known is its own place. */
export interface Wrong {
  /** `whole`, then the path below it, with dots between. */
  path: string;
  message: string;
}

/** The same as a list, for whoever looks at single fields: whole, each key that is not known by itself. */
export const wrongsOf = ({ issues }: z.ZodError, whole: string): Wrong[] =>
  issues.flatMap((issue) => {
    const pathText = (path: readonly PropertyKey[]): string =>
      path.length === 0 ? whole : `${whole}.${pathOf(path, '')}`;
    if (issue.code !== 'unrecognized_keys') return [{ path: pathText(issue.path), message: wordsOf(issue) }];
    return issue.keys.map((key) => ({ path: pathText([...issue.path, key]), message: 'is not known here' }));
  });

/** `whole`: what the data is called where it is wrong itself. The first ten, and how many more there are. */
export function problemsOf({ issues }: z.ZodError, whole: string): string {
  const told = issues.slice(0, TOLD).map((issue) => `${pathOf(issue.path, whole)}: ${wordsOf(issue)}`);
  return [...told, ...(issues.length > TOLD ? [`and ${issues.length - TOLD} more`] : [])].join('; ');
}

/**
 * Whether there is a key `__proto__` anywhere: JSON has it as any other, schemas leave it out without a word. Not by
 * recursion: nobody says how deep it is.
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
