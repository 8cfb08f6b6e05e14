/** Evaluates whether a role's IRSA trust is restricted to certain service accounts of a cluster. */
import { oidcProviderArn } from '../aws/arn.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { issuerName, matchesWildcard, type Statement } from '../policy/index.ts';
import type { Facts } from './facts.ts';

const ASSUME = 'sts:assumerolewithwebidentity';

/** Returns whether the statement may allow IRSA for pods of the cluster with that OIDC provider. */
function mayAllow({ effect, action, principals }: Statement, provider: string): boolean {
  if (effect !== 'Allow') return false;
  if (action.patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), ASSUME)) === action.negated)
    return false;
  if (!principals || principals.negated || principals.everybody) return true;
  return principals.named.get('Federated')?.includes(provider) ?? false;
}

/** Returns the subjects that the statement lists for the claim `sub`, or undefined if it does not list them one by one. */
function subjectsOf({ conditions }: Statement, issuer: string): string[] | undefined {
  const named = conditions.find(
    ({ operator, key }) =>
      ['stringequals', 'stringlike'].includes(operator.toLowerCase()) &&
      key.toLowerCase() === `${issuer}:sub`.toLowerCase(),
  );
  return named?.wanted.some((value) => /[*?$]/.test(value)) ? undefined : named?.wanted;
}

/**
 * Returns whether the role's trust policy allows IRSA only for these service accounts of the cluster. Then no other add-on
 * can use the role, even if EKS shows it as that add-on's role. Any doubt counts as no.
 */
export function isForThemAlone(
  { request, cluster, roles }: Pick<Facts, 'request' | 'cluster' | 'roles'>,
  roleArn: string,
  accounts: readonly Pick<PlannedAssociation, 'namespace' | 'serviceAccount'>[],
): boolean {
  const role = roles[roleArn];
  if (!role || cluster?.oidcIssuer === undefined) return false;
  const policy = role.trustPolicy.document;
  if (!policy.valid) return false;
  const provider = oidcProviderArn(request.target, cluster.oidcIssuer);
  const issuer = issuerName(cluster.oidcIssuer);
  const subjects = accounts.map((one) => `system:serviceaccount:${one.namespace}:${one.serviceAccount}`);
  return policy.statements
    .filter((statement) => mayAllow(statement, provider))
    .every((statement) => subjectsOf(statement, issuer)?.every((subject) => subjects.includes(subject)) ?? false);
}
