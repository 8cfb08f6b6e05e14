/** The checks of a plan about roles: which service account gets which, who may use it, and whether the service may pass it. */
import { parseRoleArn } from '../arn.ts';
import type { Check, PlannedAssociation } from '../model.ts';
import { irsaRequest, podIdentityRequests, POD_IDENTITY_PRINCIPAL } from '../policy/contexts.ts';
import { parseTrustPolicy } from '../policy/document.ts';
import { evaluateTrust } from '../policy/evaluate.ts';
import { matchesWildcard } from '../policy/wildcard.ts';
import { fail, GUIDE, pass, warn } from './check.ts';
import type { Facts } from './facts.ts';

/** The service that the add-on's IRSA role is passed to. */
const EKS_PRINCIPAL = 'eks.amazonaws.com';

/** Exists, lies in this account, and lets EKS Auth in: for one role and the service accounts that shall use it. */
export function checkRole(facts: Facts, roleArn: string, planned: readonly PlannedAssociation[]): Check[] {
  const { target } = facts.request;
  const parsed = parseRoleArn(roleArn);
  if (!parsed || parsed.account !== target.account) {
    return [
      fail(
        'role-account',
        `Role ${roleArn} is not in the cluster's account ${target.account}.`,
        'Use a role of the cluster\'s own account; to reach another account, chain to it with targetRoleArn.',
        `${GUIDE}, "Access AWS resources using EKS Pod Identity target IAM roles"; EKS answers "Cross-account pass role is not allowed."`,
      ),
    ];
  }
  const found = facts.roles[roleArn];
  const here = pass('role-account', `Role ${parsed.name} is in the cluster's account.`);
  if (!found) {
    return [here, fail('role-exists', `IAM has no role ${roleArn}.`, `Check its name: aws iam get-role --role-name ${parsed.name}. Create it with a trust policy for ${POD_IDENTITY_PRINCIPAL}, or name another with --role-arn.`)];
  }
  const policy = parseTrustPolicy(found.trustPolicy);
  const source = `${GUIDE}, "Create IAM role with trust policy required by EKS Pod Identity"`;
  const trust = planned.map((one): Check => {
    const answers = podIdentityRequests(target, one.namespace, one.serviceAccount).map((request) => ({ request, ...evaluateTrust(policy, request) }));
    const bad = answers.filter((answer) => answer.verdict !== 'allowed');
    if (bad.length === 0) return pass('role-trust', `Role ${parsed.name} lets ${POD_IDENTITY_PRINCIPAL} in for ${one.namespace}/${one.serviceAccount} (sts:AssumeRole and sts:TagSession).`);
    const decided = bad.some((answer) => answer.verdict !== 'unknown');
    const reasons = bad.map((answer) => `${answer.request.action} is ${answer.verdict}: ${answer.reasons.join('; ')}`).join('. ');
    return {
      id: 'role-trust',
      status: decided ? 'fail' : 'unknown',
      message: `The trust policy of role ${parsed.name} ${decided ? 'does not let' : 'may not let'} ${POD_IDENTITY_PRINCIPAL} in for ${one.namespace}/${one.serviceAccount}. ${reasons}.`,
      remedy: `Add this statement to the role's trust policy and keep the others: ${JSON.stringify({ Effect: 'Allow', Principal: { Service: POD_IDENTITY_PRINCIPAL }, Action: ['sts:AssumeRole', 'sts:TagSession'] })}`,
      source,
    };
  });
  return [here, pass('role-exists', `Role ${parsed.name} exists.`), ...trust];
}

