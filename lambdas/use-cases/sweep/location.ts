/**
 * Inspects the clusters of one region of one account in the order of their names, as many as an invocation has time for.
 */
import { randomFrom } from '../../domain/text/random.ts';
import { locationReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { added, type Counts } from '../../domain/sweep/counts.ts';
import { locationKey, progressKey } from '../../domain/sweep/keys.ts';
import {
  type InspectionMark,
  locationInventory,
  type LocationInventory,
  type Sweep,
  type SweepLocation,
} from '../../domain/sweep/model.ts';
import { namesCluster } from '../../domain/sweep/selection.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { type Begun, Inspections } from './inspections.ts';
import { Marks } from './marks.ts';
import { type Pace, paceOf } from './pace.ts';
import { type GoesOn, type LocationProgress, progressOf } from './progress.ts';
import { reasonOf } from './survey.ts';

const JSON_TYPE = 'application/json';

/** The reason to report for a cluster that ended an invocation twice. */
const setAsideReason = (cluster: string): string =>
  `An invocation that inspected cluster ${cluster} and others ended without an answer, and so did one that inspected this cluster alone: reading it most likely takes more memory or time than the Lambda function has. Plan it from a machine with more of both: pod-identity plan --cluster ${cluster}`;

class LocationWalk {
  private readonly sweep: Sweep;
  private readonly location: SweepLocation;
  private readonly dependencies: HandlerDependencies;
  private readonly pace: Pace;
  private readonly marks: Marks;
  private readonly inspections: Inspections;
  /** The counts of earlier invocations and this one. */
  private readonly total: LocationInventory;
  private clusters = 0;
  /** The value of the previous invocation; later of this one. */
  private tooShortFor: string | undefined;

  constructor(
    sweep: Sweep,
    location: SweepLocation,
    total: LocationInventory,
    { after, tooShortFor }: GoesOn,
    marks: Marks,
    dependencies: HandlerDependencies,
  ) {
    const { clock, remainingTime } = dependencies;
    this.sweep = sweep;
    this.location = location;
    this.total = total;
    this.tooShortFor = tooShortFor;
    this.marks = marks;
    this.dependencies = dependencies;
    this.pace = paceOf({
      callsPerSecond: sweep.request.callsPerSecond,
      clock,
      random: randomFrom([sweep.sweepId, location.account, location.region, after ?? ''].join(' ')),
      remainingTime,
      used: after !== undefined || marks.areAny,
    });
    this.inspections = new Inspections({ sweep, location, total, marks, pace: this.pace, dependencies });
  }

  /** Counts calls for the location itself, as far as they belong to no cluster's result. */
  private addCalls(calls: Counts): void {
    this.total.calls = added([this.total.calls, calls]);
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

  /**
   * Returns the reason to report for a cluster whose inspection was not completed; undefined if another invocation must
   * inspect it.
   */
  private reasonFor(cluster: string, begun: Begun | undefined): string | undefined {
    if (this.total.unreachable !== undefined) return this.total.unreachable;
    const [first] = this.inspections.begun.values();
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
    const begun = this.inspections.begun.get(cluster);
    const done = this.marks.done(cluster);
    const calls = begun?.pace.calls() ?? {};
    if (done?.leftOut) {
      this.total.notSelected += 1;
      this.addCalls(calls);
      return true;
    }
    if (!done) {
      const reason = this.reasonFor(cluster, begun);
      if (reason === undefined) return false;
      await this.inspections.keep(cluster, { findings: [unreachableCluster(reason)] }, calls);
      await this.marks.set(cluster, 'done');
    }
    this.total.clusters += 1;
    if (!done || begun) this.clusters += 1;
    this.tooShortFor = undefined;
    return true;
  }

  /**
   * Notes during the inspection of which clusters an earlier invocation died. Each is inspected again, alone; one that was
   * alone is set aside. Nothing else is done in this invocation, so that its success renews the attempts of the state.
   */
  private async setAside(interrupted: readonly InspectionMark[], from: string | undefined): Promise<LocationProgress> {
    for (const { cluster, alone } of interrupted) {
      if (alone) await this.inspections.keep(cluster, { findings: [unreachableCluster(setAsideReason(cluster))] }, {});
      await this.marks.set(cluster, alone ? 'done' : 'apart');
    }
    return this.goesOn(from);
  }

  private goesOn(after: string | undefined): LocationProgress {
    const { tooShortFor, clusters } = this;
    return {
      done: false,
      ...(after === undefined ? {} : { after }),
      ...(tooShortFor === undefined ? {} : { tooShortFor }),
      clusters,
    };
  }

  private async pause(after: string | undefined, rest: readonly string[]): Promise<LocationProgress> {
    // These clusters are inspected again.
    for (const cluster of rest)
      if (!this.marks.done(cluster)) this.addCalls(this.inspections.begun.get(cluster)?.pace.calls() ?? {});
    await this.dependencies.documents.put(
      progressKey(this.sweep.sweepId, this.location),
      JSON.stringify(this.total),
      JSON_TYPE,
    );
    return this.goesOn(after);
  }

  async run(from: string | undefined): Promise<LocationProgress> {
    const interrupted = this.marks.interrupted();
    if (interrupted.length > 0) return this.setAside(interrupted, from);
    const names = (await this.list()).filter((name) => from === undefined || name > from);
    const isNamed = (name: string): boolean => namesCluster(this.sweep.request.selection, name);
    await this.inspections.beginAll(names.filter(isNamed));
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
 * done; a repeated call inspects only the others. What can't be inspected is reported, and so is a cluster that two
 * invocations in a row began with and had too little time for, or during whose inspection two invocations died, the second
 * one while it inspected nothing else; only a defect is thrown.
 */
export async function inspectLocation(
  sweep: Sweep,
  location: SweepLocation,
  goesOn: GoesOn,
  dependencies: HandlerDependencies,
): Promise<LocationProgress> {
  const { after } = goesOn;
  const total = await progressOf(sweep.sweepId, location, after, dependencies);
  const marks = await Marks.read(sweep, location, dependencies.sweeps);
  return new LocationWalk(sweep, location, total, goesOn, marks, dependencies).run(after);
}
