/**
 * What holds while a sweep migrates: how many are broken, how many are in flight, and in which waves they were begun.
 */
import { expect } from 'vitest';
import type { SweepItem, SweepLimits } from '../../lambdas/domain/sweep/model.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { endedBefore } from '../lambdas/use-cases/sweep/fleet.ts';
import { type Begun, type FleetWorld, keyOf } from './sweep-world.ts';

/** Milliseconds from one sample to the next. Of pods each count in between is seen too. */
const EVERY = 2000;
/**
 * A look of the dispatcher comes so long after the one before at most, while something is in flight; milliseconds, with
 * its Lambda.
 */
const NEXT_POLL = 25_000;

interface Watched {
  cluster: string;
  state: ClusterState;
  /** By workload, its ready pods at the beginning, and now. */
  first: Map<string, number>;
  now: Map<string, number>;
  /** How far its history was read. */
  read: number;
  /** Add-ons that were ACTIVE at the beginning. */
  active: Set<string>;
}

export interface Sample {
  at: number;
  /**
   * `account region cluster` of each in which an add-on is not ACTIVE, or a workload has fewer ready pods than at the
   * beginning.
   */
  broken: string[];
}

/** Samples of the world, from now on until `stop`. Its own thread of the clock. */
export class Watch {
  readonly samples: Sample[] = [];
  /** Clusters in which more than one add-on was not ACTIVE. */
  readonly crowded: string[] = [];
  private readonly world: FleetWorld;
  private readonly watched: Watched[];
  private stopped = false;
  private readonly over: Promise<void>;

  constructor(world: FleetWorld) {
    this.world = world;
    this.watched = [...world.sandbox.world.accounts.values()].flatMap(({ id: account, clusters }) =>
      [...clusters.values()].map((state) => ({
        cluster: `${account} ${state.region} ${state.name}`,
        state,
        first: new Map<string, number>(),
        now: new Map<string, number>(),
        read: 0,
        active: new Set([...state.addons.values()].filter(({ status }) => status === 'ACTIVE').map(({ name }) => name)),
      })),
    );
    for (const one of this.watched) {
      this.readInto(one, (workload, ready) => one.first.set(workload, ready));
      one.now = new Map(one.first);
    }
    this.over = world.sandbox.clock.spawn(() => this.run());
  }

  async stop(): Promise<void> {
    this.stopped = true;
    await this.world.sandbox.clock.park(this.over);
  }

  private async run(): Promise<void> {
    const { clock, sandbox } = this.world.backend;
    while (!this.stopped) {
      sandbox.world.schedule.advanceTo(clock.now());
      this.samples.push({
        at: clock.now(),
        broken: this.watched.filter((one) => this.isBroken(one)).map(({ cluster }) => cluster),
      });
      await clock.sleep(EVERY);
    }
  }

  private readInto(one: Watched, tell: (workload: string, ready: number) => void): void {
    const { readyHistory } = one.state.kube;
    for (const { namespace, kind, workload, ready } of readyHistory.slice(one.read))
      tell(`${kind} ${namespace}/${workload}`, ready);
    one.read = readyHistory.length;
  }

  private isBroken(one: Watched): boolean {
    const inactive = [...one.active].filter((name) => one.state.addons.get(name)?.status !== 'ACTIVE');
    if (inactive.length > 1) this.crowded.push(one.cluster);
    const isShort = (workload: string, ready: number): boolean => ready < (one.first.get(workload) ?? 0);
    let dipped = false;
    this.readInto(one, (workload, ready) => {
      one.now.set(workload, ready);
      dipped ||= isShort(workload, ready);
    });
    return dipped || inactive.length > 0 || [...one.now].some(([workload, ready]) => isShort(workload, ready));
  }
}

/** So many of them at most run at the same moment, of each that `of` tells apart. */
export const mostAtOnce = (begun: readonly Begun[], of: (one: Begun) => readonly string[]): number => {
  let most = 0;
  const counts = new Map<string, number>();
  // What ends at a moment makes room for what begins then.
  const changes = begun.flatMap((one) =>
    of(one).flatMap((key) => [
      { at: one.at, by: 1, key },
      { at: one.until, by: -1, key },
    ]),
  );
  for (const { by, key } of changes.sort((a, b) => a.at - b.at || a.by - b.by)) {
    const count = (counts.get(key) ?? 0) + by;
    counts.set(key, count);
    most = Math.max(most, count);
  }
  return most;
};

/** As the sweep knows it: from its start to its end, with what Recover did after it. */
export const asKnown = (begun: readonly Begun[], items: readonly SweepItem[]): Begun[] => {
  const ends = new Map(items.map(({ migrationId, endedAt }) => [migrationId, endedAt]));
  return begun.map((one) => ({ ...one, until: Date.parse(ends.get(one.id) ?? '') || Number.POSITIVE_INFINITY }));
};

