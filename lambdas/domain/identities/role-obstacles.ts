/** Checks whether a role that a workload would use through Pod Identity exists, is in the account, and trusts EKS Pod Identity. */
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { type Check, fail, unknown } from '../terms/check.ts';
import { targetRoleCommand, TRUST_SOURCE, trustRemedy } from '../plan/trust-remedy.ts';
import { evaluatePodIdentity, type Evaluation, type ParsedPolicy } from '../policy/index.ts';
import { isOfAccount } from './facts.ts';
import type { WorkloadContext } from './remedies.ts';
import { asClause } from '../text/text.ts';

/** Returns at most two sentences with reasons. */
const why = ({ reasons }: Evaluation): string =>
  reasons
    .slice(0, 2)
    .map(({ message }) => `${asClause(message)}.`)
    .join(' ');

function trustCheck(
  { facts: { target, cluster }, workload, association }: WorkloadContext,
  roleArn: string,
  trust: ParsedPolicy,
): Check[] {
  const { namespace, serviceAccount } = workload;
  const use = {
    clusterArn: clusterArn(target),
    namespace,
    serviceAccount,
    ...(association?.disableSessionTags === undefined ? {} : { disableSessionTags: association.disableSessionTags }),
    ...(cluster.oidcIssuer === undefined ? {} : { oidcIssuer: cluster.oidcIssuer }),
  };
  const evaluation = evaluatePodIdentity(trust, use);
  if (evaluation.verdict === 'allowed') return [];
  const undecided = evaluation.verdict === 'unknown';
  return [
    (undecided ? unknown : fail)(
      'trust',
      `The trust policy of role ${parseRoleArn(roleArn)?.name ?? roleArn} ${undecided ? 'may not allow' : 'does not allow'} EKS Pod Identity. ${why(evaluation)}`,
      trustRemedy(target, { roleArn, namespace, serviceAccount }),
      TRUST_SOURCE,
    ),
  ];
}

export function roleChecks(context: WorkloadContext, roleArn: string): Check[] {
  const { facts, workload } = context;
  const role = facts.roles.get(roleArn);
  if (!isOfAccount(roleArn, facts.target)) {
    return [
      fail(
        'role-account',
        `Role ${roleArn} is not in account ${facts.target.account}: EKS associates service accounts only with roles in the cluster's account.`,
        `Create a role in this account that may assume it, and an association with this one as its target role. To print the policies and commands: ${targetRoleCommand(facts.target, { roleArn, namespace: workload.namespace, serviceAccount: workload.serviceAccount })}`,
        'EKS API Reference, CreatePodIdentityAssociation',
      ),
    ];
  }
  if (role === 'missing')
    return [fail('role-exists', `IAM has no role ${roleArn}.`, 'Create it, or name another role.')];
  if (role === undefined || role === 'unread')
    return [
      unknown('trust', `The trust policy of role ${roleArn} could not be read.`, 'Allow the caller iam:GetRole on it.'),
    ];
  return trustCheck(context, roleArn, role.trust);
}
