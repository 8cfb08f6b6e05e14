/** What a run of a part has found: a summary in conformance/results, and all of it in conformance/.results. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from './kept-json.ts';
import type { Explained } from './reasons.ts';

/** The folder of the kept results: what the documents show and the tests compare. */
export const RESULTS = join(import.meta.dirname, 'results');
/** The folder of everything that the last runs have found; git ignores it, and the workflow uploads it. */
const WHOLE_RESULTS = join(import.meta.dirname, '.results');

/** How deep the examples of accepted differences are in the results of a part. */
const RECORDS = 4;

/** Returns the file of the kept results of a part. */
const partFile = (part: string): string => join(RESULTS, `${part}.json`);

/** A difference, with its place. */
export interface PlacedDifference extends Explained {
  /** Where it is: a run, a definition, a template, a pod. */
  where: string;
}

/** The differences with a reason: how many there are, and the shortest of each kind. */
export interface Accepted {
  reason: string;
  times: number;
  examples: Omit<PlacedDifference, 'reason'>[];
}

/** The most examples of a reason that are kept. */
const MOST_EXAMPLES = 5;

/** Returns one difference of each kind, the one with the shortest place, and how many there are; the most frequent first. */
export const kindsOf = <Given extends PlacedDifference>(
  differences: readonly Given[],
): { times: number; example: Given }[] =>
  [...Map.groupBy(differences, ({ what, sandbox, real }) => JSON.stringify([what, sandbox, real])).values()]
    .map((those) => ({
      times: those.length,
      example: those.reduce((least, each) => (each.where.length < least.where.length ? each : least)),
    }))
    .toSorted((a, b) => b.times - a.times);

const acceptedOf = (differences: readonly PlacedDifference[]): Accepted[] =>
  [...Map.groupBy(differences, ({ reason }) => reason)].flatMap(([reason, those]) =>
    reason === undefined
      ? []
      : {
          reason,
          times: those.length,
          examples: kindsOf(those)
            .slice(0, MOST_EXAMPLES)
            .map(({ example: { where, what, sandbox, real } }) => ({ where, what, sandbox, real })),
        },
  );

export interface PartResults {
  /** Name of the part, such as `pods`. */
  part: string;
  /** Day of the run, such as 2026-11-29. */
  date: string;
  /** Versions of the real programs, by name. */
  programs: Record<string, string>;
  /** How long it took, without building and installing. */
  seconds: number;
  /** How many of what was compared, in the order in which they are shown: `{ "generated pods": 3000 }`. */
  counts: Record<string, number>;
  /** What differs and is accepted, by its reasons. */
  accepted: Accepted[];
  /** What cannot be compared, with the reason. */
  notRun: { what: string; why: string }[];
}

/** Writes everything that a run has found, passed or not, such as `pods.json`. */
export const writeWholeResults = (name: string, results: unknown, folder: string = WHOLE_RESULTS): void =>
  writeJson(join(folder, `${name}.json`), results, Infinity);

/** Keeps the results of a whole run in which every difference has a reason. `now`: time of the run. */
export const keepPartResults = (
  results: Omit<PartResults, 'date' | 'accepted'> & { differences: readonly PlacedDifference[] },
  now: Date = new Date(),
): void => {
  const { part, programs, seconds, counts, differences, notRun } = results;
  const date = now.toISOString().slice(0, 10);
  const accepted = acceptedOf(differences);
  const kept: PartResults = { part, date, programs, seconds: Math.round(seconds), counts, accepted, notRun };
  writeJson(partFile(part), kept, RECORDS);
};

/** Returns the kept results of a part, or undefined if there are none. */
export const readPartResults = (part: string): PartResults | undefined => {
  const file = partFile(part);
  return existsSync(file) ? (readJson(file) as PartResults) : undefined;
};

/** Returns the differences that have no reason. */
export const unexplained = <Given extends Explained>(differences: readonly Given[]): Given[] =>
  differences.filter(({ reason }) => reason === undefined);
