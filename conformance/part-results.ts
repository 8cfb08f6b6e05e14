/** What a whole run of a part has found, as it is kept in conformance/results. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Explained } from './reasons.ts';

/** The folder of the kept results. */
export const RESULTS = join(import.meta.dirname, 'results');

/** Returns the file of the kept results of a part. */
export const partFile = (part: string): string => join(RESULTS, `${part}.json`);

/** A difference, with its place. */
export interface PlacedDifference extends Explained {
  /** Where it is: a run, a definition, a template, a pod. */
  where: string;
}

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
  /** What differs: only what is accepted, in results that are kept. */
  differences: PlacedDifference[];
  /** What cannot be compared, with the reason. */
  notRun: { what: string; why: string }[];
}

/** Keeps the results of a whole run in which every difference has a reason. `now`: time of the run. */
export const keepPartResults = (results: Omit<PartResults, 'date'>, now: Date = new Date()): void => {
  const { part, programs, seconds, counts, differences, notRun } = results;
  const date = now.toISOString().slice(0, 10);
  const kept: PartResults = { part, date, programs, seconds: Math.round(seconds), counts, differences, notRun };
  const file = partFile(part);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, `${JSON.stringify(kept, undefined, 2)}\n`);
};

/** Returns the kept results of a part, or undefined if there are none. */
export const readPartResults = (part: string): PartResults | undefined => {
  const file = partFile(part);
  return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as PartResults) : undefined;
};

/** Returns the differences that have no reason. */
export const unexplained = <Given extends Explained>(differences: readonly Given[]): Given[] =>
  differences.filter(({ reason }) => reason === undefined);
