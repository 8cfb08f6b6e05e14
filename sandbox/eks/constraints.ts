/**
 * Constraints of members in the API model. The SDK's schemas do not contain them, so they are copied here by
 * `Shape.member` for the shapes that the sandbox uses. Source: EKS API model 2017-11-01.
 */
import {
  AccessScopeType,
  AddonIssueCode,
  AddonStatus,
  AuthenticationMode,
  CapabilityStatus,
  CapabilityType,
  ClusterStatus,
  ClusterVersionStatus,
  ErrorCode,
  ResolveConflicts,
  UpdateParamType,
  UpdateStatus,
  UpdateType,
  VersionStatus,
} from '@aws-sdk/client-eks';
import type { Constraint } from '../constraint.ts';

const clusterName: Constraint = { length: { min: 1, max: 100 }, pattern: /^[0-9A-Za-z][A-Za-z0-9\-_]*$/ };
const maxResults: Constraint = { range: { min: 1, max: 100 } };
const tagKey: Constraint = { length: { min: 1, max: 128 } };
const tags: Constraint = { length: { min: 1, max: 50 }, entries: { key: tagKey, value: { length: { max: 256 } } } };
/**
 * The model also requires at least one character, but the service treats an empty role ARN as a role of another account
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
  'DescribeClusterVersionsRequest.maxResults': maxResults,
  'ListAccessEntriesRequest.maxResults': maxResults,
  'ListFargateProfilesRequest.maxResults': maxResults,
  'ListCapabilitiesRequest.maxResults': maxResults,
  'ListAccessPoliciesRequest.maxResults': maxResults,
  'ListAssociatedAccessPoliciesRequest.maxResults': maxResults,
  'DescribeClusterVersionsRequest.status': { enumeration: ClusterVersionStatus },
  'DescribeClusterVersionsRequest.versionStatus': { enumeration: VersionStatus },
  'CreateAddonRequest.tags': tags,
  'CreatePodIdentityAssociationRequest.tags': tags,
  'CreateAccessEntryRequest.tags': tags,
  'TagResourceRequest.tags': tags,
  'UntagResourceRequest.tagKeys': { length: { min: 1, max: 50 }, items: tagKey },
  'AccessScope.type': { enumeration: AccessScopeType },
  'AccessConfigResponse.authenticationMode': { enumeration: AuthenticationMode },
  'Addon.status': { enumeration: AddonStatus },
  'AddonIssue.code': { enumeration: AddonIssueCode },
  'Capability.status': { enumeration: CapabilityStatus },
  'Capability.type': { enumeration: CapabilityType },
  'CapabilitySummary.status': { enumeration: CapabilityStatus },
  'CapabilitySummary.type': { enumeration: CapabilityType },
  'Cluster.status': { enumeration: ClusterStatus },
  'ClusterVersionInformation.status': { enumeration: ClusterVersionStatus },
  'ClusterVersionInformation.versionStatus': { enumeration: VersionStatus },
  'ErrorDetail.errorCode': { enumeration: ErrorCode },
  'Update.status': { enumeration: UpdateStatus },
  'Update.type': { enumeration: UpdateType },
  'UpdateParam.type': { enumeration: UpdateParamType },
};

const byShape = new Map<string, Map<string, Constraint>>();
for (const [path, constraint] of Object.entries(CONSTRAINTS)) {
  const [shape = '', member = ''] = path.split('.');
  byShape.set(shape, (byShape.get(shape) ?? new Map<string, Constraint>()).set(member, constraint));
}

export const constraintOf = (shape: string, member: string): Constraint | undefined => byShape.get(shape)?.get(member);
