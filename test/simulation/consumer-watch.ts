/**
 * Watches which consumers of web identities work. Checks after every event of the world and after every call, so that no
 * state of a run is missed.
 */
import type { ServiceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import { consumersIn } from '../../sandbox/consumers/index.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';
import type { PlacedConsumer } from './consumers.ts';

/** A period during which a consumer that had credentials gets none. Times are milliseconds since 1970. */
export interface ConsumerGap {
  name: string;
  /** The service account whose identity it uses. */
  serviceAccount: ServiceAccountRef;
  from: number;
  /** Absent if the gap lasted until the end of the run. */
  to?: number;
  why: string;
  /** Number of the last call before it. */
  line: number;
}

/** Returns a key for a consumer, which may use several service accounts. */
export const keyOf = ({ name, serviceAccount }: Pick<ConsumerGap, 'name' | 'serviceAccount'>): string =>
  `${name} ${serviceAccount.namespace}/${serviceAccount.name}`;

export class ConsumerWatch {
  /** In the order in which the gaps began. */
  readonly gaps: ConsumerGap[] = [];
  readonly placed: readonly PlacedConsumer[];
  /** Consumers that have had credentials at some time, by name and service account (`keyOf`). */
  readonly had = new Set<string>();
  private readonly open = new Map<string, ConsumerGap>();
  private readonly world: World;
  private readonly cluster: ClusterState;

  constructor(world: World, cluster: ClusterState, placed: readonly PlacedConsumer[]) {
    this.world = world;
    this.cluster = cluster;
    this.placed = placed;
    this.check();
    world.schedule.watch(() => this.check());
    world.log.onCall(() => this.check());
  }

  /** Notes which consumers work now. */
  check(): void {
    const now = this.world.schedule.now();
    for (const one of consumersIn(this.world, this.cluster)) {
      const { name, serviceAccount, works, why } = one;
      const key = keyOf(one);
      const gap = this.open.get(key);
      if (works) {
        this.had.add(key);
        if (gap) gap.to = now;
        this.open.delete(key);
      } else if (!gap && this.had.has(key)) {
        const begun = { name, serviceAccount, from: now, why, line: this.world.log.calls.at(-1)?.n ?? 0 };
        this.gaps.push(begun);
        this.open.set(key, begun);
      }
    }
  }
}
