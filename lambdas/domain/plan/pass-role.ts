/** Whether the service may pass roles by its own configuration; whether IAM lets it, `rights-check.ts` says. */
import { parseRoleArn } from '../aws/arn.ts';
import type { Check, PlannedAssociation } from '../migration/model.ts';
import { EKS_PRINCIPAL, matchesWildcard, POD_IDENTITY_PRINCIPAL } from '../policy/index.ts';
import { fail, pass } from './check.ts';
import type { Facts } from './facts.ts';

const SOURCE = 'IAM User Guide, "Grant a user permissions to pass a role to an AWS service"';

interface Passed {
  arn: string;
  to: string;
  /** Empty, or that it is for the way back. */
  why: string;
}

/** Roles of associations that are there now: a rollback puts them back, with the add-on or by themselves. */
const rolesBefore = ({ associations }: Facts): string[] => associations.map((one) => one.roleArn);

/**
 * Each role of this account that is passed to each service: another account's is refused as such, and no right to pass
 * it would help.
 */
function passedRoles(facts: Facts, planned: readonly PlannedAssociation[]): Passed[] {
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

/** By the configuration: whether one of the ARN patterns covers that role. Case counts, as it does for IAM. */
export const isCovered = (patterns: readonly string[], arn: string): boolean =>
  parseRoleArn(arn) !== undefined && patterns.some((pattern) => matchesWildcard(pattern, arn));

export const isPassable = ({ passableRoleArns }: Pick<Facts, 'passableRoleArns'>, arn: string): boolean =>
  isCovered(passableRoleArns, arn);

/**
 * Whether the service may pass the planned roles to EKS Pod Identity, and back what was there: the add-on's IRSA role
 * to EKS, the roles of its associations. Source: EKS User Guide, "Assign IAM roles to add-ons"; IAM User Guide,
 * "iam:PassRole".
 */
export function checkPassRole(facts: Facts, planned: readonly PlannedAssociation[]): Check {
  const passed = passedRoles(facts, planned);
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
