/** The look at the clusters of one region of one account, one after the other, as far as an invocation comes. */
import { isMigrationError, MigrationError } from '../../domain/errors.ts';
import { placeReason, unreachableCluster } from '../../domain/sweep/classify.ts';
import { itemsOf } from '../../domain/sweep/items.ts';
import { clusterKey, placeKey, progressKey } from '../../domain/sweep/keys.ts';
import { type ClusterInventory, clusterInventory, placeInventory, type PlaceInventory, type Sweep, type SweepPlace } from '../../domain/sweep/model.ts';
import { namesCluster } from '../../domain/sweep/selection.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../utc.ts';
import { type ClusterLook, lookAtCluster, reasonOf } from './inventory.ts';
import { PlaceMemory } from './memo.ts';
import { type Pace, paceOf, randomFrom } from './pace.ts';

/** Milliseconds that have to be left to begin with another cluster: at five calls a second several times what one takes. */
const ENOUGH = 60_000;
/**
 * So many clusters in a row that throttling, or a service that is down, kept from being read: the place is given up. Each
 * has had one call refused eight times, over half a minute, so that it is no matter of one busy moment; a few more of them
 * would take hours of a region with hundreds, and go on adding to what throttles it.
 */
export const MOST_BROKEN_OFF = 3;
const JSON_TYPE = 'application/json';

type Counts = Record<string, number>;

const plus = (a: Counts, b: Counts): Counts => Object.fromEntries([...new Set([...Object.keys(a), ...Object.keys(b)])].map((name) => [name, (a[name] ?? 0) + (b[name] ?? 0)]));
const minus = (a: Counts, b: Counts): Counts => Object.fromEntries(Object.entries(a).flatMap(([name, count]) => (count > (b[name] ?? 0) ? [[name, count - (b[name] ?? 0)]] : [])));

export interface PlaceLook {
  done: boolean;
  /** Name of the last cluster that is over. */
  after?: string;
  /** That this invocation looked at. */
  clusters: number;
}

/** What earlier invocations came to; nothing before the first. */
async function progressOf(sweepId: string, place: SweepPlace, after: string | undefined, { documents }: Pick<HandlerDependencies, 'documents'>): Promise<PlaceInventory> {
  const text = after === undefined ? undefined : await documents.get(progressKey(sweepId, place));
  if (text === undefined) return { ...place, clusters: 0, notSelected: 0, calls: {} };
  try {
    return placeInventory.parse(JSON.parse(text));
  } catch (error) {
    throw new MigrationError('BadInput', `What the sweep ${sweepId} noted of ${place.account}, ${place.region} in its bucket is not as this service writes it. Start another sweep.`, { cause: error });
  }
}

class PlaceWalk {
  private readonly sweep: Sweep;
  private readonly place: SweepPlace;
  private readonly dependencies: HandlerDependencies;
  private readonly pace: Pace;
  private readonly memory = new PlaceMemory();
  /** Of earlier invocations and this one. */
  private readonly total: PlaceInventory;
  private clusters = 0;
  /** Clusters that this invocation is through with, those too that turned out to be not selected. */
  private over = 0;
  /** Milliseconds that the longest cluster took. */
  private longest = 0;
  private brokenOff = 0;

  constructor(sweep: Sweep, place: SweepPlace, total: PlaceInventory, after: string | undefined, dependencies: HandlerDependencies) {
    const { clock, remainingTime } = dependencies;
    this.sweep = sweep;
    this.place = place;
    this.total = total;
    this.dependencies = dependencies;
    this.pace = paceOf({
      callsPerSecond: sweep.request.callsPerSecond,
      clock,
      random: randomFrom([sweep.sweepId, place.account, place.region, after ?? ''].join(' ')),
      remainingTime,
      used: after !== undefined,
    });
  }

  /** Counts what was called since then for the place itself. */
  private count(since: Counts): void {
    this.total.calls = plus(this.total.calls, minus(this.pace.calls(), since));
  }

