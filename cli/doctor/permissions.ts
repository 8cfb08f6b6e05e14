/**
 * Permissions that each purpose needs, and what IAM or the service itself said about them. The reads of a plan are those
 * of the service's own role for the step `plan` (lib/permissions/targets.ts), which a test compares.
 */
import { parsePrincipal } from '../../lambdas/domain/aws/principal.ts';
import { type Check, fail, pass, some, unknown } from '../../lambdas/domain/terms/check.ts';
import { shellCommand } from '../../lambdas/domain/text/shell.ts';

export const PLAN_ACTIONS = [
  'eks:DescribeAddon',
  'eks:DescribeAddonConfiguration',
  'eks:DescribeAddonVersions',
  'eks:DescribeAccessEntry',
  'eks:DescribeCluster',
  'eks:DescribeFargateProfile',
  'eks:DescribePodIdentityAssociation',
  'eks:ListAccessEntries',
  'eks:ListAddons',
  'eks:ListCapabilities',
  'eks:ListFargateProfiles',
  'eks:ListPodIdentityAssociations',
  'iam:GetOpenIDConnectProvider',
  'iam:GetPolicy',
  'iam:GetPolicyVersion',
  'iam:GetRole',
  'iam:GetRolePolicy',
  'iam:ListAttachedRolePolicies',
  'iam:ListRolePolicies',
  'iam:SimulatePrincipalPolicy',
] as const;

/** One group of actions on the same resources, all of which must be allowed. */
export interface Asked {
  actions: readonly string[];
  /** If absent, the resources are not known: a policy that allows only some of them does not allow the simulated call. */
  resources?: readonly string[];
}

/** An inline policy that gives the caller what is missing. */
export interface Grant {
  policyName: string;
  asked: readonly Asked[];
}

/** The reads of a plan, and what `doctor` and lists of clusters use in addition. */
export const PLAN_GRANT: Grant = {
  policyName: 'pod-identity-read',
  asked: [{ actions: [...PLAN_ACTIONS, 'eks:ListClusters'] }],
};

export interface Answered {
  action: string;
  answer: 'allowed' | 'denied' | 'unknown';
  /** Why it was denied, or is not known. */
  why?: string;
}

/** Returns the identity policy that allows the actions. */
export const policyFor = (asked: readonly Asked[]): string =>
  JSON.stringify({
    Version: '2012-10-17',
    Statement: asked.map(({ actions, resources }) => ({
      Effect: 'Allow',
      Action: [...actions].sort(),
      Resource: resources ?? '*',
    })),
  });

/** Returns how the caller gets the permissions. IAM Identity Center's roles cannot be changed in IAM. */
export const grantRemedy = (callerArn: string, { policyName, asked }: Grant): string => {
  const principal = parsePrincipal(callerArn);
  const policy = policyFor(asked);
  const document = ['--policy-name', policyName, '--policy-document', policy];
  if (principal?.kind === 'role' && !principal.name.startsWith('AWSReservedSSO_'))
    return `As an administrator, allow them: ${shellCommand(['aws', 'iam', 'put-role-policy', '--role-name', principal.name], document)}`;
  if (principal?.kind === 'user')
    return `As an administrator, allow them: ${shellCommand(['aws', 'iam', 'put-user-policy', '--user-name', principal.name], document)}`;
  return `Ask an administrator for a permission set or role with this policy: ${policy}`;
};

/** Returns the check of the permissions: failed if one is denied, unknown if none is denied and one is not known. */
export const checkPermissions = (
  answers: readonly Answered[],
  { what, callerArn, grant }: { what: string; callerArn: string; grant: Grant },
): Check => {
  const id = 'permissions';
  const of = (wanted: Answered['answer']): Answered[] => answers.filter(({ answer }) => answer === wanted);
  const [denied, open] = [of('denied'), of('unknown')];
  const allowed = of('allowed').length;
  if (denied.length > 0)
    return fail(
      id,
      `These credentials lack permissions to ${what}: ${denied.map(({ action }) => action).join(', ')}.`,
      grantRemedy(callerArn, grant),
    );
  if (open.length > 0)
    return unknown(
      id,
      `${allowed} of ${answers.length} permissions to ${what} are confirmed; not known: ${some(open.map(({ action }) => action))}${open[0]?.why === undefined ? '' : ` (${open[0].why})`}.`,
      `To have all of them checked, allow iam:GetRole and iam:SimulatePrincipalPolicy on the caller's own role; or try it.`,
    );
  return pass(
    id,
    allowed === 1 ? `The permission to ${what} is confirmed.` : `All ${allowed} permissions to ${what} are confirmed.`,
  );
};
