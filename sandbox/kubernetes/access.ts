/**
 * Who a caller is for Kubernetes: its access entry's user and groups. Source: EKS User Guide, "Create access entries".
 */
import type { Caller } from '../http.ts';
import type { AccessEntryState, ClusterState, World } from '../world/world.ts';
import { Refusal } from './answers.ts';

export interface User {
  username: string;
  groups: string[];
  uid?: string;
  extra: Record<string, string[]>;
  /** ARN of the role that calls, also where it acts as somebody else. */
  principalArn: string;
  /** Access policies of its entry; none where it acts as somebody else. */
  policies: AccessEntryState['policies'];
}

/** What GetCallerIdentity says of keys that come from no AssumeRole. */
const OWN_SESSION = 'sandbox';

/** What EKS makes of the ARN where an entry has no name; a role's path is left out. */
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
 * Whether the API server does not know a caller yet: by its entry's age, and by when that caller came first (the knobs
 * `accessEntryLagSeconds` and `apiTokenLagSeconds`).
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

/** The user behind a caller; undefined where no access entry lets it in. */
export const userOf = (world: World, cluster: ClusterState, caller: Caller): User | undefined => {
  const entry = cluster.accessEntries.get(caller.principalArn);
  if (!entry || isLate(world, cluster, caller, entry)) return undefined;
  const session = world.accessKeys.get(caller.accessKeyId)?.sessionName ?? OWN_SESSION;
  const username = (entry.username ?? defaultUsername(entry))
    .replaceAll('{{SessionNameRaw}}', session)
    .replaceAll('{{SessionName}}', session.replaceAll('@', '-'))
    // An instance's session is named after the instance; there is no other name of it here.
    .replaceAll('{{EC2PrivateDNSName}}', session);
  const groups = [
    ...new Set([
      ...entry.kubernetesGroups,
      ...(entry.type === 'STANDARD' ? [] : ['system:bootstrappers', 'system:nodes']),
      'system:authenticated',
    ]),
  ];
  const { principalArn, policies } = entry;
  return { username, groups, extra: { canonicalArn: [principalArn], sessionName: [session] }, principalArn, policies };
};

/** The API server does not say what is missing. */
export const unauthorised = (): Refusal => new Refusal(401, 'Unauthorized', 'Unauthorized');
