/** What the ARN of an access entry's principal tells by itself. */
import { parseRoleArn } from './arn.ts';
import { CAPABILITIES, spokeRoleName } from './spokes.ts';

/**
 * Paths of roles that only AWS's own services assume: those of IAM Identity Center are for people, and those linked to
 * a service for that service. Source: IAM User Guide, "IAM identifiers" and "Service-linked roles".
 */
const PATHS_OF_AWS = ['/aws-reserved/', '/aws-service-role/'];

const SPOKE_ROLES = new Set(CAPABILITIES.map(spokeRoleName));

/**
 * Whether no node can have that principal, so that its access entry is a STANDARD one. Entries of nodes are for roles
 * alone, and for those of the cluster's account (`account`, where it is known). Sources: EKS API Reference,
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
