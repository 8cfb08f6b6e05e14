/** The results of runs on a real control plane, as they are kept in conformance/results. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readJson, writeJson } from '../../kept-json.ts';
import type { Explained } from '../../reasons.ts';
import { RESULTS } from '../../part-results.ts';

/** How deep the runs and cases are in the results: each has a line. */
const RECORDS = 2;

/** Returns the file of the kept results on a version of Kubernetes, such as 1.35. */
export const resultsFile = (version: string): string => join(RESULTS, `kubernetes-${version}.json`);

export interface ActResult {
  title: string;
  /** How it ended in the sandbox. */
  outcome: string;
  /** Seconds of the world's time that it took in each world. */
  worldSeconds: { sandbox: number; real: number };
  /** What was compared. */
  facts: number;
  differences: Explained[];
}

export interface RunResult {
  run: string;
  scenario: string;
  /** Seconds that the run took on the real control plane, with the start of its cluster. */
  seconds: number;
  /** Why the scenario cannot be held by a real control plane; then there are no acts. */
  notHeld?: string;
  /** Why the run could not be finished; counts as a difference. */
  failure?: string;
  /** What is known in addition of a failure, such as the last lines of logs; not kept. */
  details?: string;
  acts: ActResult[];
}

export type Standing = 'equal' | 'accepted' | 'different';

/** A case of `conformance/kubernetes/cases`, without the values of its facts. */
export interface CaseSummary {
  name: string;
  shows: string;
  facts: number;
  verdict: Standing;
  differences: { fact: string; reason?: string | undefined }[];
}

export interface Results {
  /** Release of Kubernetes, such as v1.35.4. */
  kubernetes: string;
  /** Seconds of all runs together. */
  seconds: number;
  runs: RunResult[];
  /** The cases: single behaviors, without a migration; absent if they were not run. */
  cases?: CaseSummary[];
  /** Reasons that explained nothing; empty if only a part was run. */
  unusedReasons: string[];
}

export interface KeptResults extends Results {
  /** Day on which results were kept last, such as 2026-11-29. */
  date: string;
}

/** Returns what is neither equal nor accepted. */
export const openDifferences = ({ runs, unusedReasons }: Results): number =>
  unusedReasons.length +
  runs.reduce(
    (sum, { failure, acts }) =>
      sum +
      (failure === undefined ? 0 : 1) +
      acts.reduce(
        (inner, { differences }) => inner + differences.filter(({ reason }) => reason === undefined).length,
        0,
      ),
    0,
  );

/** Returns whether an act was equal in both worlds, differed only as accepted, or differed otherwise. */
export const standingOf = ({ differences }: Pick<ActResult, 'differences'>): Standing => {
  if (differences.length === 0) return 'equal';
  return differences.every(({ reason }) => reason !== undefined) ? 'accepted' : 'different';
};

export interface Totals {
  runs: number;
  notHeld: number;
  failed: number;
  acts: number;
  facts: number;
  equal: number;
  accepted: number;
  different: number;
}

export const totalsOf = ({ runs }: Pick<Results, 'runs'>): Totals => {
  const acts = runs.flatMap((run) => run.acts);
  const standing = (which: Standing): number => acts.filter((act) => standingOf(act) === which).length;
  return {
    runs: runs.length,
    notHeld: runs.filter(({ notHeld }) => notHeld !== undefined).length,
    failed: runs.filter(({ failure }) => failure !== undefined).length,
    acts: acts.length,
    facts: acts.reduce((sum, { facts }) => sum + facts, 0),
    equal: standing('equal'),
    accepted: standing('accepted'),
    different: standing('different'),
  };
};

/** Returns the difference as one sentence. */
export const sentenceOf = (run: string, act: string, { what, sandbox, real }: Explained): string =>
  `${run}, ${act}: ${what}: sandbox ${sandbox}, real ${real}`;

/** Keeps the results of all runs, of all cases, or of both: what is not given stays as it was kept before. */
export const keepResults = (
  file: string,
  { kubernetes, ...given }: Pick<Results, 'kubernetes'> & Partial<Results>,
  now: Date = new Date(),
): void => {
  const before: Partial<Results> = existsSync(file) ? (readJson(file) as Results) : {};
  const { seconds = 0, runs = [], unusedReasons = [], cases } = { ...before, ...given };
  const kept: KeptResults = {
    kubernetes,
    date: now.toISOString().slice(0, 10),
    seconds,
    unusedReasons,
    ...(cases ? { cases } : {}),
    // JSON leaves out what is undefined.
    runs: runs.map((run) => ({ ...run, details: undefined })),
  };
  writeJson(file, kept, RECORDS);
};
