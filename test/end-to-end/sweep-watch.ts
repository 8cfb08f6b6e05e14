/**
 * What holds while a sweep migrates: how many add-ons are broken, how many migrations are in flight, and in which waves
 * they were started.
 */
import { expect } from 'vitest';
import type { SweepItem } from '../../lambdas/domain/sweep/model.ts';
import type { SweepLimits } from '../../lambdas/domain/sweep/request.ts';
import type { ClusterState } from '../../sandbox/world/world.ts';
import { endedBefore } from '../lambdas/use-cases/sweep/fleet.ts';
import { type Begun, type FleetWorld, keyOf } from './sweep-world.ts';

/** Milliseconds between two samples. For pods, each count in between is seen too. */
const EVERY = 2000;
/**
 * The longest time between two ticks of the dispatcher while something is in flight; milliseconds, including its
 * Lambda.
 */
const NEXT_POLL = 25_000;

interface Watched {
  cluster: string;
  state: ClusterState;
  /** The ready pods by workload, at the beginning and now. */
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
   * `account region cluster` of each cluster in which an add-on is not ACTIVE, or a workload has fewer ready pods than
   * at the beginning.
   */
  broken: string[];
}

/** Samples the world from now on until `stop`, in a separate thread of the clock. */
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

  private readInto(one: Watched, report: (workload: string, ready: number) => void): void {
    const { readyHistory } = one.state.kube;
    for (const { namespace, kind, workload, ready } of readyHistory.slice(one.read))
      report(`${kind} ${namespace}/${workload}`, ready);
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

/** Returns the highest number that ran at the same moment, for each group that `of` distinguishes. */
const mostAtOnce = (begun: readonly Begun[], of: (one: Begun) => readonly string[]): number => {
  let most = 0;
  const counts = new Map<string, number>();
  // A migration that ends at a moment makes room for one that begins then.
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

/** The duration that the sweep sees: from the start to the end, including what Recover did after it. */
export const asKnown = (begun: readonly Begun[], items: readonly SweepItem[]): Begun[] => {
  const ends = new Map(items.map(({ migrationId, endedAt }) => [migrationId, endedAt]));
  return begun.map((one) => ({ ...one, until: Date.parse(ends.get(one.id) ?? '') || Number.POSITIVE_INFINITY }));
};

/** Asserts that none was started before those of earlier waves had ended, counted from a start or a resume. */
export const expectWaves = (begun: readonly Begun[], limits: SweepLimits): void => {
  for (const [index, { at, id }] of begun.entries()) {
    expect(
      begun.filter(({ until }) => until <= at).length,
      `ended when number ${index} (${id}) began`,
    ).toBeGreaterThanOrEqual(endedBefore(index, limits));
  }
};

/** Asserts the limits that hold in every wave. */
export const expectCaps = (begun: readonly Begun[], items: readonly SweepItem[], limits: SweepLimits): void => {
  const roles = new Map(items.map((item) => [item.migrationId, item.roles]));
  const most: [what: string, limit: number, of: (one: Begun) => readonly string[]][] = [
    ['in flight', limits.concurrency, () => ['all']],
    ['in one cluster', 1, ({ account, region, cluster }) => [`${account} ${region} ${cluster}`]],
    ['with one role', 1, ({ id }) => roles.get(id) ?? []],
    ['in one account', limits.perAccount, ({ account }) => [account]],
    ['in one region of an account', limits.perRegion, ({ account, region }) => [`${account} ${region}`]],
  ];
  const exceeded = most.filter(([, limit, of]) => mostAtOnce(begun, of) > limit);
  expect(exceeded.map(([what, limit, of]) => `${mostAtOnce(begun, of)} ${what}, of ${limit}`)).toEqual([]);
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
 * Asserts that at no moment more was broken than the open wave allows, and only what was in flight or left to a person.
 * `firstWave`: number of the wave that contains `canary`. Returns the maximum.
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
      `broken without a migration in flight at ${when}`,
    ).toEqual([]);
    expect(broken.filter((one) => !leftBehind.includes(one)).length, `broken at ${when}`).toBeLessThanOrEqual(
      waveAt(at, items, limits, firstWave),
    );
  }
  return Math.max(...samples.map(({ broken }) => broken.length));
};

/** Asserts that nothing was started once the threshold of failures was reached, except by the tick under way. */
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

/** Returns the highest number that was started within any window of this many milliseconds. */
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