  private async keep(cluster: string, { version, findings }: ClusterLook, calls: Counts): Promise<void> {
    const { documents, sweeps, clock } = this.dependencies;
    const { sweepId } = this.sweep;
    const found: ClusterInventory = { ...this.place, cluster, ...(version === undefined ? {} : { version }), lookedAt: utcNow(clock), findings, calls };
    await documents.put(clusterKey(sweepId, this.place, cluster), JSON.stringify(clusterInventory.parse(found)), JSON_TYPE);
    // Only what can be looked up is begun.
    for (const item of itemsOf(this.sweep, found)) await sweeps.enqueue(sweepId, item);
    this.total.clusters += 1;
    this.clusters += 1;
  }

  /** False where the invocation's time was up before it was over. */
  private async lookAt(cluster: string): Promise<boolean> {
    const { portsFor, settings, clock } = this.dependencies;
    const [since, before] = [clock.now(), this.pace.calls()];
    const target = { ...this.place, cluster };
    try {
      const look = await lookAtCluster({ request: this.sweep.request, target, settings, ports: portsFor(target, this.pace.around), memory: this.memory, clock });
      this.longest = Math.max(this.longest, clock.now() - since);
      this.brokenOff = look?.brokenOff ? this.brokenOff + 1 : 0;
      if (look) {
        await this.keep(cluster, look, minus(this.pace.calls(), before));
      } else {
        this.total.notSelected += 1;
        this.count(before);
      }
      if (look?.brokenOff && this.brokenOff >= MOST_BROKEN_OFF) {
        this.total.unreachable = `${this.brokenOff} clusters in a row could not be read to the end, and nothing more was asked of ${this.place.region} in account ${this.place.account}: ${look.brokenOff.message}`;
      }
    } catch (error) {
      if (!isMigrationError(error, 'OutOfTime')) throw error;
      // Another invocation has more time, unless this one had nothing else to do.
      if (this.over > 0) {
        this.count(before);
        return false;
      }
      await this.keep(cluster, { findings: [unreachableCluster(`One invocation was too short to look at it: ${error.message}`)] }, minus(this.pace.calls(), before));
    }
    this.over += 1;
    return true;
  }

  private hasTime(): boolean {
    return this.over === 0 || this.dependencies.remainingTime() >= Math.max(ENOUGH, this.longest * 1.5);
  }

  private async list(): Promise<string[]> {
    try {
      return [...(await this.dependencies.fleetOf(this.place, this.pace.around).listClusters())].sort();
    } catch (error) {
      this.total.unreachable = placeReason(this.place, reasonOf(error).message);
      return [];
    } finally {
      this.count({});
    }
  }

  private async pause(after: string): Promise<PlaceLook> {
    await this.dependencies.documents.put(progressKey(this.sweep.sweepId, this.place), JSON.stringify(this.total), JSON_TYPE);
    return { done: false, after, clusters: this.clusters };
  }

  async run(from: string | undefined): Promise<PlaceLook> {
    const names = (await this.list()).filter((name) => from === undefined || name > from);
    let after = from;
    for (const name of names) {
      if (!namesCluster(this.sweep.request.selection, name)) {
        this.total.notSelected += 1;
      } else if (this.total.unreachable !== undefined) {
        await this.keep(name, { findings: [unreachableCluster(this.total.unreachable)] }, {});
      } else if (after !== undefined && !this.hasTime()) {
        return this.pause(after);
      } else if (!(await this.lookAt(name)) && after !== undefined) {
        return this.pause(after);
      }
      after = name;
    }
    await this.dependencies.documents.put(placeKey(this.sweep.sweepId, this.place), JSON.stringify(placeInventory.parse(this.total)), JSON_TYPE);
    return { done: true, ...(after === undefined ? {} : { after }), clusters: this.clusters };
  }
}

/**
 * Looks at the clusters of the place in the order of their names, from after `after` on, until all are over or too little
 * time is left. Each one's result is in the bucket, and what is ready in the queue, before the next one begins; said again
 * it does the same once more. What can't be looked at is told as such; only a defect is thrown.
 */
export async function lookAtPlace(sweep: Sweep, place: SweepPlace, after: string | undefined, dependencies: HandlerDependencies): Promise<PlaceLook> {
  return new PlaceWalk(sweep, place, await progressOf(sweep.sweepId, place, after, dependencies), after, dependencies).run(after);
}
