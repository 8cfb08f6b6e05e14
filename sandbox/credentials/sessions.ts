/**
 * Which AWS credentials a pod has at a moment. A pod fetches them when its containers need them first: by the agent of
 * its node from EKS Auth, or with its token from STS. They live for hours, and are fetched anew before they end, so that
 * a pod whose association or trust is gone still has what it has for a while. Nothing is scheduled for it: a session
 * that is due is renewed when somebody looks, by what holds then. Whoever changes what may be renewed looks first.
 */
import type { PodSession } from '../kubernetes/kube-state.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { listObjects } from '../kubernetes/store.ts';
import type { ClusterState, World } from '../world/world.ts';
import { agentProblem } from './agents.ts';
import { outageOf } from './outages.ts';
import { judgePodIdentity } from './pod-identity.ts';
import { type Granted, isRefusal, type Refusal, refused } from './refusal.ts';
import { type Source, sourcesOf } from './sources.ts';
import { judgeWebIdentity } from './web-identity.ts';

/** SDKs fetch anew when so little is left of what they have; botocore does from fifteen minutes on, others from five. */
const REFRESH_BEFORE_END = 5 * 60_000;

/** Of one source of a pod. */
export type SourceCredentials = { method: Source['method'] } & (
  | { roleArn: string; expiresAt: number; refused?: Refusal }
  | { roleArn?: never; refused: Refusal }
);

const judge = (
  world: World,
  cluster: ClusterState,
  pod: Pod,
  source: Source,
): (Granted & { lives: number; renewed: number }) | { refused: Refusal } => {
  const { namespace = 'default', name, uid } = pod.metadata;
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  if ('missing' in source) return refused('NoToken', 0, 'open the token: no such file or directory');
  const outage = outageOf(world, cluster, source.method);
  if (outage) return outage;
  const { podSessionSeconds, agentRenewalSeconds, irsaSessionSeconds } = world.knobs;
  if (source.method === 'pod-identity') {
    const judged =
      agentProblem(world, cluster, pod) ?? judgePodIdentity(world, cluster, { namespace, serviceAccount, name, uid });
    const renewed = Math.min(agentRenewalSeconds * 1000, podSessionSeconds * 1000 - REFRESH_BEFORE_END);
    return isRefusal(judged) ? judged : { ...judged, lives: podSessionSeconds * 1000, renewed };
  }
  const { roleArn, audiences } = source;
  const judged = judgeWebIdentity(
    world,
    cluster,
    { namespace, serviceAccount, audiences },
    { roleArn, sessionName: name.slice(0, 64) },
  );
  const lives = irsaSessionSeconds * 1000;
  return isRefusal(judged) ? judged : { ...judged, lives, renewed: lives - REFRESH_BEFORE_END };
};

/** EKS Auth's refusal has the agent drop what it has; without an agent in between the pod keeps it to its end. */
const outlives = (world: World, cluster: ClusterState, { method }: Source): boolean =>
  // An outage refuses nothing: the agent asks again and keeps what it has.
  method === 'irsa' || world.knobs.refusedRenewal === 'keeps' || outageOf(world, cluster, method) !== undefined;

const fetchFrom = (world: World, cluster: ClusterState, pod: Pod, source: Source): SourceCredentials => {
  const { method } = source;
  const now = world.schedule.now();
  const { uid } = pod.metadata;
  const all = cluster.kube.sessions.get(uid) ?? new Map<string, PodSession>();
  cluster.kube.sessions.set(uid, all);
  const key = 'roleArn' in source ? source.roleArn : method;
  const held = all.get(key);
  if (held && now < held.renewAt) return { method, roleArn: held.roleArn, expiresAt: held.expiresAt };
  const judged = judge(world, cluster, pod, source);
  if (!isRefusal(judged)) {
    const session = { roleArn: judged.roleArn, renewAt: now + judged.renewed, expiresAt: now + judged.lives };
    all.set(key, session);
    return { method, roleArn: session.roleArn, expiresAt: session.expiresAt };
  }
  if (held && now < held.expiresAt && outlives(world, cluster, source))
    return { method, roleArn: held.roleArn, expiresAt: held.expiresAt, ...judged };
  all.delete(key);
  return { method, ...judged };
};

/**
 * What each source of the pod's credentials gives it now; none of a pod without an AWS identity of its own. A pod that
 * never got any asks again each time.
 */
export const credentialsOfPod = (world: World, cluster: ClusterState, pod: Pod): SourceCredentials[] =>
  sourcesOf(pod).map((source) => fetchFrom(world, cluster, pod, source));

/**
 * Until when a pod has what it has, whatever becomes of associations and trust: milliseconds since 1970, 0 where it
 * lacks something.
 */
export const settledUntil = ({ kube }: ClusterState, pod: Pod): number => {
  const held = kube.sessions.get(pod.metadata.uid);
  return Math.min(
    ...sourcesOf(pod).map((source) => held?.get('roleArn' in source ? source.roleArn : source.method)?.renewAt ?? 0),
  );
};

/** Why each source of the pod would give it nothing if it had to fetch anew now; empty where all would. */
export const refusalsOf = (world: World, cluster: ClusterState, pod: Pod): Refusal[] =>
  sourcesOf(pod).flatMap((source) => {
    const judged = judge(world, cluster, pod, source);
    return isRefusal(judged) ? [judged.refused] : [];
  });

/** Whether every source of the pod gives it credentials now. */
export const hasCredentials = (world: World, cluster: ClusterState, pod: Pod): boolean =>
  credentialsOfPod(world, cluster, pod).every(({ roleArn }) => roleArn !== undefined);

/** Pods that run: the others have not asked for credentials yet, or will ask for none any more. */
const runs = ({ status }: Pod): boolean => status.phase === 'Running';

const hasFor = ({ associations }: ClusterState, role: string): boolean =>
  [...associations.values()].some(({ roleArn, targetRoleArn }) => roleArn === role || targetRoleArn === role);

/**
 * Has pods of a cluster fetch what they need, and renew what is due, before something changes that decides whether they
 * can. `roleArn`: those that could have that role; left out: all.
 */
export const renewSessions = (world: World, cluster: ClusterState, roleArn?: string): void => {
  const isGiven = roleArn !== undefined && hasFor(cluster, roleArn);
  for (const pod of listObjects(cluster.kube, 'Pod'))
    for (const source of runs(pod) ? sourcesOf(pod) : [])
      if (roleArn === undefined || ('roleArn' in source ? source.roleArn === roleArn : isGiven))
        fetchFrom(world, cluster, pod, source);
};

/** The same in all clusters, for what a role's trust policy lets in; left out: of all roles. */
export const renewSessionsOf = (world: World, roleArn?: string): void => {
  for (const { clusters } of world.accounts.values())
    for (const cluster of clusters.values()) renewSessions(world, cluster, roleArn);
};

/** Has pods renew what is due at that time, milliseconds since 1970, before an outage that begins then keeps them from it. */
export const renewBefore = (world: World, at: number): void => world.schedule.at(at - 1, () => renewSessionsOf(world));
