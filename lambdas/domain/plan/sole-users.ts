/** Whether a role is for certain service accounts of a cluster alone, as far as IRSA goes. */
import { oidcProviderArn } from '../aws/arn.ts';
import type { PlannedAssociation } from '../migration/planned.ts';
import { issuerName, matchesWildcard, type Statement } from '../policy/index.ts';
import type { Facts } from './facts.ts';

const ASSUME = 'sts:assumerolewithwebidentity';

/** Whether the statement may allow IRSA to pods of the cluster with that OIDC provider. */
function mayAllow({ effect, action, principals }: Statement, provider: string): boolean {
  if (effect !== 'Allow') return false;
  if (action.patterns.some((pattern) => matchesWildcard(pattern.toLowerCase(), ASSUME)) === action.negated)
    return false;
  if (!principals || principals.negated || principals.everybody) return true;
  return principals.named.get('Federated')?.includes(provider) ?? false;
}

/** Names that the statement asks the claim `sub` to be; undefined where it does not name them one by one. */
function subjectsOf({ conditions }: Statement, issuer: string): string[] | undefined {
  const named = conditions.find(
    ({ operator, key }) =>
      ['stringequals', 'stringlike'].includes(operator.toLowerCase()) &&
      key.toLowerCase() === `${issuer}:sub`.toLowerCase(),
  );
  return named?.wanted.some((value) => /[*?$]/.test(value)) ? undefined : named?.wanted;
}

/**
 * Returns whether the role's trust policy allows IRSA for none but these service accounts of the cluster. Then no other
 * add-on can use it, whatever role EKS has noted for that. What is not plain to see counts as no.
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
