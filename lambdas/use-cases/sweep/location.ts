/**
 * The look at the clusters of one region of one account, in the order of their names, as far as an invocation comes.
 */
import { isMigrationError, type MigrationError } from '../../domain/failures/errors.ts';
import { randomFrom } from '../../domain/text/random.ts';
import { locationReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { added, type Counts } from '../../domain/sweep/counts.ts';
import { itemsOf } from '../../domain/sweep/items.ts';
import { clusterKey, paceScopeKey, progressKey } from '../../domain/sweep/keys.ts';
import {
  type ClusterInventory,
  clusterInventory,
  locationInventory,
  type LocationInventory,
  type Sweep,
  type SweepLocation,
} from '../../domain/sweep/model.ts';
import { namesCluster } from '../../domain/sweep/selection.ts';
import type { AroundCalls, HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import { type ClusterInspection, inspectCluster, reasonOf } from './inventory.ts';
import { LocationMemory } from './memo.ts';
import { type Pace, paceOf } from './pace.ts';
import { type GoesOn, type LocationProgress, progressOf } from './progress.ts';

/**
 * Milliseconds that have to be left to begin with another cluster: at five calls a second several times what one takes.
 */
const ENOUGH = 60_000;
/**
 * So many clusters in a row that throttling, or a service that is down, kept from being read: the place is given up.
 * Each has had one call refused eight times, over half a minute, so that it is no matter of one busy moment; a few more
 * of them would take hours of a region with hundreds, and go on adding to what throttles it.
 */
export const MOST_BROKEN_OFF = 3;
/**
 * Clusters that are under way together. EKS has a pace, which one cluster alone does not use up while its API server is
 * asked: the next one begins then. An API server that gives no answer takes ten seconds to be given up, in which the
 * pace would allow the calls of some four to six other clusters (docs/sweeps.md: 8 to 13 each, at 5 a second).
 */
export const AT_ONCE = 8;
const JSON_TYPE = 'application/json';

/** How the look at a cluster ended. `time`: that of the invocation was up before. */
type End = 'kept' | 'left-out' | { time: MigrationError };

/** A cluster that was begun with. */
interface Begun {
  /** Its own calls. */
  pace: Pace;
  /** Resolves once it is over, or asks its API server. */
  elsewhere: Promise<void>;
  /** Of what was thrown: a defect, or what could not be kept. */
  end?: End | { thrown: unknown };
}

class LocationWalk {
  private readonly sweep: Sweep;
  private readonly location: SweepLocation;
  private readonly dependencies: HandlerDependencies;
  private readonly pace: Pace;
  private readonly memory = new LocationMemory();
  /** Of earlier invocations and this one. */
  private readonly total: LocationInventory;
  /** By name, in the order in which they were begun. */
  private readonly begun = new Map<string, Begun>();
  private newest: Begun | undefined;
  private readonly inProgress = new Set<Promise<void>>();
  private clusters = 0;
  /** Milliseconds that the longest cluster took. */
  private longest = 0;
  private brokenOff = 0;
  /** Of the invocation before this one; then of this one. */
  private tooShortFor: string | undefined;

  constructor(
    sweep: Sweep,
    location: SweepLocation,
    total: LocationInventory,
    { after, tooShortFor }: GoesOn,
    dependencies: HandlerDependencies,
  ) {
    const { clock, remainingTime } = dependencies;
    this.sweep = sweep;
    this.location = location;
    this.total = total;
    this.tooShortFor = tooShortFor;
    this.dependencies = dependencies;
    this.pace = paceOf({
      callsPerSecond: sweep.request.callsPerSecond,
      clock,
      random: randomFrom([sweep.sweepId, location.account, location.region, after ?? ''].join(' ')),
      remainingTime,
      used: after !== undefined,
    });
  }

  /** Of the place itself, as far as they belong to no cluster's result. */
  private addCalls(calls: Counts): void {
    this.total.calls = added([this.total.calls, calls]);
  }

  private async keep(cluster: string, { version, findings }: ClusterInspection, calls: Counts): Promise<void> {
    const { documents, sweeps, clock } = this.dependencies;
    const { sweepId } = this.sweep;
    const found: ClusterInventory = {
      ...this.location,
      cluster,
      ...(version === undefined ? {} : { version }),
      observedAt: utcNow(clock),
      findings,
      calls,
    };
    await documents.put(
      clusterKey(sweepId, this.location, cluster),
      JSON.stringify(clusterInventory.parse(found)),
      JSON_TYPE,
    );
    // Only what can be looked up is begun.
    for (const item of itemsOf(this.sweep, found)) await sweeps.enqueue(sweepId, item);
  }

  private async lookAt(cluster: string, pace: Pace, around: AroundCalls): Promise<End> {
    const { portsFor, settings, ledger, clock } = this.dependencies;
    const since = clock.now();
    const target = { ...this.location, cluster };
    let look: ClusterInspection | undefined;
    try {
      look = await inspectCluster({
        request: this.sweep.request,
        target,
        settings,
        ledger,
        ports: portsFor(target, around),
        memory: this.memory,
        clock,
      });
    } catch (error) {
      if (isMigrationError(error, 'OutOfTime')) return { time: error };
      throw error;
    }
    this.longest = Math.max(this.longest, clock.now() - since);
    this.brokenOff = look?.brokenOff ? this.brokenOff + 1 : 0;
    if (look) await this.keep(cluster, look, pace.calls());
    if (look?.brokenOff && this.brokenOff >= MOST_BROKEN_OFF) {
      this.total.unreachable ??= `${this.brokenOff} clusters in a row could not be read to the end, and nothing more was asked of ${this.location.region} in account ${this.location.account}: ${look.brokenOff.message}`;
    }
    return look ? 'kept' : 'left-out';
  }

  private begin(cluster: string): void {
    const pace = this.pace.another();
    const { promise: elsewhere, resolve } = Promise.withResolvers<void>();
    const around: AroundCalls = (service, ...given) => {
      if (service === 'kubernetes') resolve();
      return pace.around(service, ...given);
    };
    const begun: Begun = { pace, elsewhere };
    this.begun.set(cluster, begun);
    this.newest = begun;
    const look = async (): Promise<void> => {
      try {
        begun.end = await this.lookAt(cluster, pace, around);
      } catch (thrown) {
        begun.end = { thrown };
      }
      this.inProgress.delete(over);
      resolve();
    };
    const over = look();
    this.inProgress.add(over);
  }

  /** Resolves once another one may begin. */
  private async room(): Promise<void> {
    await this.newest?.elsewhere;
    while (this.inProgress.size >= AT_ONCE) await Promise.race(this.inProgress);
  }

  /** Nothing more is begun: the time is up, or something was thrown. */
  private mayGoOn(): boolean {
    for (const { end } of this.begun.values()) if (typeof end === 'object') return false;
    return this.begun.size === 0 || this.dependencies.remainingTime() >= Math.max(ENOUGH, this.longest * 1.5);
  }

  private async list(): Promise<string[]> {
    const pace = this.pace.another();
    try {
      return [...(await this.dependencies.fleetOf(this.location, pace.around).listClusters())].sort();
    } catch (error) {
      this.total.unreachable = locationReason(this.location, reasonOf(error).message);
      return [];
    } finally {
      this.addCalls(pace.calls());
    }
  }

  /** As many as there is time for. All that was begun is over then; what one of them has thrown is thrown. */
  private async beginAll(clusters: readonly string[]): Promise<void> {
    for (const cluster of clusters) {
      await this.room();
      if (this.total.unreachable !== undefined || !this.mayGoOn()) break;
      this.begin(cluster);
    }
    await Promise.all(this.inProgress);
    for (const { end } of this.begun.values()) if (typeof end === 'object' && 'thrown' in end) throw end.thrown;
  }

  /**
   * Why a cluster that was not looked at to its end is told as such; undefined where another invocation shall look at
   * it.
   */
  private reasonFor(cluster: string, begun: Begun | undefined): string | undefined {
    if (this.total.unreachable !== undefined) return this.total.unreachable;
    const [first] = this.begun.values();
    // Another invocation has more time for it, unless this one had nothing else to do.
    if (typeof begun?.end !== 'object' || !('time' in begun.end) || begun !== first) return undefined;
    // Once may be a call that hung.
    if (this.tooShortFor === cluster)
      return `Two invocations in a row were too short to look at it: ${begun.end.time.message}`;
    this.tooShortFor = cluster;
    return undefined;
  }

  /** Counts a cluster. False: another invocation shall look at it. */
  private async count(cluster: string): Promise<boolean> {
    const begun = this.begun.get(cluster);
    const calls = begun?.pace.calls() ?? {};
    if (begun?.end === 'left-out') {
      this.total.notSelected += 1;
      this.addCalls(calls);
      return true;
    }
    if (begun?.end !== 'kept') {
      const reason = this.reasonFor(cluster, begun);
      if (reason === undefined) return false;
      await this.keep(cluster, { findings: [unreachableCluster(reason)] }, calls);
    }
    this.total.clusters += 1;
    this.clusters += 1;
    this.tooShortFor = undefined;
    return true;
  }

  private async pause(after: string | undefined, rest: readonly string[]): Promise<LocationProgress> {
    // They are looked at again, and what is kept of them is replaced.
    for (const cluster of rest) this.addCalls(this.begun.get(cluster)?.pace.calls() ?? {});
    await this.dependencies.documents.put(
      progressKey(this.sweep.sweepId, this.location),
      JSON.stringify(this.total),
      JSON_TYPE,
    );
    const { tooShortFor, clusters } = this;
    return {
      done: false,
      ...(after === undefined ? {} : { after }),
      ...(tooShortFor === undefined ? {} : { tooShortFor }),
      clusters,
    };
  }

  async run(from: string | undefined): Promise<LocationProgress> {
    const names = (await this.list()).filter((name) => from === undefined || name > from);
    const isNamed = (name: string): boolean => namesCluster(this.sweep.request.selection, name);
    await this.beginAll(names.filter(isNamed));
    let after = from;
    for (const [index, name] of names.entries()) {
      if (!isNamed(name)) this.total.notSelected += 1;
      else if (!(await this.count(name))) return this.pause(after, names.slice(index));
      after = name;
    }
    await this.dependencies.documents.put(
      paceScopeKey(this.sweep.sweepId, this.location),
      JSON.stringify(locationInventory.parse(this.total)),
      JSON_TYPE,
    );
    return { done: true, ...(after === undefined ? {} : { after }), clusters: this.clusters };
  }
}

/**
 * Looks at the clusters of the place in the order of their names, from after `after` on, until all are over or too
 * little time is left. A cluster's result is in the bucket, and what is ready in the queue, before it counts as over;
 * said again it does the same once more. What can't be looked at is told as such, and so is a cluster that two
 * invocations in a row began with and had too little time for; only a defect is thrown.
 */
export async function inspectLocation(
  sweep: Sweep,
  location: SweepLocation,
  goesOn: GoesOn,
  dependencies: HandlerDependencies,
): Promise<LocationProgress> {
  const { after } = goesOn;
  const total = await progressOf(sweep.sweepId, location, after, dependencies);
  return new LocationWalk(sweep, location, total, goesOn, dependencies).run(after);
}
