/** Texts for the problems of a configuration. They name each setting and repeat no value. */
import { z } from 'zod';
import { formerFieldProblem } from '../lambdas/domain/acceptance/former.ts';
import { pathOf, valueAt } from '../lambdas/domain/text/problems.ts';
import { settings } from './settings.ts';

export interface Problem {
  path: readonly PropertyKey[];
  message: string;
}

function isOneEdit(a: string, b: string): boolean {
  let start = 0;
  while (start < a.length && a[start] === b[start]) start += 1;
  const [restA, restB] = [a.slice(start), b.slice(start)];
  const swapped =
    restA.length > 1 && restA[0] === restB[1] && restA[1] === restB[0] && restA.slice(2) === restB.slice(2);
  return swapped || restA.slice(1) === restB.slice(1) || restA.slice(1) === restB || restA === restB.slice(1);
}

/**
 * Returns the name among `known` that was probably meant: it differs only in case and punctuation, or in one letter
 * that is wrong, missing, added, or swapped with its neighbour.
 */
export function meantBy(typed: string, known: readonly string[]): string | undefined {
  const bare = (text: string): string =>
    text
      .slice(0, 64)
      .toLowerCase()
      .replaceAll(/[^a-z]/g, '');
  return known.find((name) => isOneEdit(bare(typed), bare(name)));
}

/** Returns the schema without the wrappers that make it optional. */
function unwrapped(schema: unknown): unknown {
  return schema instanceof z.ZodOptional || schema instanceof z.ZodPrefault || schema instanceof z.ZodDefault
    ? unwrapped(schema.unwrap())
    : schema;
}

/** Returns the names of the settings in the group at a path. */
function namesAt(path: readonly PropertyKey[]): string[] {
  const group = path.reduce<unknown>((schema, part) => {
    const outer = unwrapped(schema);
    return outer instanceof z.ZodObject ? outer.shape[String(part)] : undefined;
  }, settings);
  const inner = unwrapped(group);
  return inner instanceof z.ZodObject ? Object.keys(inner.shape) : [];
}

const TYPES: Record<string, string> = {
  string: 'text',
  object: 'a group of settings',
  array: 'a list',
  boolean: 'true or false',
};
const plain = (message: string): string =>
  message
    .replace(/^Invalid input: expected (\w+), received \w+$/, (_, type: string) => `must be ${TYPES[type] ?? type}`)
    .replace(/^Invalid option: expected one of /, 'must be one of ');

/** Returns the problems of a zod issue of the given settings; one for each unknown name. */
export function problemsIn(issue: z.core.$ZodIssue, given: unknown): Problem[] {
  const { path } = issue;
  if (issue.code !== 'unrecognized_keys') return [{ path, message: plain(issue.message) }];
  return issue.keys.map((key) => {
    const former = formerFieldProblem(key, valueAt(given, [...path, key]));
    if (former !== undefined) return { path: [...path, key], message: former };
    const meant = meantBy(key, namesAt(path));
    return {
      path: [...path, key],
      message:
        meant === undefined
          ? 'is not a setting: correct its spelling, or remove it'
          : `is not a setting: did you mean ${pathOf([...path, meant], '')}?`,
    };
  });
}

/** Maximum number of problems listed in a section. */
const MOST_LISTED = 50;

/** Returns a heading and a line for each problem, or nothing if there are none. */
export function section(heading: string, problems: readonly Problem[]): string[] {
  if (problems.length === 0) return [];
  const lines = problems
    .slice(0, MOST_LISTED)
    .map(({ path, message }) => `  ${pathOf(path, 'the configuration')}: ${message}`);
  return [heading, ...lines, ...(problems.length > MOST_LISTED ? [`  and ${problems.length - MOST_LISTED} more`] : [])];
}
