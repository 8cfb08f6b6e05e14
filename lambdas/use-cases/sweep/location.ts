/**
 * Inspects the clusters of one region of one account in the order of their names, as many as an invocation has time for.
 */
import { isMigrationError, type MigrationError } from '../../domain/failures/errors.ts';
import { randomFrom } from '../../domain/text/random.ts';
import { locationReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { added, type Counts } from '../../domain/sweep/counts.ts';
import { itemsOf } from '../../domain/sweep/items.ts';
import { clusterKey, locationKey, progressKey } from '../../domain/sweep/keys.ts';
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
import { type ClusterInspection, inspectCluster } from './inventory.ts';
import { LocationMemory } from './memo.ts';
import { type Pace, paceOf } from './pace.ts';
import { type GoesOn, type LocationProgress, progressOf } from './progress.ts';
import { reasonOf } from './survey.ts';

/**
 * The milliseconds that must be left to begin with another cluster: several times what one takes at five calls a second.
 */
const ENOUGH = 60_000;
/**
 * The number of consecutive clusters that could not be read because of throttling or an unavailable service, after which the
 * location is given up. One call for each of them was refused eight times over half a minute, so that it is no momentary
 * load; further clusters would take hours in a region with hundreds of them, and add to the throttling.
 */
export const MOST_BROKEN_OFF = 3;
/**
 * The number of clusters that are inspected at once. EKS has a pace, which a single cluster does not use up while its API
 * server is read: the next cluster begins then. An API server that does not answer is given up after ten seconds, in which
 * the pace allows the calls for four to six other clusters (docs/sweeps.md: 8 to 13 each, at 5 a second).
 */
export const AT_ONCE = 8;
const JSON_TYPE = 'application/json';

/** How the inspection of a cluster ended. `time`: the invocation's time was up before. */
type End = 'kept' | 'left-out' | { time: MigrationError };

/** A cluster whose inspection has begun. */
interface Begun {
  /** Paces and counts the cluster's own calls. */
  pace: Pace;
  /** Resolves once the inspection has ended or reads the API server. */
  elsewhere: Promise<void>;
  /** `thrown`: a defect, or a failure to store the result. */
  end?: End | { thrown: unknown };
}

class LocationWalk {
  private readonly sweep: Sweep;
  private readonly location: SweepLocation;
  private readonly dependencies: HandlerDependencies;
  private readonly pace: Pace;
  private readonly memory = new LocationMemory();
  /** The counts of earlier invocations and this one. */
  private readonly total: LocationInventory;
  /** By name, in the order in which the inspections began. */
  private readonly begun = new Map<string, Begun>();
  private newest: Begun | undefined;
  private readonly inProgress = new Set<Promise<void>>();
  private clusters = 0;
  /** The most milliseconds that a cluster took. */
  private longest = 0;
  private brokenOff = 0;
  /** The value of the previous invocation; later of this one. */
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

  /** Counts calls for the location itself, as far as they belong to no cluster's result. */
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
    // Items are queued only after the result is stored, so that only what can be looked up is begun.
    for (const item of itemsOf(this.sweep, found)) await sweeps.enqueue(sweepId, item);
  }

  private async inspect(cluster: string, pace: Pace, around: AroundCalls): Promise<End> {
    const { portsFor, settings, ledger, clock } = this.dependencies;
    const since = clock.now();
    const target = { ...this.location, cluster };
    let inspection: ClusterInspection | undefined;
    try {
      inspection = await inspectCluster({
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
    this.brokenOff = inspection?.brokenOff ? this.brokenOff + 1 : 0;
    if (inspection) await this.keep(cluster, inspection, pace.calls());
    if (inspection?.brokenOff && this.brokenOff >= MOST_BROKEN_OFF) {
      this.total.unreachable ??= `${this.brokenOff} clusters in a row could not be read completely, and no more calls were made to ${this.location.region} in account ${this.location.account}: ${inspection.brokenOff.message}`;
    }
    return inspection ? 'kept' : 'left-out';
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
    const inspect = async (): Promise<void> => {
      try {
        begun.end = await this.inspect(cluster, pace, around);
      } catch (thrown) {
        begun.end = { thrown };
      }
      this.inProgress.delete(over);
      resolve();
    };
    const over = inspect();
    this.inProgress.add(over);
  }

  /** Resolves once another inspection may begin. */
  private async room(): Promise<void> {
    await this.newest?.elsewhere;
    while (this.inProgress.size >= AT_ONCE) await Promise.race(this.inProgress);
  }

  /** Returns false if no inspection may begin any more: the time is up, or an error was thrown. */
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

  /** Inspects as many clusters as there is time for, waits until all inspections have ended, and throws the error of any. */
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
   * Returns the reason to report for a cluster whose inspection was not completed; undefined if another invocation must
   * inspect it.
   */
  private reasonFor(cluster: string, begun: Begun | undefined): string | undefined {
    if (this.total.unreachable !== undefined) return this.total.unreachable;
    const [first] = this.begun.values();
    // Another invocation has more time for the cluster, unless this one had nothing else to do.
    if (typeof begun?.end !== 'object' || !('time' in begun.end) || begun !== first) return undefined;
    // A single time may be due to a call that hung.
    if (this.tooShortFor === cluster)
      return `The time of two invocations in a row was too short for its inspection: ${begun.end.time.message}`;
    this.tooShortFor = cluster;
    return undefined;
  }

  /** Counts a cluster. Returns false if another invocation must inspect it. */
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
    // These clusters are inspected again, and their stored results are replaced.
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
      locationKey(this.sweep.sweepId, this.location),
      JSON.stringify(locationInventory.parse(this.total)),
      JSON_TYPE,
    );
    return { done: true, ...(after === undefined ? {} : { after }), clusters: this.clusters };
  }
}

/**
 * Inspects the clusters of the location in the order of their names, beginning after `after`, until all are done or too
 * little time is left. A cluster's result is stored in the bucket, and its ready add-ons are queued, before it counts as
 * done; a repeated call does the same again. What can't be inspected is reported, and so is a cluster that two invocations in
 * a row began with and had too little time for; only a defect is thrown.
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