/** None was begun before those of the waves before had ended; begun from a start, or a resume, on. */
export const expectWaves = (begun: readonly Begun[], limits: SweepLimits): void => {
  for (const [index, { at, id }] of begun.entries()) {
    expect(
      begun.filter(({ until }) => until <= at).length,
      `ended when number ${index} (${id}) began`,
    ).toBeGreaterThanOrEqual(endedBefore(index, limits));
  }
};

/** None at all within the limits that hold whatever the waves are. */
export const expectCaps = (begun: readonly Begun[], items: readonly SweepItem[], limits: SweepLimits): void => {
  const roles = new Map(items.map((item) => [item.migrationId, item.roles]));
  expect(
    mostAtOnce(begun, () => ['all']),
    'in flight',
  ).toBeLessThanOrEqual(limits.concurrency);
  expect(
    mostAtOnce(begun, ({ account, region, cluster }) => [`${account} ${region} ${cluster}`]),
    'in one cluster',
  ).toBeLessThanOrEqual(1);
  expect(
    mostAtOnce(begun, ({ id }) => roles.get(id) ?? []),
    'with one role',
  ).toBeLessThanOrEqual(1);
  expect(
    mostAtOnce(begun, ({ account }) => [account]),
    'in one account',
  ).toBeLessThanOrEqual(limits.perAccount);
  expect(
    mostAtOnce(begun, ({ account, region }) => [`${account} ${region}`]),
    'in one region of an account',
  ).toBeLessThanOrEqual(limits.perRegion);
};

/** Size of the wave that was open then. */
const waveAt = (
  at: number,
  items: readonly SweepItem[],
  { canary, concurrency }: SweepLimits,
  firstWave: number,
): number => {
  const open = Math.max(
    firstWave,
    ...items.filter(({ begunAt }) => begunAt !== undefined && Date.parse(begunAt) <= at).map(({ wave = 1 }) => wave),
  );
  return Math.min(concurrency, canary * 2 ** (open - firstWave));
};

/**
 * At no moment was more broken than the wave that was open allows, and nothing but what was in flight, or what a
 * migration had to leave to a person. `firstWave`: number of the wave with `canary` in it. Answers the most.
 */
export const expectBrokenWithin = (
  samples: readonly Sample[],
  {
    items,
    limits,
    left,
    firstWave = 1,
  }: { items: readonly SweepItem[]; limits: SweepLimits; left: readonly SweepItem[]; firstWave?: number },
): number => {
  const clusterOf = ({ account, region, cluster }: SweepItem): string => `${account} ${region} ${cluster}`;
  for (const { at, broken } of samples) {
    const inFlight = items
      .filter(
        ({ begunAt, endedAt }) =>
          begunAt !== undefined &&
          Date.parse(begunAt) <= at &&
          !(endedAt !== undefined && Date.parse(endedAt) + EVERY < at),
      )
      .map(clusterOf);
    const leftBehind = left.filter(({ endedAt }) => endedAt !== undefined && Date.parse(endedAt) <= at).map(clusterOf);
    const when = new Date(at).toISOString();
    expect(
      broken.filter((one) => !inFlight.includes(one) && !leftBehind.includes(one)),
      `broken by nobody at ${when}`,
    ).toEqual([]);
    expect(broken.filter((one) => !leftBehind.includes(one)).length, `broken at ${when}`).toBeLessThanOrEqual(
      waveAt(at, items, limits, firstWave),
    );
  }
  return Math.max(...samples.map(({ broken }) => broken.length));
};

/** Nothing was begun once so many had failed that it had to stop, but for the look that was under way. */
export const expectStopped = (
  begun: readonly Begun[],
  items: readonly SweepItem[],
  { stopAfterFailures }: SweepLimits,
): number => {
  const failedAt = items
    .filter(
      ({ outcome, state }) =>
        state === 'ended' && (outcome === undefined || outcome === 'rolled-back' || outcome === 'needs-human'),
    )
    .map(({ endedAt }) => Date.parse(endedAt ?? ''))
    .sort((a, b) => a - b);
  const last = failedAt[stopAfterFailures - 1] ?? Number.POSITIVE_INFINITY;
  expect(begun.filter(({ at }) => at > last + NEXT_POLL).map(keyOf), 'begun after the stop').toEqual([]);
  return last;
};

/** The most that were begun within any window of so many milliseconds. */
export const mostWithin = (times: readonly number[], milliseconds: number): number => {
  const sorted = [...times].sort((a, b) => a - b);
  let first = 0;
  let most = 0;
  for (const [index, at] of sorted.entries()) {
    while ((sorted[first] ?? at) <= at - milliseconds) first += 1;
    most = Math.max(most, index - first + 1);
  }
  return most;
};
