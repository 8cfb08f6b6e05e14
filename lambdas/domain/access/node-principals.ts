/** What the ARN of an access entry's principal shows without further calls. */
import { parseRoleArn } from '../aws/arn.ts';
import { CAPABILITIES, spokeRoleName } from './spokes.ts';

/**
 * Paths of roles that no node can use: the roles of IAM Identity Center are for people, and service-linked roles for
 * their service. Source: IAM User Guide, "IAM identifiers" and "Service-linked roles".
 */
const PATHS_OF_AWS = ['/aws-reserved/', '/aws-service-role/'];

const SPOKE_ROLES = new Set(CAPABILITIES.map(spokeRoleName));

/**
 * Returns whether no node can have that principal, so that its access entry has type STANDARD. Entries for nodes are
 * only
 * for roles, and only for roles of the cluster's account (`account`, if known). Sources: EKS API Reference,
 * CreateAccessEntry, principalArn; EKS User Guide, "Create access entries".
 */
export function isNobodysNode(principalArn: string, account?: string): boolean {
  if (/^arn:[^:]+:iam::\d*:(user\/|root$)/.test(principalArn)) return true;
  const role = parseRoleArn(principalArn);
  if (!role) return false;
  return (
    SPOKE_ROLES.has(role.name) ||
    PATHS_OF_AWS.some((path) => role.path.startsWith(path)) ||
    (account !== undefined && role.account !== account)
  );
}
