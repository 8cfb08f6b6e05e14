/**
 * The AWS credentials that a pod has at a given time. A pod fetches credentials when its containers first need them:
 * through the agent on its node from EKS Auth, or with its token from STS. Credentials are valid for hours and are
 * renewed before they expire, so a pod whose association or trust is gone keeps its credentials for a while. Renewals
 * are not scheduled: a session that is due is renewed when its state is next read, according to the state at that time.
 * Code that changes what can be renewed therefore calls `renewSessions` first.
 */
import type { PodSession } from '../objects/kube-state.ts';
import type { Pod } from '../objects/objects.ts';
import { listObjects } from '../objects/store.ts';
import type { ClusterState, World } from '../world/world.ts';
import { agentProblem } from './agents.ts';
import { outageOf } from './outages.ts';
import { evaluatePodIdentity } from './pod-identity.ts';
import { type Granted, isRefusal, type Refusal } from './refusal.ts';
import { type AskedSource, containerSourcesOf, type Method, type Source, sourcesOf } from './sources.ts';
import { evaluateWebIdentity } from './web-identity.ts';

/** Remaining validity at which SDKs renew credentials: five minutes for most SDKs, fifteen for botocore. */
const REFRESH_BEFORE_END = 5 * 60_000;

/** Credentials from one of a pod's sources. */
export type SourceCredentials = { method: Source['method'] } & (
  | { roleArn: string; expiresAt: number; refused?: Refusal }
  | { roleArn?: never; refused: Refusal }
);

const evaluateSource = (
  world: World,
  cluster: ClusterState,
  pod: Pod,
  source: AskedSource,
): (Granted & { lifetime: number; renewAfter: number }) | { refused: Refusal } => {
  const { namespace = 'default', name, uid } = pod.metadata;
  const serviceAccount = pod.spec.serviceAccountName ?? 'default';
  const outage = outageOf(world, cluster, source.method);
  if (outage) return outage;
  const { podSessionSeconds, agentRenewalSeconds, irsaSessionSeconds } = world.knobs;
  if (source.method === 'pod-identity') {
    const result =
      agentProblem(world, cluster, pod, source.address) ??
      evaluatePodIdentity(world, cluster, { namespace, serviceAccount, name, uid });
    const renewAfter = Math.min(agentRenewalSeconds * 1000, podSessionSeconds * 1000 - REFRESH_BEFORE_END);
    return isRefusal(result) ? result : { ...result, lifetime: podSessionSeconds * 1000, renewAfter };
  }
  const { roleArn, audiences } = source;
  const result = evaluateWebIdentity(
    world,
    cluster,
    { namespace, serviceAccount, audiences },
    { roleArn, sessionName: name.slice(0, 64) },
  );
  const lifetime = irsaSessionSeconds * 1000;
  return isRefusal(result) ? result : { ...result, lifetime, renewAfter: lifetime - REFRESH_BEFORE_END };
};

/**
 * Returns whether a pod keeps its credentials after a failed renewal: the agent drops them if EKS Auth refuses; with
 * IRSA, the pod keeps them until they expire.
 */
const outlives = (world: World, cluster: ClusterState, { method }: AskedSource): boolean =>
  // An outage is not a refusal: the agent retries and keeps the credentials.
  method === 'irsa' || world.knobs.refusedRenewal === 'keeps' || outageOf(world, cluster, method) !== undefined;

/** Returns the key of a source's session. */
const keyOf = (source: AskedSource): string => {
  if (source.method === 'irsa') return source.roleArn;
  return source.address === undefined ? source.method : `${source.method} ${source.address}`;
};

const fetchFrom = (world: World, cluster: ClusterState, pod: Pod, source: Source): SourceCredentials => {
  const { method } = source;
  if ('problem' in source) return { method, refused: source.problem };
  const now = world.schedule.now();
  const { uid } = pod.metadata;
  const all = cluster.kube.sessions.get(uid) ?? new Map<string, PodSession>();
  cluster.kube.sessions.set(uid, all);
  const key = keyOf(source);
  const held = all.get(key);
  if (held && now < held.renewAt) return { method, roleArn: held.roleArn, expiresAt: held.expiresAt };
  const result = evaluateSource(world, cluster, pod, source);
  if (!isRefusal(result)) {
    const session = { roleArn: result.roleArn, renewAt: now + result.renewAfter, expiresAt: now + result.lifetime };
    all.set(key, session);
    return { method, roleArn: session.roleArn, expiresAt: session.expiresAt };
  }
  if (held && now < held.expiresAt && outlives(world, cluster, source))
    return { method, roleArn: held.roleArn, expiresAt: held.expiresAt, ...result };
  all.delete(key);
  return { method, ...result };
};

