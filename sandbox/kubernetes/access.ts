/**
 * Maps a caller to the Kubernetes user and groups of its access entry. Source: EKS User Guide, "Create access entries".
 */
import type { Caller } from '../http.ts';
import { roleIdOf } from '../authorization/sessions.ts';
import type { AccessEntryState, ClusterState, World } from '../world/world.ts';
import { Refusal } from './answers.ts';
import { isSince } from './resources/served.ts';

export interface User {
  username: string;
  groups: string[];
  uid?: string;
  extra: Record<string, string[]>;
  /** ARN of the calling role, also when it impersonates another user. */
  principalArn: string;
  /** Access policies of the caller's entry; empty when it impersonates another user. */
  policies: AccessEntryState['policies'];
}

/** Session name that GetCallerIdentity reports for access keys that do not come from AssumeRole. */
const OWN_SESSION = 'sandbox';

/** Returns the username that EKS derives from the ARN if an entry sets none; the role's path is dropped. */
export const defaultUsername = ({ principalArn, type }: Pick<AccessEntryState, 'principalArn' | 'type'>): string => {
  if (type === 'EC2_LINUX' || type === 'EC2_WINDOWS') return 'system:node:{{EC2PrivateDNSName}}';
  if (type !== 'STANDARD') return 'system:node:{{SessionName}}';
  const [, partition = '', , , account = '', resource = ''] = principalArn.split(':');
  const name = resource.split('/').at(-1) ?? '';
  return resource.startsWith('role/')
    ? `arn:${partition}:sts::${account}:assumed-role/${name}/{{SessionName}}`
    : principalArn;
};

/**
 * Returns whether the API server does not know a caller yet, because its entry is too new or its first call too recent
 * (the knobs `accessEntryLagSeconds` and `apiTokenLagSeconds`).
 */
const isLate = (world: World, { kube }: ClusterState, caller: Caller, { createdAt }: AccessEntryState): boolean => {
  const { accessEntryLagSeconds, apiTokenLagSeconds } = world.knobs;
  const now = world.schedule.now();
  if (now < createdAt + accessEntryLagSeconds * 1000) return true;
  if (apiTokenLagSeconds === 0) return false;
  const first = kube.firstCalls.get(caller.accessKeyId) ?? now;
  kube.firstCalls.set(caller.accessKeyId, first);
  return now < first + apiTokenLagSeconds * 1000;
};

/** Returns a caller's user; undefined if the caller has no access entry that is in effect. */
export const userOf = (world: World, cluster: ClusterState, caller: Caller): User | undefined => {
  const entry = cluster.accessEntries.get(caller.principalArn);
  if (!entry || isLate(world, cluster, caller, entry)) return undefined;
  const session = world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;
  const username = (entry.username ?? defaultUsername(entry))
    .replaceAll('{{SessionNameRaw}}', session)
    .replaceAll('{{SessionName}}', session.replaceAll('@', '-'))
    // The session of an instance is named after the instance; the sandbox has no private DNS name for it.
    .replaceAll('{{EC2PrivateDNSName}}', session);
  const groups = [
    ...new Set([
      ...entry.kubernetesGroups,
      ...(entry.type === 'STANDARD' ? [] : ['system:bootstrappers', 'system:nodes']),
      'system:authenticated',
    ]),
  ];
  const { principalArn, policies } = entry;
  return {
    username,
    groups,
    uid: `aws-iam-authenticator:${cluster.account}:${roleIdOf(world, principalArn)}`,
    extra: { canonicalArn: [principalArn], sessionName: [session] },
    principalArn,
    policies,
  };
};

/** Paths that EKS serves without a token; before 1.32, RBAC alone decides (EKS User Guide, "Kubernetes versions"). */
const ANONYMOUS_PATHS = ['/healthz', '/livez', '/readyz'];

/** Returns the user of a request without a token; undefined if the API server refuses it. */
export const anonymousUser = ({ version }: ClusterState, path: string): User | undefined =>
  isSince(version, '1.32') && !ANONYMOUS_PATHS.includes(path)
    ? undefined
    : { username: 'system:anonymous', groups: ['system:unauthenticated'], extra: {}, principalArn: '', policies: [] };

/** Returns the API server's 401, which does not name a reason. */
export const unauthorized = (): Refusal => new Refusal(401, 'Unauthorized', 'Unauthorized');
