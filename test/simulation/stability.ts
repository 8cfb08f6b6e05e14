/**
 * Watches since when each pod is ready and how often its containers have restarted, after every event of the world and
 * after every call, as the API server stores it.
 */
import type { Pod } from '../../sandbox/objects/objects.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** What a pod showed from this time on; milliseconds since 1970. */
interface Seen {
  at: number;
  ready: boolean;
  restarts: number;
  /** Whether its node is lost. */
  isLost: boolean;
}

const isReady = ({ status }: Pod): boolean =>
  status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');

const restartsOf = ({ status }: Pod): number =>
  ['containerStatuses', 'initContainerStatuses']
    .flatMap((field) => (status[field] as { restartCount?: number }[] | undefined) ?? [])
    .reduce((sum, { restartCount = 0 }) => sum + restartCount, 0);

export class StabilityWatch {
  /** What each pod showed, by its uid, in order; also of pods that are gone. */
  private readonly seen = new Map<string, Seen[]>();
  /** Until when pods existed, by uid; milliseconds since 1970. */
  private readonly gone = new Map<string, number>();
  private readonly versions = new Map<string, string>();
  private readonly world: World;
  private readonly cluster: ClusterState;
  private version = -1;

  constructor(world: World, cluster: ClusterState) {
    this.world = world;
    this.cluster = cluster;
    this.check();
    world.schedule.watch(() => this.check());
    world.log.onCall(() => this.check());
  }

  private check(): void {
    const { resourceVersion } = this.cluster.kube;
    if (resourceVersion === this.version) return;
    this.version = resourceVersion;
    const at = this.world.schedule.now();
    const current = new Set<string>();
    for (const pod of listObjects(this.cluster.kube, 'Pod')) {
      const { uid, resourceVersion: version } = pod.metadata;
      current.add(uid);
      if (this.versions.get(uid) === version) continue;
      this.versions.set(uid, version);
      const before = this.seen.get(uid) ?? [];
      this.seen.set(uid, before);
      const isLost = this.cluster.kube.lostNodes.has(pod.spec.nodeName ?? '');
      const now = { at, ready: isReady(pod), restarts: restartsOf(pod), isLost };
      const last = before.at(-1);
      if (last?.ready !== now.ready || last.restarts !== now.restarts || last.isLost !== isLost) before.push(now);
    }
    for (const uid of this.versions.keys()) {
      if (current.has(uid)) continue;
      this.versions.delete(uid);
      this.gone.set(uid, at);
    }
  }

  /** Returns when a pod was first seen, in milliseconds since 1970; never if it was not. */
  since(uid: string): number {
    return this.seen.get(uid)?.[0]?.at ?? Number.POSITIVE_INFINITY;
  }

  /** Returns whether a pod was on a lost node at that time. */
  isOnLostNode(uid: string, at: number): boolean {
    return this.seen.get(uid)?.findLast((one) => one.at <= at)?.isLost === true;
  }

  /**
   * Returns why a pod was not stable in a period, including both ends: it did not exist yet, was not ready or has
   * restarted. Undefined if it was stable for as long as it existed.
   */
  unstable(uid: string, from: number, to: number): string | undefined {
    const seen = this.seen.get(uid) ?? [];
    const before = seen.findLast(({ at }) => at <= from);
    if (!before) return 'it did not exist at the beginning';
    const end = Math.min(to, this.gone.get(uid) ?? to);
    const during = [before, ...seen.filter(({ at }) => at > from && at <= end)];
    const unready = during.find(({ ready }) => !ready);
    if (unready) return `it was not ready at ${new Date(Math.max(from, unready.at)).toISOString()}`;
    const restarted = during.find(({ restarts }) => restarts > before.restarts);
    return restarted && `a container restarted at ${new Date(restarted.at).toISOString()}`;
  }
}