/**
 * Returns what each of a pod's sources provides now; empty for a pod without its own AWS identity. A pod without
 * credentials requests them again each time.
 */
export const credentialsOfPod = (world: World, cluster: ClusterState, pod: Pod): SourceCredentials[] =>
  sourcesOf(cluster.kube, pod).map((source) => fetchFrom(world, cluster, pod, source));

/**
 * Returns until when a pod keeps its credentials regardless of changes to associations and trust, in milliseconds since
 * 1970; 0 if the credentials of a source are missing.
 */
export const settledUntil = ({ kube }: ClusterState, pod: Pod): number => {
  const held = kube.sessions.get(pod.metadata.uid);
  return Math.min(
    ...sourcesOf(kube, pod).map((source) => ('problem' in source ? 0 : (held?.get(keyOf(source))?.renewAt ?? 0))),
  );
};

/** Returns why sources of a pod would refuse credentials if the pod requested them now; empty if none would. */
export const refusalsOf = (world: World, cluster: ClusterState, pod: Pod): Refusal[] =>
  sourcesOf(cluster.kube, pod).flatMap((source) => {
    if ('problem' in source) return [source.problem];
    const result = evaluateSource(world, cluster, pod, source);
    return isRefusal(result) ? [result.refused] : [];
  });

/** What one container of a pod gets. */
export interface ContainerCredentials {
  container: string;
  isInit: boolean;
  method: Method;
  /** The role whose credentials it has; undefined with keys, with the node's role, or without credentials. */
  roleArn?: string;
  /** Why it gets none now. */
  refused?: Refusal;
  /** Whether it never gets any, because of the pod's spec or the container's SDK, whatever the services answer. */
  never: boolean;
}

/**
 * Returns which credentials each container of a pod gets now, by its environment, mounted tokens and SDK, and according
 * to EKS Auth and STS; init containers first.
 */
export const containerCredentials = (world: World, cluster: ClusterState, pod: Pod): ContainerCredentials[] =>
  containerSourcesOf(cluster.kube, pod).map(({ container, isInit, method, source }) => {
    if (!source) return { container, isInit, method, never: false };
    const { roleArn, refused } = fetchFrom(world, cluster, pod, source);
    return {
      container,
      isInit,
      method,
      ...(roleArn === undefined ? {} : { roleArn }),
      ...(refused ? { refused } : {}),
      never: 'problem' in source,
    };
  });

/** Returns whether every source of a pod provides credentials now. */
export const hasCredentials = (world: World, cluster: ClusterState, pod: Pod): boolean =>
  credentialsOfPod(world, cluster, pod).every(({ roleArn }) => roleArn !== undefined);

/** Returns whether a pod is running: other pods do not request credentials yet, or not any more. */
const runs = ({ status }: Pod): boolean => status.phase === 'Running';

const hasAssociationFor = ({ associations }: ClusterState, role: string): boolean =>
  [...associations.values()].some(({ roleArn, targetRoleArn }) => roleArn === role || targetRoleArn === role);

/**
 * Has pods of a cluster fetch missing credentials and renew those that are due; to be called before a change of what
 * allows it. `roleArn`: only pods that could have this role; all pods if undefined.
 */
export const renewSessions = (world: World, cluster: ClusterState, roleArn?: string): void => {
  const isGiven = roleArn !== undefined && hasAssociationFor(cluster, roleArn);
  for (const pod of listObjects(cluster.kube, 'Pod'))
    for (const source of runs(pod) ? sourcesOf(cluster.kube, pod) : [])
      if (roleArn === undefined || ('roleArn' in source ? source.roleArn === roleArn : isGiven))
        fetchFrom(world, cluster, pod, source);
};

/** Does the same in all clusters, for pods that could have the role; for all pods if it is undefined. */
export const renewSessionsOf = (world: World, roleArn?: string): void => {
  for (const { clusters } of world.accounts.values())
    for (const cluster of clusters.values()) renewSessions(world, cluster, roleArn);
};

/**
 * Has pods renew credentials just before `at` (milliseconds since 1970), when an outage begins that would prevent it.
 */
export const renewBefore = (world: World, at: number): void => world.schedule.at(at - 1, () => renewSessionsOf(world));
