/**
 * Which pods of a run have no AWS credentials at some moment, though the pods of their service account had at the start.
 * Looked at after every event of the world and after every call, so that no state of a run goes unseen.
 */
import { credentialsOfPod, refusalsOf } from '../../sandbox/credentials/sessions.ts';
import { sourcesOf } from '../../sandbox/credentials/sources.ts';
import type { Pod } from '../../sandbox/kubernetes/objects.ts';
import { listObjects } from '../../sandbox/kubernetes/store.ts';
import type { ClusterState, World } from '../../sandbox/world/world.ts';

/** A pod that had none for a while. Times are milliseconds since 1970. */
export interface CredentialGap {
  namespace: string;
  pod: string;
  serviceAccount: string;
  from: number;
  /** Left out: until the end of the run. */
  to?: number;
  /** Where its environment sends it; `none`: nowhere. */
  method: 'pod-identity' | 'irsa' | 'none';
  /** The refusal's code. */
  why: string;
  /** It had credentials before. */
  had: boolean;
  /** The most ready pods of its service account that had none at the same moment. */
  atOnce: number;
}

const accountOf = ({ metadata, spec }: Pod): string =>
  `${metadata.namespace ?? ''}/${spec.serviceAccountName ?? 'default'}`;

/** Pods that work: those that are not ready yet, or on their way out, serve nobody. */
const works = ({ metadata, status }: Pod): boolean =>
  status.phase === 'Running' && metadata.deletionTimestamp === undefined;

const isReady = ({ status }: Pod): boolean =>
  status.conditions.some(({ type, status: is }) => type === 'Ready' && is === 'True');

export class CredentialWatch {
  /** In the order in which they began. */
  readonly gaps: CredentialGap[] = [];
  private readonly open = new Map<string, CredentialGap>();
  /** uids of pods that have had credentials. */
  private readonly had = new Set<string>();
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
    world.schedule.watch(() => this.look());
    world.log.onCall(() => this.look());
  }

  private lackOf(pod: Pod): Pick<CredentialGap, 'method' | 'why'> | undefined {
    if (sourcesOf(pod).length === 0) return { method: 'none', why: 'NoIdentity' };
    for (const { method, roleArn, refused } of credentialsOfPod(this.world, this.cluster, pod))
      if (roleArn === undefined) return { method, why: refused.code };
    return undefined;
  }

  private look(): void {
    const now = this.world.schedule.now();
    const lacking = new Set<string>();
    const atOnce = new Map<string, number>();
    for (const pod of listObjects(this.cluster.kube, 'Pod')) {
      if (!works(pod) || !this.served.has(accountOf(pod))) continue;
      const lack = this.lackOf(pod);
      const { uid, name, namespace = '' } = pod.metadata;
      if (!lack) {
        this.had.add(uid);
        continue;
      }
      lacking.add(uid);
      if (isReady(pod)) atOnce.set(accountOf(pod), (atOnce.get(accountOf(pod)) ?? 0) + 1);
      if (this.open.has(uid)) continue;
      const serviceAccount = pod.spec.serviceAccountName ?? 'default';
      const gap = { namespace, pod: name, serviceAccount, from: now, ...lack, had: this.had.has(uid), atOnce: 0 };
      this.gaps.push(gap);
      this.open.set(uid, gap);
    }
    for (const uid of lacking) {
      const gap = this.open.get(uid);
      if (gap) gap.atOnce = Math.max(gap.atOnce, atOnce.get(`${gap.namespace}/${gap.serviceAccount}`) ?? 0);
    }
    for (const [uid, gap] of this.open)
      if (!lacking.has(uid)) {
        gap.to = now;
        this.open.delete(uid);
      }
  }

  /** Pods that live on what they have: once it ends, they get no more. With the code of the refusal. */
  livingOnSessions(): { namespace: string; serviceAccount: string; pod: string; why: string }[] {
    return listObjects(this.cluster.kube, 'Pod')
      .filter((pod) => works(pod) && this.served.has(accountOf(pod)) && !this.lackOf(pod))
      .flatMap((pod) => {
        const [refusal] = refusalsOf(this.world, this.cluster, pod);
        const { name, namespace = '' } = pod.metadata;
        const serviceAccount = pod.spec.serviceAccountName ?? 'default';
        return refusal ? [{ namespace, serviceAccount, pod: name, why: refusal.code }] : [];
      });
  }
}
