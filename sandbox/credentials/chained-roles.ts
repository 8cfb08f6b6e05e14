/**
 * What STS answers a pod's software that assumes another role with the pod's own credentials, as Argo CD, External
 * Secrets or Crossplane do. The session tags of EKS Pod Identity are transitive: STS passes them on, which needs
 * sts:TagSession. Sources: IAM User Guide, "Pass session tags in AWS STS" (chaining roles with session tags); EKS User
 * Guide, "Grant Pods access to AWS resources based on tags". Inherited tags are tags of the principal here; whether STS
 * shows them as tags of the request as well is not documented.
 */
import { oidcProviderArn } from '../../lambdas/domain/aws/arn.ts';
import type { AssumeRoleCall } from '../../lambdas/domain/policy/index.ts';
import { refusalIn } from '../authorization/authorizer.ts';
import type { Caller } from '../http.ts';
import type { Pod } from '../objects/objects.ts';
import { sessionArn } from '../authorization/sessions.ts';
import { type AssumeAction, trustOf } from '../trust/assume-role.ts';
import { findRole, type ClusterState, type RoleState, type World } from '../world/world.ts';
import { sessionNameOf, tagsOf } from './pod-identity.ts';
import type { Refusal } from './refusal.ts';
import { credentialsOfPod, type SourceCredentials } from './sessions.ts';

/** The name that most SDKs choose for an IRSA session begins like this; the rest is a time. */
const SDK_SESSION = 'botocore-session-1736931600';

/** The session with which the software calls STS. */
interface Session {
  name: string;
  /** Transitive tags. */
  tags: Record<string, string>;
  /** Condition keys of the session in addition to its role's. */
  keys: Record<string, string>;
}

const environmentValue = (pod: Pod, name: string): string | undefined =>
  pod.spec.containers.flatMap(({ env = [] }) => env).find((one) => one.name === name)?.value;

const podIdentitySession = (cluster: ClusterState, pod: Pod): Session => {
  const { name, namespace = 'default', uid } = pod.metadata;
  const token = { namespace, name, uid, serviceAccount: pod.spec.serviceAccountName ?? 'default' };
  const association = [...cluster.associations.values()].find(
    (one) =>
      one.deletedUntil === undefined && one.namespace === namespace && one.serviceAccount === token.serviceAccount,
  );
  const tags = association?.disableSessionTags === true ? {} : tagsOf(cluster, token);
  const keys = Object.entries(tags).map(([key, value]) => [`aws:PrincipalTag/${key}`, value]);
  return { name: sessionNameOf(cluster, token), tags, keys: Object.fromEntries(keys) as Record<string, string> };
};

const webIdentitySession = ({ oidcIssuer = '', region }: ClusterState, pod: Pod, { arn }: RoleState): Session => ({
  name: environmentValue(pod, 'AWS_ROLE_SESSION_NAME') ?? SDK_SESSION,
  tags: {},
  keys: { 'aws:FederatedProvider': oidcProviderArn({ account: arn.split(':')[4] ?? '', region }, oidcIssuer) },
});

const refusedBy = (session: string, action: AssumeAction, targetArn: string): Refusal => ({
  code: 'AccessDenied',
  status: 403,
  message: `User: ${session} is not authorized to perform: ${action} on resource: ${targetArn}`,
});

/** Returns why STS refuses the role to a session of another role; undefined if it does not. */
const refusalOf = (
  world: World,
  { region }: ClusterState,
  role: RoleState,
  { name, tags, keys }: Session,
  targetArn: string,
): Refusal | undefined => {
  const target = findRole(world, targetArn);
  const account = role.arn.split(':')[4] ?? '';
  const caller: Caller = { accessKeyId: '', principalArn: role.arn, account };
  const session = sessionArn(role.arn, name);
  if (!target) return refusedBy(session, 'sts:AssumeRole', targetArn);
  const call: AssumeRoleCall = {
    roleArn: role.arn,
    sessionArn: session,
    account,
    partition: role.arn.split(':')[1] ?? 'aws',
    resourceAccount: targetArn.split(':')[4] ?? '',
    sessionName: 'chained',
    transitiveTagKeys: Object.keys(tags),
    now: world.schedule.now(),
  };
  const actions: AssumeAction[] =
    Object.keys(tags).length > 0 ? ['sts:AssumeRole', 'sts:TagSession'] : ['sts:AssumeRole'];
  const more = { ...keys, 'aws:userid': `${role.roleId}:${name}` };
  for (const action of actions) {
    const trust = trustOf(world, target, caller, call, action, more);
    const context = { ...keys, 'sts:RoleSessionName': call.sessionName };
    if (refusalIn(world, caller, { action, resource: targetArn, context, trust }, region))
      return refusedBy(session, action, targetArn);
  }
  return undefined;
};

/** The answer to the software of a pod for one source of credentials. */
export type ChainAnswer = Pick<SourceCredentials, 'method'> & { refused?: Refusal };

/**
 * Returns STS's answer for each of the pod's sources of credentials. Software without credentials of its own can't assume
 * any role.
 */
export const chainedRole = (world: World, cluster: ClusterState, pod: Pod, targetArn: string): ChainAnswer[] =>
  credentialsOfPod(world, cluster, pod).map(({ method, roleArn, refused }) => {
    const role = roleArn === undefined ? undefined : findRole(world, roleArn);
    if (!role) return { method, ...(refused ? { refused } : {}) };
    const session =
      method === 'pod-identity' ? podIdentitySession(cluster, pod) : webIdentitySession(cluster, pod, role);
    const answer = refusalOf(world, cluster, role, session, targetArn);
    return { method, ...(answer ? { refused: answer } : {}) };
  });
