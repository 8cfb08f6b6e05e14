import type { Outcome } from '../../lambdas/domain/terms/outcome.ts';
import { actsFor } from './interferences.ts';
import type { RunResult } from './run.ts';
import type { SimulatedScenario } from './scenarios.ts';
import { type ActorSpec, describeSpec } from './spec.ts';

/** How many runs ended with which outcome. A run of several migrations counts by the most disruptive outcome. */
export interface Tally {
  runs: number;
  migrated: number;
  'rolled-back': number;
  blocked: number;
  'needs-human': number;
  broken: number;
  /** How many runs drew, or accepted, each act of ordinary life or of another principal: see `tallyActs`. */
  acts: Record<string, number>;
}

export const emptyTally = (): Tally => ({
  runs: 0,
  migrated: 0,
  'rolled-back': 0,
  blocked: 0,
  'needs-human': 0,
  broken: 0,
  acts: {},
});

const COUNTS = ['runs', 'migrated', 'rolled-back', 'blocked', 'needs-human', 'broken'] as const;

export const mergeTally = (into: Tally, more: Tally): void => {
  for (const key of COUNTS) into[key] += more[key];
  for (const [key, count] of Object.entries(more.acts)) into.acts[key] = (into.acts[key] ?? 0) + count;
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

const STRATEGIES = ['recreate', 'preserve', 'in-place', 'associate'] as const;
type Strategy = (typeof STRATEGIES)[number];

/** Returns the strategy of a scenario; `auto` if the plan chooses it. */
export const strategyOf = ({ requests: [request] }: SimulatedScenario): Strategy | 'auto' => {
  if (request?.serviceAccount) return 'associate';
  if (request?.strategy === 'recreate') return request.preserve === true ? 'preserve' : 'recreate';
  return request?.strategy === 'in-place' ? 'in-place' : 'auto';
};

/** Adds the acts of a run to the tally: each once, if it was drawn and if it was accepted, by strategy and outcome. */
export const tallyActs = ({ acts }: Tally, result: RunResult): void => {
  const strategy = strategyOf(result.simulated);
  const add = (...words: string[]): void => {
    const key = words.join(' ');
    acts[key] = (acts[key] ?? 0) + 1;
  };
  const lived = result.life?.records ?? [];
  for (const does of new Set(lived.map(({ event }) => event.does))) {
    add('life', does, 'drawn');
    if (!lived.some(({ event, at }) => event.does === does && at !== undefined)) continue;
    add('life', does, strategy);
    add('life', does, outcomeOf(result));
  }
  if (Number(result.spec.knobs?.['webhookLagSeconds'] ?? 0) >= LATE_SECONDS && result.life) {
    add('life', 'webhook-lag', 'drawn');
    add('life', 'webhook-lag', strategy);
    add('life', 'webhook-lag', outcomeOf(result));
  }
  if (result.actor?.accepted === true) add('act', result.actor.spec.does, strategy);
};
const LATE_SECONDS = 30;

/** Returns a table of the acts of ordinary life: how many runs drew each, and accepted it, by strategy and by outcome. */
export const lifeTable = ({ acts }: Tally): string[] => {
  const kinds = [...new Set(Object.keys(acts).flatMap((key) => /^life (\S+)/.exec(key)?.[1] ?? []))].sort();
  if (kinds.length === 0) return [];
  const columns = ['drawn', ...STRATEGIES, ...ORDER.toReversed()];
  return [
    ['act'.padEnd(20), ...columns].join('  '),
    ...kinds.map((kind) =>
      [
        kind.padEnd(20),
        ...columns.map((column) => String(acts[`life ${kind} ${column}`] ?? 0).padStart(column.length)),
      ].join('  '),
    ),
  ];
};

/** The add-on always exists while it is updated in place, so that nobody can create it. */
const IMPOSSIBLE: Record<string, readonly ActorSpec['does'][]> = { 'in-place': ['recreate'] };
/** The scenario that shows which acts concern a strategy. */
const OF_STRATEGY: Record<Strategy, string> = {
  recreate: 'recreate',
  preserve: 'preserve',
  'in-place': 'in-place',
  associate: 'service-account',
};

/** Returns the acts of other principals that no run of a strategy accepted, although the strategy allows them. */
export const neverAccepted = ({ acts }: Tally): string[] =>
  STRATEGIES.flatMap((strategy) =>
    actsFor(OF_STRATEGY[strategy])
      .filter((does) => !(IMPOSSIBLE[strategy] ?? []).includes(does))
      .filter((does) => acts[`act ${does} ${strategy}`] === undefined)
      .map((does) => `no run of the strategy ${strategy} accepted the act ${does}`),
  );

/** Returns the text of a failure: the promise, how it was broken, and how to run it again. */
export const failureText = (result: RunResult, broken: { promise: string; how: string }[]): string =>
  [
    `BROKEN in ${result.spec.scenario}, seed ${result.spec.seed}:`,
    ...broken.slice(0, 5).map(({ promise, how }) => `  ${promise}: ${how}`),
    ...(broken.length > 5 ? [`  and ${broken.length - 5} more`] : []),
    `  replay: npm run simulate -- --replay '${describeSpec(result.spec)}'`,
    '',
  ].join('\n');
