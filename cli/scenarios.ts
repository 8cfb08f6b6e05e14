/** The scenarios that come with the program, which commands accept by name: `--sandbox ebs-csi-irsa`. */
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

/** The published package has the same folders, so this path is right from its bundle too. */
const FOLDER = join(import.meta.dirname, '../sandbox/scenarios');
const ENDING = '.json';

/** Returns the names of the scenarios that come with the program. */
export const scenarioNames = (): string[] =>
  readdirSync(FOLDER)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .sort();

/** Returns the file of a scenario that comes with the program. */
export const fileOfScenario = (name: string): string => join(FOLDER, `${name}${ENDING}`);

/** Returns whether an argument can only be meant as a file: it has a folder or ends as scenario files do. */
const isPath = (argument: string): boolean => argument.includes('/') || argument.endsWith(ENDING);

/** Returns the pairs of neighbouring characters. */
const pairsOf = (text: string): Set<string> =>
  new Set(Array.from({ length: Math.max(0, text.length - 1) }, (_, at) => text.slice(at, at + 2).toLowerCase()));

/** At least this share of the pairs of two names that resemble each other is in both (the coefficient of Dice). */
const ALIKE = 0.5;

/** Returns the names that resemble a mistyped one, the most similar first; at most five. */
export const similarNames = (typed: string, names: readonly string[]): string[] => {
  const pairs = pairsOf(typed);
  return names
    .map((name) => {
      const others = pairsOf(name);
      const shared = [...others].filter((pair) => pairs.has(pair)).length;
      return { name, likeness: (2 * shared) / Math.max(1, pairs.size + others.size) };
    })
    .filter(({ likeness }) => likeness >= ALIKE)
    .sort((a, b) => b.likeness - a.likeness)
    .slice(0, 5)
    .map(({ name }) => name);
};

export type FoundScenario = { readonly file: string } | { readonly similar: string[]; readonly names: string[] };

/**
 * Finds the file for the argument of `--sandbox` or `--scenario`, which is a path or the name of a scenario that comes
 * with the program. An argument with a slash or the ending `.json` is always a path; any other is first a name, then a
 * file in the directory.
 */
export const findScenario = (argument: string, directory = process.cwd()): FoundScenario => {
  if (isPath(argument)) return { file: argument };
  const names = scenarioNames();
  if (names.includes(argument)) return { file: fileOfScenario(argument) };
  const file = join(directory, argument);
  if (existsSync(file)) return { file };
  return { similar: similarNames(argument, names), names };
};
