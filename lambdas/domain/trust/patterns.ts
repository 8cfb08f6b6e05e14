/**
 * Finds in a trust policy the OIDC providers that may use the role with service accounts of many namespaces. Source: IAM
 * User Guide, "Condition operators": only the operators with `Like` know wildcards.
 */
import { matchesWildcard } from '../policy/index.ts';
import { EVERY_SUBJECT, isPattern, subjectConditions } from './oidc-statements.ts';
import { isObject, type JsonObject, readTrust, textsOf } from './statements.ts';
import type { TrustPolicy } from './policy.ts';

const PROVIDER = /^arn:[\w-]+:iam::\d{12}:oidc-provider\/(.+)$/;
const PREFIX = 'system:serviceaccount:';
const ASSUME = 'sts:assumerolewithwebidentity';

/** Returns whether a pattern has a wildcard in the namespace, or before it. */
export function isOverNamespaces(pattern: string): boolean {
  if (!isPattern(pattern)) return false;
  if (!pattern.toLowerCase().startsWith(PREFIX)) return true;
  const [namespace = '', ...account] = pattern.slice(PREFIX.length).split(':');
  return account.length === 0 || isPattern(namespace);
}

/** Source: EKS API Reference, OIDC, issuer. */
const isOfEks = (issuer: string): boolean => /^oidc[.-]eks\./.test(issuer);

/**
 * Returns whether a pattern can match service accounts. Other issuers than those of EKS are often no clusters, such as
 * GitHub's: their patterns must name service accounts.
 */
function isOfAccounts(pattern: string, issuer: string): boolean {
  const literal = (/^[^*?]*/.exec(pattern)?.[0] ?? '').toLowerCase();
  return literal.startsWith(PREFIX) || (isOfEks(issuer) && PREFIX.startsWith(literal));
}

/** Returns the patterns of a statement for a provider; `*` if it has no condition on the subject. */
function patternsFor(statement: JsonObject, issuer: string): string[] {
  const conditions = subjectConditions(statement, `${issuer}:sub`);
  if (conditions.length === 0) return isOfEks(issuer) ? [EVERY_SUBJECT] : [];
  // Several conditions must all hold: one without such a pattern restricts the namespaces.
  const found = conditions.map(({ operator, subjects }) =>
    /like/i.test(operator) && !/not/i.test(operator)
      ? subjects.filter((one) => isOverNamespaces(one) && isOfAccounts(one, issuer))
      : [],
  );
  return found.every((patterns) => patterns.length > 0) ? found.flat() : [];
}

const mayAssume = (statement: JsonObject): boolean =>
  statement['Effect'] === 'Allow' &&
  (statement['Action'] === undefined
    ? !textsOf(statement['NotAction']).some((one) => matchesWildcard(one.toLowerCase(), ASSUME))
    : textsOf(statement['Action']).some((one) => matchesWildcard(one.toLowerCase(), ASSUME)));

/** Returns the patterns over namespaces by the ARN of their OIDC provider. */
export function patternsOverNamespaces(trustPolicy: TrustPolicy): Map<string, string[]> {
  const found = new Map<string, string[]>();
  const trust = readTrust(trustPolicy);
  for (const statement of trust.readable ? trust.statements.filter(mayAssume) : []) {
    const federated = isObject(statement['Principal']) ? textsOf(statement['Principal']['Federated']) : [];
    for (const arn of federated) {
      const issuer = PROVIDER.exec(arn)?.[1];
      const patterns = issuer === undefined ? [] : patternsFor(statement, issuer);
      if (patterns.length > 0) found.set(arn, [...new Set([...(found.get(arn) ?? []), ...patterns])]);
    }
  }
  return found;
}
