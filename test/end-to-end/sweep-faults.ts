/** Sweeps of a small fleet with a fault at a call of one of their steps, and the expected result of each. */
import { expect } from 'vitest';
import type { SweepTally } from '../../lambdas/domain/sweep/model.ts';
import type { SeenCall } from '../../sandbox/calls/faults.ts';
import { type FaultCase, faultAt, faultCases, TRANSIENT_KINDS, type TransientKind } from '../faults/contract.ts';
import { classesExpected, classesIn, type FleetWorld, inFleet, keyOf, openFleet } from './sweep-world.ts';

/**
 * Three clusters in two accounts with four add-ons that are ready: two share a role, and one has a conflicting
 * association.
 */
const FLEET = { clusters: 3, seed: 59, accounts: 2, regions: ['eu-west-1'], addons: 4 };
const LIMITS = { canary: 1, concurrency: 2 };
export const READY = 4;
/** How many calls of each step are tried, spread over all calls of the step. */
export const SPREAD = { 'begin-sweep': 5, 'take-inventory': 8, 'dispatch-sweep': 10, 'report-sweep': 5 };
type SweepStep = keyof typeof SPREAD;

/** A fault at one of a step's calls. */
export interface Site extends FaultCase<TransientKind> {
  step: SweepStep;
}

export const callsOf = ({ sandbox }: FleetWorld, step: string, from = 0) =>
  sandbox.world.faults.seen.filter((call) => call.step === step && call.n > from);
const spread = (count: number, of: number): number[] =>
  Array.from({ length: count }, (_, index) => 1 + Math.floor((index * (of - 1)) / (count - 1)));
export const readyIn = ({ expected }: FleetWorld): string[] =>
  expected
    .filter((one) => one.class === 'ready')
    .map(keyOf)
    .sort();

type Mode = 'plan' | 'migrate';
interface Seen {
  struck: boolean;
  outcome: string | undefined;
  tally: SweepTally;
  classes: Record<string, string>;
  rows: number;
  /** The add-ons whose migrations were started; checks that these are exactly the sweep's. */
  begun: string[];
  asQueued: boolean;
}

/** Runs one sweep with that fault. */
const sweepWith = async (world: FleetWorld, site: Site, mode: Mode): Promise<Seen> => {
  const { faults } = world.sandbox.world;
  const [since, known] = [faults.seen.length, new Set(world.begun().map(({ id }) => id))];
  faults.clear();
  faults.add(faultAt(site.step, site));
  const { standing, report } = await world.sweep({ mode, limits: LIMITS });
  const begun = world.begun().filter(({ id }) => !known.has(id));
  const items = (await world.items(standing.sweepId)).map(({ migrationId }) => migrationId).sort();
  return {
    struck: callsOf(world, site.step, since).length > site.position,
    outcome: standing.outcome,
    tally: standing.tally,
    classes: classesIn(report),
    rows: report.rows.length,
    begun: begun.map(keyOf).sort(),
    asQueued: JSON.stringify(begun.map(({ id }) => id).sort()) === JSON.stringify(items),
  };
};
/** Returns the expected result: the sweep completes, and starts each add-on once. */
const wanted = (world: FleetWorld, mode: Mode): Seen => ({
  struck: true,
  outcome: 'completed',
  tally: { queued: 0, inFlight: 0, ended: { [mode === 'plan' ? 'planned' : 'migrated']: READY } },
  classes: classesExpected(world.expected),
  rows: world.expected.length,
  begun: readyIn(world),
  asQueued: true,
});

/** A fleet with warm functions, whose steps make the calls of every later sweep. */
export const openSwept = async (): Promise<{ world: FleetWorld; calls: (step: SweepStep) => SeenCall[] }> => {
  const world = await openFleet(FLEET);
  let since = 0;
  // The third sweep is like later ones: its functions are warm, their sessions exist, and there was a sweep before.
  for (let sweep = 0; sweep < 3; sweep += 1) {
    since = world.sandbox.world.faults.seen.length;
    await world.run(() => world.sweep({ mode: 'plan', limits: LIMITS }));
  }
  const last = world.sandbox.world.faults.seen.length;
  return { world, calls: (step) => callsOf(world, step, since).filter(({ n }) => n <= last) };
};

/** Calls of each step, spread over all its calls, each with the next kind of fault. */
export const sitesOf = (calls: (step: SweepStep) => SeenCall[]): Site[] =>
  Object.entries(SPREAD).flatMap(([name, count], first) => {
    const step = name as SweepStep;
    const made = calls(step);
    return spread(count, made.length).map((call, index): Site => ({
      step,
      kind: TRANSIENT_KINDS[(index * 3 + first * 5) % TRANSIENT_KINDS.length]!,
      position: call - 1,
      call: `${step} ${made[call - 1]!.service}:${made[call - 1]!.operation}`,
    }));
  });

/** One of those sites for each kind, at as many different steps as possible. */
export const oneOfEachKind = (sites: readonly Site[]): Site[] =>
  TRANSIENT_KINDS.flatMap((kind, index) => {
    const same = sites.filter((site) => site.kind === kind);
    return same.slice(index % same.length, (index % same.length) + 1);
  });

/** Expects that a sweep that only plans completes with that fault, and plans nothing twice. */
export const expectSwept = async (world: FleetWorld, site: Site): Promise<void> =>
  expect(await world.run(() => sweepWith(world, site, 'plan'))).toEqual(wanted(world, 'plan'));

/** The sweep's first start of a migration, and its note that the canary has ended. */
const STARTS = faultCases(TRANSIENT_KINDS, ['the first start', 'the note about the canary']).map((fault): Site => ({
  ...fault,
  step: 'dispatch-sweep',
  position: fault.position === 0 ? 9 : 18,
}));
/** Each kind at the start of a migration; at the note, those that strike after the call's effect. */
export const START_FAULTS = STARTS.filter(({ kind, position }) => position === 9 || kind.endsWith('-after'));

/** Expects that no migration is started twice with that fault, in a separate fleet. */
export const expectBegunOnce = (site: Site): Promise<void> =>
  inFleet(FLEET, async (fresh) => expect(await sweepWith(fresh, site, 'migrate')).toEqual(wanted(fresh, 'migrate')));
