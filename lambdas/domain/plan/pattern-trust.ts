/**
 * Checks a role that trusts service accounts by a pattern: a migration moves one of them, and the others still need the
 * OIDC trust. Public reports: aws/eks-pod-identity-agent#112, aws/containers-roadmap#2233 and #2397.
 */
import { acceptFlags, accepts, isAcceptable } from '../acceptance/accept.ts';
import { oidcProviderArn, parseRoleArn } from '../aws/arn.ts';
import { type Check, GUIDE, keepIrsa, some, warn } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { asClause, counted } from '../text/text.ts';
import { patternText } from '../trust/pattern-check.ts';
import { isOverNamespaces, patternsOverNamespaces } from '../trust/patterns.ts';
import { type PatternTrust, patternTrust } from '../trust/retire.ts';
import { nameOf } from '../trust/statements.ts';
import { irsaRoleOf } from '../verification/irsa.ts';
import type { Facts } from './facts.ts';

const SOURCE = `${GUIDE}, "Assign IAM roles to Kubernetes service accounts"`;

/** Returns the patterns by which the IRSA role trusts the planned service accounts; undefined if there are none. */
export function plannedPatterns(
  facts: Pick<Facts, 'request' | 'cluster' | 'addon' | 'serviceAccount' | 'roles'>,
  planned: readonly PlannedAssociation[],
): PatternTrust | undefined {
  const roleArn = irsaRoleOf(facts);
  const role = roleArn === undefined ? undefined : facts.roles[roleArn];
  const issuer = facts.cluster?.oidcIssuer;
  if (!role || issuer === undefined || planned.length === 0) return undefined;
  const found = patternTrust(role.trustPolicy, facts.request.target, issuer, planned);
  return found.patterns.length > 0 ? found : undefined;
}

/** Describes which of the service accounts that exist and match have an association. */
function pairsText({ serviceAccounts, roleUsers, request }: Facts, { othersIn }: PatternTrust): string {
  if (!serviceAccounts) return 'Which service accounts match was not read.';
  if ('error' in serviceAccounts)
    return `Which service accounts match could not be read: ${asClause(serviceAccounts.error)}.`;
  const others = othersIn(serviceAccounts.seen.map(({ namespace, name }) => ({ namespace, serviceAccount: name })));
  if (others.length === 0) return `No other service account of cluster ${request.target.cluster} matches.`;
  const associated = new Set(roleUsers?.associations.map(nameOf));
  const lacking = others.filter((one) => !associated.has(nameOf(one)));
  const isPartial = !roleUsers || roleUsers.more || roleUsers.error !== undefined;
  const match = `${counted(others.length, 'other service account')} of cluster ${request.target.cluster} ${others.length === 1 ? 'matches' : 'match'}`;
  if (lacking.length === 0) return `${match}, with an association each: ${some(others.map(nameOf))}.`;
  const rest = isPartial ? ' Associations of the cluster were not all read, so that some of these may have one.' : '';
  return `${match}: ${others.length - lacking.length} with an association, and ${lacking.length} without: ${some(lacking.map(nameOf))}.${rest}`;
}

function checkPairs(facts: Facts, trust: PatternTrust, name: string): Check {
  return warn(
    'pattern-trust',
    `Role ${name} trusts service accounts of this cluster by ${patternText(trust.patterns)}. ${pairsText(facts, trust)} The migration changes none of them.`,
    'To retire the OIDC trust later, give each an association, or accept by name those that may lose the role; until then, retire refuses.',
    SOURCE,
  );
}

/**
 * Fails if the role is made for service accounts of many namespaces in several clusters: EKS Pod Identity needs one
 * association for each of them, and namespaces come and go.
 */
function checkFit({ request, cluster, roles }: Facts, { patterns }: PatternTrust, roleArn: string): Check[] {
  const wide = patterns.filter(isOverNamespaces);
  const role = roles[roleArn];
  if (wide.length === 0 || !role || cluster?.oidcIssuer === undefined) return [];
  const own = oidcProviderArn(request.target, cluster.oidcIssuer);
  const others = [...patternsOverNamespaces(role.trustPolicy).keys()].filter((arn) => arn !== own);
  if (others.length === 0) return [];
  const found = `Role ${parseRoleArn(roleArn)?.name ?? roleArn} trusts service accounts of any matching namespace (${patternText(wide)}) in ${counted(others.length + 1, 'cluster')}: this one, and ${some(others)}.`;
  const why =
    'EKS Pod Identity has no patterns: each namespace of each cluster needs an association of its own, also those that are created later.';
  const open = wide.filter((one) => !accepts(request, 'consumer', one));
  if (open.length === 0)
    return [
      warn(
        'pattern-fit',
        `${found} ${why} The request accepts that.`,
        'Have whatever creates the namespaces create the associations too.',
        SOURCE,
      ),
    ];
  return [
    keepIrsa(
      'pattern-fit',
      `${found} ${why}`,
      `Keep IRSA for these service accounts. To migrate all the same, ${
        open.every((one) => isAcceptable('consumer', one))
          ? `accept the pattern by name: ${acceptFlags('consumer', open)}`
          : 'replace the pattern in the trust policy by one that begins with system:serviceaccount:'
      }`,
      SOURCE,
    ),
  ];
}

/** Returns no check if the IRSA role trusts the planned service accounts by their names. */
export function checkPatternTrust(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const trust = plannedPatterns(facts, planned);
  const roleArn = irsaRoleOf(facts);
  if (!trust || roleArn === undefined) return [];
  return [checkPairs(facts, trust, parseRoleArn(roleArn)?.name ?? roleArn), ...checkFit(facts, trust, roleArn)];
}
