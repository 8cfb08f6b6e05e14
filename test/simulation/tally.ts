import type { Outcome } from '../../lambdas/domain/migration/model.ts';
import { describeSpec } from './spec.ts';
import type { RunResult } from './run.ts';

/** How many runs ended with which outcome. A run of several migrations counts by the most disruptive outcome. */
export interface Tally {
  runs: number;
  migrated: number;
  'rolled-back': number;
  blocked: number;
  'needs-human': number;
  broken: number;
}

export const emptyTally = (): Tally => ({
  runs: 0,
  migrated: 0,
  'rolled-back': 0,
  blocked: 0,
  'needs-human': 0,
  broken: 0,
});

export const mergeTally = (into: Tally, more: Tally): void => {
  for (const key of Object.keys(into) as (keyof Tally)[]) into[key] += more[key];
};

export const tallyLine = (tally: Tally): string =>
  `${tally.runs} runs: ${tally.migrated} migrated, ${tally['rolled-back']} rolled-back, ${tally.blocked} blocked, ${tally['needs-human']} needs-human; ${tally.broken} broken promises`;

const ORDER = ['needs-human', 'rolled-back', 'blocked', 'migrated'] as const;

/** A migration that left no record never began: it counts as blocked unless it was requested again. */
export const outcomeOf = ({ migrations, repeated }: RunResult): (typeof ORDER)[number] => {
  const all: (Outcome | undefined)[] = migrations.map(
    ({ record }, index) => record?.outcome ?? repeated[index]?.record?.outcome,
  );
  const outcomes = all.map((outcome) =>
    outcome === 'already-migrated' || outcome === 'planned' ? 'migrated' : (outcome ?? 'blocked'),
  );
  return ORDER.find((outcome) => outcomes.includes(outcome)) ?? 'blocked';
};

/** Returns the text of a failure: the promise, how it was broken, and how to run it again. */
export const failureText = (result: RunResult, broken: { promise: string; how: string }[]): string =>
  [
    `BROKEN in ${result.spec.scenario}, seed ${result.spec.seed}:`,
    ...broken.slice(0, 5).map(({ promise, how }) => `  ${promise}: ${how}`),
    ...(broken.length > 5 ? [`  and ${broken.length - 5} more`] : []),
    `  replay: npm run simulate -- --replay '${describeSpec(result.spec)}'`,
    '',
  ].join('\n');
