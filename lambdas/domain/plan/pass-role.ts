/** Checks whether the service's configuration allows passing the roles. `rights-check.ts` checks IAM's permissions. */
import { parseRoleArn } from '../aws/arn.ts';
import { type Check, fail, pass, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { EKS_PRINCIPAL, matchesWildcard, POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import type { Facts } from './facts.ts';
import { NOT_ASKED } from './preview.ts';
import { shellCommand } from '../text/shell.ts';

const SOURCE = 'IAM User Guide, "Grant a user permissions to pass a role to an AWS service"';

interface Passed {
  arn: string;
  to: string;
  /** Empty, or a note that the role is passed in a rollback. */
  why: string;
}

/** Returns the roles of current associations, which a rollback restores with the add-on or on their own. */
const rolesBefore = ({ associations }: Facts): string[] => associations.map((one) => one.roleArn);

/**
 * Returns each role of this account that is passed, by service. A role of another account is refused anyway, and no
 * permission to pass it would help.
 */
export function passedRoles(facts: Facts, planned: readonly PlannedAssociation[]): Passed[] {
  const here = (arns: string[]): string[] =>
    [...new Set(arns)].filter((arn) => parseRoleArn(arn)?.account === facts.request.target.account);
  const there = here(planned.map((one) => one.roleArn));
  const back = here(rolesBefore(facts)).filter((arn) => !there.includes(arn));
  const irsa = facts.addon?.serviceAccountRoleArn;
  const { annotation } = facts.request;
  const annotated = annotation === 'remove' ? facts.serviceAccount?.roleArn : undefined;
  return [
    ...there.map((arn) => ({ arn, to: POD_IDENTITY_PRINCIPAL, why: '' })),
    ...back.map((arn) => ({ arn, to: POD_IDENTITY_PRINCIPAL, why: ' for the rollback' })),
    ...(irsa === undefined ? [] : [{ arn: irsa, to: EKS_PRINCIPAL, why: ' for the rollback' }]),
    ...(annotated === undefined || there.includes(annotated)
      ? []
      : [{ arn: annotated, to: 'pods by the annotation', why: ' for the rollback' }]),
  ];
}

/** Returns whether one of the configured ARN patterns matches the role. Case matters, as in IAM. */
export const isCovered = (patterns: readonly string[], arn: string): boolean =>
  parseRoleArn(arn) !== undefined && patterns.some((pattern) => matchesWildcard(pattern, arn));

export const isPassable = ({ passableRoleArns }: Pick<Facts, 'passableRoleArns'>, arn: string): boolean =>
  isCovered(passableRoleArns, arn);

/** Names the patterns to configure: without a deployed service, its configuration is not known. */
function checkPassRoleInPreview(cluster: string, passed: readonly Passed[]): Check {
  const arns = [...new Set(passed.map(({ arn }) => arn))];
  if (arns.length === 0) return pass('pass-role', 'The migration passes no role of this account.');
  return warn(
    'pass-role',
    `A migration passes ${passed.map(({ arn, to, why }) => `${arn} to ${to}${why}`).join(', and ')}. ${NOT_ASKED}, so it is not known whether its setting passableRoleArns covers ${arns.length === 1 ? 'that role' : 'these roles'}.`,
    `When you deploy, let passableRoleArns cover ${arns.join(', ')}. To have the setting proposed: ${shellCommand(['pod-identity', 'suggest-config', '--cluster', cluster])}`,
    SOURCE,
  );
}

/**
 * Checks whether the service may pass the planned roles to EKS Pod Identity, and, for a rollback, the add-on's IRSA role
 * to EKS and the roles of its associations. Source: EKS User Guide, "Assign IAM roles to add-ons"; IAM User Guide,
 * "iam:PassRole".
 */
export function checkPassRole(facts: Facts, planned: readonly PlannedAssociation[]): Check {
  const passed = passedRoles(facts, planned);
  if (facts.preview) return checkPassRoleInPreview(facts.request.target.cluster, passed);
  const refused = passed.filter(({ arn }) => !isPassable(facts, arn));
  if (refused.length === 0)
    return pass(
      'pass-role',
      `The service's configuration allows it to pass ${passed.map(({ arn, to }) => `${arn} to ${to}`).join(' and ') || 'every role that it must pass'}.`,
    );
  const arns = [...new Set(refused.map(({ arn }) => arn))].join(', ');
  return fail(
    'pass-role',
    `The service's configuration does not allow it to pass ${refused.map(({ arn, to, why }) => `${arn} to ${to}${why}`).join(', or ')} (it may pass: ${facts.passableRoleArns.join(', ') || 'no role'}).`,
    `Add ${arns} to the CDK context passableRoleArns and deploy.`,
    SOURCE,
  );
}
