/** The inspections of one invocation in a location: up to eight clusters at once, each between its two marks. */
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Counts } from '../../domain/sweep/counts.ts';
import { itemsOf } from '../../domain/sweep/items.ts';
import { clusterKey } from '../../domain/sweep/keys.ts';
import {
  type ClusterInventory,
  clusterInventory,
  type LocationInventory,
  type Sweep,
  type SweepLocation,
} from '../../domain/sweep/model.ts';
import type { AroundCalls, HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';
import { type ClusterInspection, inspectCluster } from './inventory.ts';
import type { Marks } from './marks.ts';
import { LocationMemory } from './memo.ts';
import type { Pace } from './pace.ts';

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
/**
 * The share of an invocation's time that the API server of one cluster may take while other clusters are inspected. Beyond
 * it, the cluster is inspected again alone, with a whole invocation's time.
 */
const LARGEST_SHARE = 1 / 3;
/**
 * How the inspection of a cluster ended. `slow`: its API server took more than its share. `time`: the invocation's time was
 * up before.
 */
type End = 'kept' | 'left-out' | 'slow' | { time: MigrationError };

/** A cluster whose inspection has begun. */
export interface Begun {
  /** Paces and counts the cluster's own calls. */
  pace: Pace;
  /** Resolves once the inspection has ended or reads the API server. */
  elsewhere: Promise<void>;
  /** Whether its API server has taken more than its share. */
  isSlow: boolean;
  /** `thrown`: a defect, or a failure to store the result. */
  end?: End | { thrown: unknown };
}

export interface InspectionsOptions {
  sweep: Sweep;
  location: SweepLocation;
  /** The counts of the location, whose `unreachable` is set if the location is given up. */
  total: LocationInventory;
  marks: Marks;
  pace: Pace;
  dependencies: HandlerDependencies;
}

export class Inspections {
  private readonly sweep: Sweep;
  private readonly location: SweepLocation;
  private readonly total: LocationInventory;
  private readonly marks: Marks;
  private readonly pace: Pace;
  private readonly dependencies: HandlerDependencies;
  private readonly memory = new LocationMemory();
  /** The milliseconds that one cluster's API server may take. */
  private readonly share: number;
  /** By name, in the order in which the inspections began. */
  readonly begun = new Map<string, Begun>();
  private newest: Begun | undefined;
  private readonly inProgress = new Set<Promise<void>>();
  /** The most milliseconds that a cluster took. */
  private longest = 0;
  private brokenOff = 0;

  constructor({ sweep, location, total, marks, pace, dependencies }: InspectionsOptions) {
    this.sweep = sweep;
    this.location = location;
    this.total = total;
    this.marks = marks;
    this.pace = pace;
    this.dependencies = dependencies;
    this.share = dependencies.remainingTime() * LARGEST_SHARE;
  }

  /** Stores the result of a cluster, then queues what is ready. */
  async keep(cluster: string, { version, findings }: ClusterInspection, calls: Counts): Promise<void> {
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
      'application/json',
    );
    // Items are queued only after the result is stored, so that only what can be looked up is begun.
    for (const item of itemsOf(this.sweep, found)) await sweeps.enqueue(sweepId, item);
  }

  private async inspect(cluster: string, begun: Begun, around: AroundCalls): Promise<End> {
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
      if (isMigrationError(error, 'OutOfTime')) return begun.isSlow ? 'slow' : { time: error };
      throw error;
    }
    this.longest = Math.max(this.longest, clock.now() - since);
    this.brokenOff = inspection?.brokenOff ? this.brokenOff + 1 : 0;
    if (inspection) await this.keep(cluster, inspection, begun.pace.calls());
    if (inspection?.brokenOff && this.brokenOff >= MOST_BROKEN_OFF) {
      this.total.unreachable ??= `${this.brokenOff} clusters in a row could not be read completely, and no more calls were made to ${this.location.region} in account ${this.location.account}: ${inspection.brokenOff.message}`;
    }
    return inspection ? 'kept' : 'left-out';
  }

  /** Inspects the cluster between its two marks. A thrown error leaves the cluster open: the process has not died. */
  private async inspectMarked(cluster: string, begun: Begun, around: AroundCalls, alone: boolean): Promise<End> {
    await this.marks.set(cluster, 'begun', alone ? { alone } : {});
    try {
      const end = await this.inspect(cluster, begun, around);
      if (end === 'kept') await this.marks.set(cluster, 'done');
      else if (end === 'left-out') await this.marks.set(cluster, 'done', { leftOut: true });
      else await this.marks.set(cluster, end === 'slow' || alone ? 'apart' : 'open');
      return end;
    } catch (error) {
      // The error matters more than the mark.
      await this.marks.set(cluster, alone ? 'apart' : 'open').catch(() => undefined);
      throw error;
    }
  }

  private begin(cluster: string, alone = false): void {
    const pace = this.pace.another();
    const { clock } = this.dependencies;
    const { promise: elsewhere, resolve } = Promise.withResolvers<void>();
    const begun: Begun = { pace, elsewhere, isSlow: false };
    let taken = 0;
    const around: AroundCalls = (service, call, ...given) => {
      if (service !== 'kubernetes') return pace.around(service, call, ...given);
      resolve();
      begun.isSlow = !alone && taken > this.share;
      if (begun.isSlow)
        throw new MigrationError('OutOfTime', `The API server of cluster ${cluster} took more than its share of time.`);
      const timed: typeof call = async () => {
        const since = clock.now();
        try {
          return await call();
        } finally {
          taken += clock.now() - since;
        }
      };
      return pace.around(service, timed, ...given);
    };
    this.begun.set(cluster, begun);
    this.newest = begun;
    const inspect = async (): Promise<void> => {
      try {
        begun.end = await this.inspectMarked(cluster, begun, around, alone);
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

  /** Inspects as many clusters as there is time for, waits until all inspections have ended, and throws the error of any. */
  async beginAll(clusters: readonly string[]): Promise<void> {
    const mayBegin = (): boolean => this.total.unreachable === undefined && this.mayGoOn();
    const open = clusters.filter((cluster) => !this.marks.done(cluster));
    for (const cluster of open.filter((one) => !this.marks.isApart(one))) {
      await this.room();
      if (!mayBegin()) break;
      this.begin(cluster);
    }
    await Promise.all(this.inProgress);
    for (const cluster of open.filter((one) => this.marks.isApart(one))) {
      if (!mayBegin()) break;
      this.begin(cluster, true);
      await Promise.all(this.inProgress);
    }
    for (const { end } of this.begun.values()) if (typeof end === 'object' && 'thrown' in end) throw end.thrown;
  }
}