/** The way back: after a rollback the add-on's own role must let its pods in by OIDC again. */
export function checkWayBack(facts: Facts, planned: readonly PlannedAssociation[]): Check {
  const { target } = facts.request;
  const roleArn = facts.addon?.serviceAccountRoleArn ?? '';
  const found = facts.roles[roleArn];
  const issuer = facts.cluster?.oidcIssuer;
  const remedy = 'The migration can go on, but a rollback would put back an IRSA role that does not work. Repair the OIDC statement first if you want a way back.';
  if (!found || !issuer) return warn('way-back', issuer ? `The IRSA role ${roleArn} could not be read.` : 'The cluster shows no OIDC issuer.', remedy);
  const policy = parseTrustPolicy(found.trustPolicy);
  const closed = planned.filter((one) => evaluateTrust(policy, irsaRequest(target, issuer, one.namespace, one.serviceAccount)).verdict !== 'allowed');
  if (closed.length === 0) return pass('way-back', 'The OIDC trust stands, and stays: a rollback can go back to IRSA.');
  const names = closed.map((one) => `${one.namespace}/${one.serviceAccount}`).join(', ');
  return warn('way-back', `The trust of ${roleArn} does not certainly let ${names} in by OIDC.`, remedy);
}

/**
 * Whether the service's own rights let it pass the roles: the planned ones to EKS Pod Identity, and the add-on's IRSA
 * role to EKS, which the way back needs. Source: EKS User Guide, "Assign IAM roles to add-ons"; IAM User Guide, "iam:PassRole".
 */
export function checkPassRole({ request, addon, passableRoleArns }: Facts, planned: readonly PlannedAssociation[]): Check {
  const irsa = addon?.serviceAccountRoleArn;
  // Another account's role is refused as such: no right to pass it would help.
  const here = planned.map((one) => one.roleArn).filter((arn) => parseRoleArn(arn)?.account === request.target.account);
  const passed = [...new Set(here)].map((arn) => ({ arn, to: POD_IDENTITY_PRINCIPAL, why: '' }));
  if (irsa !== undefined) passed.push({ arn: irsa, to: EKS_PRINCIPAL, why: ' for the way back' });
  const refused = passed.filter(({ arn }) => !passableRoleArns.some((pattern) => matchesWildcard(pattern, arn)));
  if (refused.length === 0) return pass('pass-role', `The service may pass ${passed.map(({ arn, to }) => `${arn} to ${to}`).join(' and ') || 'what it has to'}.`);
  const arns = [...new Set(refused.map(({ arn }) => arn))].join(', ');
  return fail(
    'pass-role',
    `The service may not pass ${refused.map(({ arn, to, why }) => `${arn} to ${to}${why}`).join(', nor ')} (it may pass: ${passableRoleArns.join(', ') || 'no role'}).`,
    `Add ${arns} to the CDK context passableRoleArns and deploy.`,
    'IAM User Guide, "Grant a user permissions to pass a role to an AWS service"',
  );
}

/** A role that was given for a service account which the version knows nothing of. */
export function checkNamedServiceAccounts({ request, podIdentity }: Facts): Check[] {
  const accounts = podIdentity.map((one) => one.serviceAccount);
  return Object.keys(request.roles)
    .filter((serviceAccount) => !accounts.includes(serviceAccount))
    .map((serviceAccount) =>
      fail('role-service-accounts', `A role was given for service account ${serviceAccount}, which ${request.addon} does not take.`, `Name one of: ${accounts.join(', ') || 'none'}.`),
    );
}

/**
 * Service accounts that the version takes but for which no role is known: neither the request nor the add-on names one.
 * Nobody may be left behind without a word; only one that no pod uses is.
 */
export function checkServiceAccountsWithoutRole({ request, podIdentity, pods }: Facts, planned: readonly PlannedAssociation[]): Check[] {
  return podIdentity
    .map((one) => one.serviceAccount)
    .filter((serviceAccount) => planned.every((one) => one.serviceAccount !== serviceAccount))
    .flatMap((serviceAccount): Check[] => {
      const users = pods?.filter((pod) => pod.serviceAccount === serviceAccount && !pod.terminating);
      if (users?.length === 0) return [warn('service-account-roles', `No role is known for service account ${serviceAccount}, and no pod uses it: it gets no association.`, `If it shall have one, name its role: --role ${serviceAccount}=ROLE_ARN`)];
      return [
        fail(
          'service-account-roles',
          `No role is known for service account ${serviceAccount} of ${request.addon}${users ? `, which ${users.length} pods use` : ''}.`,
          `Name its role: --role ${serviceAccount}=ROLE_ARN, or one for all: --role-arn ROLE_ARN`,
        ),
      ];
    });
}
