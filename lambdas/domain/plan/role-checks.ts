/** The checks of a plan about roles: which service account gets which role, whether it exists, and who may use it. */
import { parseRoleArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import { type Check, fail, GUIDE, pass, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { shown } from '../text/text.ts';
import { POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import type { AddonFacts, Facts } from './facts.ts';
import { planTrust, type TrustPlan } from './trust-checks.ts';
import { shellCommand } from '../text/shell.ts';
import { targetRoleCommand } from './trust-remedy.ts';

/**
 * Returns the check for a role of another account. EKS lets it be the target role of a standalone association, but has no
 * field for it in the associations of an add-on (EKS API Reference, AddonPodIdentityAssociations).
 */
function ofOtherAccount(
  { request: { target, serviceAccount } }: Facts,
  roleArn: string,
  planned: readonly PlannedAssociation[],
): Check {
  const [use] = planned;
  const setup = use && targetRoleCommand(target, { ...use, roleArn });
  const remedy =
    serviceAccount && setup !== undefined
      ? `Create a role in account ${target.account} that may assume this one, and an association with this one as its target role. To print the policies and commands: ${setup} ; then plan again with --role-arn and the new role.`
      : `Name a role in account ${target.account} that has the permissions itself: --role-arn ROLE_ARN. The associations of an add-on cannot have a target role.`;
  return fail(
    'role-account',
    `Role ${roleArn} is not in the cluster's account ${target.account}.`,
    remedy,
    `${GUIDE}, "Access AWS resources using EKS Pod Identity target IAM roles"; EKS answers "Cross-account pass role is not allowed."`,
  );
}

/**
 * Checks one role for the service accounts that are to use it: whether it exists, is in this account, and trusts EKS Auth,
 * as it is or after a repair.
 */
export function planRole(facts: Facts, roleArn: string, planned: readonly PlannedAssociation[]): TrustPlan {
  const { target } = facts.request;
  const parsed = parseRoleArn(roleArn);
  if (!parsed) {
    const check = fail(
      'role-account',
      `${shown(roleArn, 300)} is not a role ARN that the service supports: the path may contain only letters, digits and +=,.@_-, and no empty parts, . or ..`,
      'Use a role with a supported path: --role-arn ROLE_ARN',
    );
    return { checks: [check] };
  }
  if (parsed.partition !== partitionOf(target.region)) {
    const check = fail(
      'role-account',
      `Role ${roleArn} is in partition ${parsed.partition}, but region ${target.region} is in partition ${partitionOf(target.region)}.`,
      "Use a role in the cluster's own account: roles in another partition cannot be used.",
    );
    return { checks: [check] };
  }
  if (parsed.account !== target.account) {
    return { checks: [ofOtherAccount(facts, roleArn, planned)] };
  }
  const found = facts.roles[roleArn];
  const here = pass('role-account', `Role ${parsed.name} is in the cluster's account.`);
  if (!found) {
    const missing = fail(
      'role-exists',
      `IAM has no role ${roleArn}.`,
      `Check its name: ${shellCommand(['aws', 'iam', 'get-role', '--role-name', parsed.name])} . Create it with a trust policy for ${POD_IDENTITY_PRINCIPAL}, or name another role with --role-arn.`,
    );
    return { checks: [here, missing] };
  }
  const trust = planTrust(facts, roleArn, found.trustPolicy, planned);
  return { ...trust, checks: [here, pass('role-exists', `Role ${parsed.name} exists.`), ...trust.checks] };
}

/**
 * Checks service accounts that the version supports but for which neither the request nor the add-on names a role. None
 * may be skipped silently, except those that no pod uses.
 */
export function checkServiceAccountsWithoutRole(
  { request, podIdentity, pods }: AddonFacts,
  planned: readonly PlannedAssociation[],
): Check[] {
  return podIdentity
    .map((one) => one.serviceAccount)
    .filter((serviceAccount) => planned.every((one) => one.serviceAccount !== serviceAccount))
    .flatMap((serviceAccount): Check[] => {
      const users = pods?.filter((pod) => pod.serviceAccount === serviceAccount && !pod.terminating);
      if (users?.length === 0)
        return [
          warn(
            'service-account-roles',
            `No role is known for service account ${serviceAccount}, and no pod uses it: it gets no association.`,
            `If it should have one, name its role: --role ${serviceAccount}=ROLE_ARN`,
          ),
        ];
      return [
        fail(
          'service-account-roles',
          `No role is known for service account ${serviceAccount} of ${request.addon}${users ? `, which ${users.length} pods use` : ''}.`,
          `Name its role: --role ${serviceAccount}=ROLE_ARN, or one role for all service accounts: --role-arn ROLE_ARN`,
        ),
      ];
    });
}
