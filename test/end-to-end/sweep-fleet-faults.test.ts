/**
 * What may be over in a moment, at the calls of each step of a sweep: it still comes to its end, and nothing is begun
 * twice.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { SweepTally } from '../../lambdas/domain/sweep/model.ts';
import type { FaultKind } from '../../sandbox/world/faults.ts';
import { classesExpected, classesIn, type FleetWorld, inFleet, keyOf, openFleet } from './sweep-world.ts';

/**
 * Three clusters in two accounts with four add-ons that are ready: two on one role, one in whose way an association
 * stands.
 */
const FLEET = { clusters: 3, seed: 59, accounts: 2, regions: ['eu-west-1'], addons: 4 };
const LIMITS = { canary: 1, concurrency: 2 };
const READY = 4;
const KINDS: FaultKind[] = [
  'throttled',
  'server-error',
  'lost-before',
  'lost-after',
  'crash-before',
  'crash-after',
  'time-out-before',
  'time-out-after',
];
/** How many calls of each step are tried, spread over all that it makes. */
const SAMPLE = { 'begin-sweep': 5, 'take-inventory': 8, 'dispatch-sweep': 10, 'report-sweep': 5 };
type SweepStep = keyof typeof SAMPLE;

interface Site {
  step: SweepStep;
  /** Which of the step's calls, counted from 1. */
  call: number;
  kind: FaultKind;
}

const callsOf = ({ sandbox }: FleetWorld, step: string, from = 0) =>
  sandbox.world.faults.seen.filter((call) => call.step === step && call.n > from);
const spread = (count: number, of: number): number[] =>
  Array.from({ length: count }, (_, index) => 1 + Math.floor((index * (of - 1)) / (count - 1)));
const readyIn = ({ expected }: FleetWorld): string[] =>
  expected
    .filter((one) => one.class === 'ready')
    .map(keyOf)
    .sort();

type Mode = 'plan' | 'migrate';
interface Seen {
  where: string;
  struck: boolean;
  outcome: string | undefined;
  tally: SweepTally;
  classes: Record<string, string>;
  rows: number;
  /** Add-ons whose migrations were started; whether these are just those that the sweep has. */
  begun: string[];
  asQueued: boolean;
}

const whereOf = ({ step, call, kind }: Site): string => `${kind} at call ${call} of ${step}`;
/** One sweep with that fault. */
const sweepWith = async (world: FleetWorld, site: Site, mode: Mode): Promise<Seen> => {
  const { faults } = world.sandbox.world;
  const [since, known] = [faults.seen.length, new Set(world.begun().map(({ id }) => id))];
  faults.clear();
  faults.add(site);
  const { standing, report } = await world.sweep({ mode, limits: LIMITS });
  const begun = world.begun().filter(({ id }) => !known.has(id));
  const items = (await world.items(standing.sweepId)).map(({ migrationId }) => migrationId).sort();
  return {
    where: whereOf(site),
    struck: callsOf(world, site.step, since).length >= site.call,
    outcome: standing.outcome,
    tally: standing.tally,
    classes: classesIn(report),
    rows: report.rows.length,
    begun: begun.map(keyOf).sort(),
    asQueued: JSON.stringify(begun.map(({ id }) => id).sort()) === JSON.stringify(items),
  };
};
/** Complete, and each add-on begun once. */
const wanted = (world: FleetWorld, site: Site, mode: Mode): Seen => ({
  where: whereOf(site),
  struck: true,
  outcome: 'completed',
  tally: { queued: 0, inFlight: 0, ended: { [mode === 'plan' ? 'planned' : 'migrated']: READY } },
  classes: classesExpected(world.expected),
  rows: world.expected.length,
  begun: readyIn(world),
  asQueued: true,
});

describe('a fault', () => {
  let world: FleetWorld;
  let sites: Site[];
  let since: number;
  beforeAll(async () => {
    world = await openFleet(FLEET);
    // The third one is like those that follow: its functions are warm, their sessions there, and there was a sweep
    // before.
    for (let sweep = 0; sweep < 3; sweep += 1) {
      since = world.sandbox.world.faults.seen.length;
      await world.run(() => world.sweep({ mode: 'plan', limits: LIMITS }));
    }
    sites = Object.entries(SAMPLE).flatMap(([step, count], first) =>
      spread(count, callsOf(world, step, since).length).map((call, index) => ({
        step: step as SweepStep,
        call,
        kind: KINDS[(index * 3 + first * 5) % KINDS.length] ?? 'throttled',
      })),
    );
  });
  afterAll(() => world.backend.close());

  it('is tried of each kind, and at calls of each of the services', () => {
    expect(sites.map(({ kind }) => kind)).toEqual(expect.arrayContaining(KINDS));
    const services = sites.map(({ step, call }) => callsOf(world, step, since)[call - 1]?.service);
    expect(services).toEqual(expect.arrayContaining(['dynamodb', 'eks', 's3']));
    expect(readyIn(world)).toHaveLength(READY);
  });

  it.each(Object.keys(SAMPLE))(
    'at a call of %s keeps no sweep from its end, and has nothing planned twice',
    async (step) => {
      for (const site of sites.filter((one) => one.step === step))
        expect(await world.run(() => sweepWith(world, site, 'plan'))).toEqual(wanted(world, site, 'plan'));
    },
  );

  it.each(KINDS)('%s, where a migration is started or noted, has none begun twice', async (kind) => {
    // Its first start; and what it notes of the canary that has ended.
    for (const call of kind.endsWith('-after') ? [10, 19] : [10]) {
      const site: Site = { step: 'dispatch-sweep', call, kind };
      expect(await inFleet(FLEET, (fresh) => sweepWith(fresh, site, 'migrate'))).toEqual(
        wanted(world, site, 'migrate'),
      );
    }
  });
});
