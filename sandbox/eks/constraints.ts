/**
 * What the API model says about members beyond their type. The SDK leaves it out of its schemas, so it is copied here
 * for the shapes that the sandbox plays, by `Shape.member`. Source: EKS API model 2017-11-01.
 */
import { AddonIssueCode, AddonStatus, ClusterStatus, ErrorCode, ResolveConflicts, UpdateParamType, UpdateStatus, UpdateType } from '@aws-sdk/client-eks';

export interface Constraint {
  /** Length of a string, number of a list's or map's entries. */
  length?: { min?: number; max?: number };
  range?: { min: number; max: number };
  pattern?: RegExp;
  enumeration?: Record<string, string>;
  /** Of a map's keys and values. */
  entries?: { key: Constraint; value: Constraint };
}

const clusterName: Constraint = { length: { min: 1, max: 100 }, pattern: /^[0-9A-Za-z][A-Za-z0-9\-_]*$/ };
const maxResults: Constraint = { range: { min: 1, max: 100 } };
const tagKey: Constraint = { length: { min: 1, max: 128 } };
const tags: Constraint = { length: { min: 1, max: 50 }, entries: { key: tagKey, value: { length: { max: 256 } } } };
/**
 * The model also wants one character at least, yet the service judges an empty role ARN as a role of somebody else
 * (hashicorp/terraform-provider-aws#30645): see `addon-checks.ts`.
 */
const addonRole: Constraint = { length: { max: 255 } };
const resolveConflicts: Constraint = { enumeration: ResolveConflicts };

const CONSTRAINTS: Record<string, Constraint> = {
  'CreateAddonRequest.clusterName': clusterName,
  'UpdateAddonRequest.clusterName': clusterName,
  'DeleteAddonRequest.clusterName': clusterName,
  'DescribeAddonRequest.clusterName': clusterName,
  'ListAddonsRequest.clusterName': clusterName,
  'CreateAddonRequest.serviceAccountRoleArn': addonRole,
  'UpdateAddonRequest.serviceAccountRoleArn': addonRole,
  'CreateAddonRequest.resolveConflicts': resolveConflicts,
  'UpdateAddonRequest.resolveConflicts': resolveConflicts,
  'AddonNamespaceConfigRequest.namespace': { length: { min: 1, max: 63 } },
  'ListClustersRequest.maxResults': maxResults,
  'ListAddonsRequest.maxResults': maxResults,
  'ListUpdatesRequest.maxResults': maxResults,
  'ListPodIdentityAssociationsRequest.maxResults': maxResults,
  'DescribeAddonVersionsRequest.maxResults': maxResults,
  'CreateAddonRequest.tags': tags,
  'CreatePodIdentityAssociationRequest.tags': tags,
  'TagResourceRequest.tags': tags,
  'UntagResourceRequest.tagKeys': { length: { min: 1, max: 50 } },
  'Addon.status': { enumeration: AddonStatus },
  'AddonIssue.code': { enumeration: AddonIssueCode },
  'Cluster.status': { enumeration: ClusterStatus },
  'ErrorDetail.errorCode': { enumeration: ErrorCode },
  'Update.status': { enumeration: UpdateStatus },
  'Update.type': { enumeration: UpdateType },
  'UpdateParam.type': { enumeration: UpdateParamType },
};

export const constraintOf = (shape: string, member: string): Constraint | undefined => CONSTRAINTS[`${shape}.${member}`];

/** Why a value breaks a constraint, in the words of AWS's own validation; undefined where it keeps it. */
export const violation = (value: unknown, constraint: Constraint): string | undefined => {
  const { length, range, pattern, enumeration, entries } = constraint;
  const size = typeof value === 'string' || Array.isArray(value) ? value.length : typeof value === 'object' && value !== null ? Object.keys(value).length : undefined;
  if (length && size !== undefined) {
    if (length.min !== undefined && size < length.min) return `Member must have length greater than or equal to ${length.min}`;
    if (length.max !== undefined && size > length.max) return `Member must have length less than or equal to ${length.max}`;
  }
  if (range && typeof value === 'number') {
    if (value < range.min) return `Member must have value greater than or equal to ${range.min}`;
    if (value > range.max) return `Member must have value less than or equal to ${range.max}`;
  }
  if (pattern && typeof value === 'string' && !pattern.test(value)) return `Member must satisfy regular expression pattern: ${pattern.source}`;
  if (enumeration && typeof value === 'string' && !Object.values(enumeration).includes(value)) {
    return `Member must satisfy enum value set: [${Object.values(enumeration).sort().join(', ')}]`;
  }
  if (entries && typeof value === 'object' && value !== null) {
    for (const [key, entry] of Object.entries(value)) {
      const why = violation(key, entries.key) ?? violation(entry, entries.value);
      if (why !== undefined) return why;
    }
  }
  return undefined;
};
