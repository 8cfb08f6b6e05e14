/**
 * Watches which pods of a run lack AWS credentials although the pods of their service account had some at the start.
 * Checks after every event of the world and after every call, so that no state of a run is missed.
 */
import { credentialsOfPod, refusalsOf, settledUntil } from '../../sandbox/credentials/sessions.ts';
import { type Source, sourcesOf } from '../../sandbox/credentials/sources.ts';
import type { Pod } from '../../sandbox/objects/objects.ts';
import { listObjects } from '../../sandbox/objects/store.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** A period during which a pod had no credentials. Times are milliseconds since 1970. */
export interface CredentialGap {
  namespace: string;
  pod: string;
  node: string;
  serviceAccount: string;
  createdAt: number;
  from: number;
  /** Absent if the gap lasted until the end of the run. */
  to?: number;
  /** The source that the pod's environment names; `none` if it names none. */
  method: Source['method'] | 'none';
  /** The code of the refusal. */
  why: string;
  /** Whether the pod had credentials before. */
  had: boolean;
  /** The highest number of ready pods of its service account that had none for this reason at the same moment. */
  atOnce: number;
}

const accountOf = ({ metadata, spec }: Pod) => `${metadata.namespace ?? ''}/${spec.serviceAccountName ?? 'default'}`;

/** Returns whether a pod works. Pods that are not ready yet or that are terminating serve no traffic. */
const works = ({ metadata, status }: Pod): boolean =>
  status.phase === 'Running' &&
  metadata.deletionTimestamp === undefined &&
  // A pod on a lost node runs, but is not reachable.
  status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');

export class CredentialWatch {
  /** In the order in which the gaps began. */
  readonly gaps: CredentialGap[] = [];
  private readonly open = new Map<string, CredentialGap>();
  /** uids of pods that have had credentials at some time. */
  private readonly had = new Set<string>();
  /** Until when the credentials of a pod cannot change, by its uid; milliseconds since 1970. */
  private readonly settled = new Map<string, number>();
  /** The earliest of these times among the current pods, and the API server's resourceVersion at the last check. */
  private next = 0;
  private version = -1;
  private readonly served: ReadonlySet<string>;
  private readonly world: World;
  private readonly cluster: ClusterState;

  constructor(world: World, cluster: ClusterState) {
    this.world = world;
    this.cluster = cluster;
    const had = new Map<string, boolean>();
    for (const pod of listObjects(cluster.kube, 'Pod').filter(works))
      had.set(accountOf(pod), (had.get(accountOf(pod)) ?? true) && !this.lackOf(pod));
    this.served = new Set([...had].flatMap(([account, all]) => (all ? [account] : [])));
    world.schedule.watch(() => this.check());
    world.log.onCall(() => this.check());
  }

  private lackOf(pod: Pod): Pick<CredentialGap, 'method' | 'why'> | undefined {
    if (sourcesOf(this.cluster.kube, pod).length === 0) return { method: 'none', why: 'NoIdentity' };
    for (const { method, roleArn, refused } of credentialsOfPod(this.world, this.cluster, pod))
      if (roleArn === undefined) return { method, why: refused.code };
    const until = settledUntil(this.cluster, pod);
    this.settled.set(pod.metadata.uid, until);
    this.next = Math.min(this.next, until);
    return undefined;
  }

  /**
   * Returns whether no pod can have gained or lost credentials since the last check: none lacks them, no object has
   * changed, and no session is due.
   */
  private isUnchanged(now: number): boolean {
    const { resourceVersion } = this.cluster.kube;
    if (this.open.size === 0 && resourceVersion === this.version && now < this.next) return true;
    this.version = resourceVersion;
    this.next = Number.POSITIVE_INFINITY;
    return false;
  }

  /** Returns whether a pod keeps its credentials until its session is due, regardless of other changes. */
  private isSettled({ metadata: { uid } }: Pod, now: number): boolean {
    const until = this.settled.get(uid) ?? 0;
    if (until <= now) return false;
    this.next = Math.min(this.next, until);
    return true;
  }

  private check(): void {
    const now = this.world.schedule.now();
    if (this.isUnchanged(now)) return;
    const lacking = new Set<string>();
    const atOnce = new Map<string, number>();
    for (const pod of listObjects(this.cluster.kube, 'Pod')) {
      if (this.isSettled(pod, now)) continue;
      if (!works(pod) || !this.served.has(accountOf(pod))) continue;
      const lack = this.lackOf(pod);
      const { uid, name, namespace = '' } = pod.metadata;
      if (!lack) {
        this.had.add(uid);
        continue;
      }
      lacking.add(uid);
      const key = `${accountOf(pod)} ${lack.why}`;
      atOnce.set(key, (atOnce.get(key) ?? 0) + 1);
      if (this.open.has(uid)) continue;
      const serviceAccount = pod.spec.serviceAccountName ?? 'default';
      const createdAt = Date.parse(pod.metadata.creationTimestamp);
      const gap = {
        namespace,
        pod: name,
        node: pod.spec.nodeName ?? '',
        serviceAccount,
        createdAt,
        from: now,
        ...lack,
        had: this.had.has(uid),
        atOnce: 0,
      };
      this.gaps.push(gap);
      this.open.set(uid, gap);
    }
    for (const uid of lacking) {
      const gap = this.open.get(uid);
      if (gap) gap.atOnce = Math.max(gap.atOnce, atOnce.get(`${gap.namespace}/${gap.serviceAccount} ${gap.why}`) ?? 0);
    }
    for (const [uid, gap] of this.open)
      if (!lacking.has(uid)) {
        gap.to = now;
        this.open.delete(uid);
      }
  }

  /**
   * Returns the pods that live on a cached session and would get no further credentials, with the code of the refusal.
   */
  livingOnSessions(): Pick<CredentialGap, 'namespace' | 'serviceAccount' | 'pod' | 'createdAt' | 'method' | 'why'>[] {
    return listObjects(this.cluster.kube, 'Pod')
      .filter((pod) => works(pod) && this.served.has(accountOf(pod)) && !this.lackOf(pod))
      .flatMap((pod) => {
        const [refusal] = refusalsOf(this.world, this.cluster, pod);
        const [source] = sourcesOf(this.cluster.kube, pod);
        const { name, namespace = '', creationTimestamp } = pod.metadata;
        const serviceAccount = pod.spec.serviceAccountName ?? 'default';
        return refusal && source
          ? [
              {
                namespace,
                serviceAccount,
                pod: name,
                createdAt: Date.parse(creationTimestamp),
                method: source.method,
                why: refusal.code,
              },
            ]
          : [];
      });
  }
}
