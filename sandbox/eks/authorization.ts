/**
 * The permissions that each operation requires: action, resource and condition keys. Source: Service Authorization
 * Reference, "Actions, resources, and condition keys for Amazon Elastic Kubernetes Service". The reference also names
 * `podidentityassociation` as an optional resource of CreateAddon, UpdateAddon and DeleteAddon, without explaining its
 * use; permissions for the changes to associations are in `on-behalf.ts`.
 *
 * A part of an ARN that is unknown before the call is `*`. What AWS uses instead is not known: in 2021, before add-ons
 * could be named in policies, it was the request's path, as in `…:/clusters/c/addons/kube-proxy`, and `…:/createaddon`
 * (terraform-aws-modules/terraform-aws-eks#1725, rpadovani.com/eks-iam-permissions). A knob simulates the latter.
 */
import type * as eks from '@aws-sdk/client-eks';
import { clusterArn, eksArn } from '../../lambdas/domain/aws/arn.ts';
import type { RequiredPermission } from '../permission/permission.ts';
import {
  findCluster,
  type AccessEntryState,
  type AddonState,
  type AssociationState,
  type ClusterState,
} from '../world/world.ts';
import { entryArn, partsOf, usernameOf } from './access-entry-state.ts';
import { isLive } from './association-state.ts';
import type { EksCall } from './call.ts';
import { capabilityOf } from './capabilities.ts';
import { findTags } from './tags.ts';
import type { Decoded } from './wire.ts';

type Context = NonNullable<RequiredPermission['context']>;
type Tags = Record<string, string>;

/** Returns condition keys such as `aws:RequestTag/KEY`, one for each tag. */
const tagContext = (prefix: 'aws:RequestTag' | 'aws:ResourceTag', tags: Tags = {}): Context =>
  Object.fromEntries(Object.entries(tags).map(([key, value]) => [`${prefix}/${key}`, value]));

/** Returns the condition keys of a request with tags. */
const requestTags = (tags: Tags = {}): Context =>
  Object.keys(tags).length === 0 ? {} : { ...tagContext('aws:RequestTag', tags), 'aws:TagKeys': Object.keys(tags) };

const onResource = (
  action: string,
  { arn, tags }: { arn: string; tags?: Tags },
  context: Context = {},
): RequiredPermission => ({
  action,
  resource: arn,
  context: { ...tagContext('aws:ResourceTag', tags), ...context },
});

export const clusterPermission = (action: string, cluster: ClusterState): RequiredPermission =>
  onResource(action, cluster);
export const associationPermission = (action: string, association: AssociationState): RequiredPermission =>
  onResource(action, association);

/** Returns the permission for an action on a cluster, which need not exist. */
const onCluster = (action: string, call: EksCall, cluster: string, context: Context = {}): RequiredPermission =>
  onResource(
    action,
    findCluster(call.world, call.account, call.region, cluster) ?? { arn: clusterArn({ ...call, cluster }) },
    context,
  );

/** Returns the permission for an action on an add-on, which need not exist. */
const onAddon = (action: string, call: EksCall, cluster: string, addon: string): RequiredPermission => {
  const found: AddonState | undefined = findCluster(call.world, call.account, call.region, cluster)?.addons.get(addon);
  return onResource(action, found ?? { arn: eksArn(call, `addon/${cluster}/${addon}/*`) });
};

const onAssociation = (action: string, call: EksCall, cluster: string, id: string): RequiredPermission => {
  const found = findCluster(call.world, call.account, call.region, cluster)?.associations.get(id);
  return onResource(
    action,
    found && isLive(found) ? found : { arn: eksArn(call, `podidentityassociation/${cluster}/${id}`) },
  );
};

/** Returns the ARN of the entry that a principal would get, with `*` for its id. */
const newEntryArn = (call: EksCall, cluster: string, principalArn: string): string => {
  const { kind, account, name } = partsOf(principalArn);
  return eksArn(call, `access-entry/${cluster}/${kind}/${account}/${name}/*`);
};

const entryContext = ({
  type,
  kubernetesGroups = [],
  username,
}: {
  type?: string;
  kubernetesGroups?: readonly string[];
  username?: string;
}): Context => ({
  ...(type === undefined ? {} : { 'eks:accessEntryType': type }),
  ...(kubernetesGroups.length === 0 ? {} : { 'eks:kubernetesGroups': kubernetesGroups }),
  ...(username === undefined ? {} : { 'eks:username': username }),
});

const onEntry = (
  action: string,
  call: EksCall,
  clusterName: string,
  principalArn: string,
  context: Context = {},
): RequiredPermission => {
  const keys: Context = { 'eks:clusterName': clusterName, 'eks:principalArn': principalArn };
  const cluster = findCluster(call.world, call.account, call.region, clusterName);
  const entry: AccessEntryState | undefined = cluster?.accessEntries.get(principalArn);
  if (!cluster || !entry)
    return onResource(action, { arn: newEntryArn(call, clusterName, principalArn) }, { ...keys, ...context });
  return onResource(
    action,
    { arn: entryArn(cluster, entry), tags: entry.tags },
    { ...keys, ...entryContext({ ...entry, username: usernameOf(entry) }), ...context },
  );
};

/**
 * Returns the permission for an action without resource: policies must use `*`. The resource in AWS's error is known
 * for DescribeClusterVersions (awslabs/idf-modules#311) and ListClusters (aws/aws-cli#5823); the other actions are
 * likely to be like the former.
 */
const onNothing = (action: string, call: EksCall, named = '*'): RequiredPermission => ({
  action,
  resource: '*',
  named: eksArn(call, named),
});

/** Returns the permissions on the cluster and, if the request names one, the add-on: the reference lists both. */
const onUpdates = (
  action: string,
  call: EksCall,
  input: { name: string; addonName?: string },
): RequiredPermission[] => [
  onCluster(action, call, input.name),
  ...(input.addonName === undefined ? [] : [onAddon(action, call, input.name, input.addonName)]),
];

const onTagged = (action: string, call: EksCall, arn: string, context: Context = {}): RequiredPermission =>
  onResource(action, { arn, tags: findTags(call, arn) ?? {} }, context);

/**
 * Returns the permission that a create with tags needs additionally: eks:TagResource, which
 * rpadovani.com/eks-iam-permissions shows for CreateAddon and the CloudFormation schemas list for each create. The knob
 * `tagOnCreate` determines the resource.
 */
const taggingNew = (
  call: EksCall,
  {
    operation,
    cluster,
    created,
    tags = {},
  }: { operation: string; cluster: string; created: string; tags: Tags | undefined },
): RequiredPermission[] => {
  if (Object.keys(tags).length === 0) return [];
  const context = requestTags(tags);
  const { tagOnCreate } = call.world.knobs;
  if (tagOnCreate === 'cluster') return [onCluster('eks:TagResource', call, cluster, context)];
  const arn = tagOnCreate === 'addon' ? created : eksArn(call, `/${operation.toLowerCase()}`);
  return [onResource('eks:TagResource', { arn }, context)];
};

const PERMISSIONS = {
  AssociateAccessPolicy: (
    call: EksCall,
    { clusterName, principalArn, policyArn, accessScope }: Decoded<eks.AssociateAccessPolicyRequest>,
  ) => [
    onEntry('eks:AssociateAccessPolicy', call, clusterName, principalArn, {
      'eks:policyArn': policyArn,
      ...(accessScope.type === undefined ? {} : { 'eks:accessScope': accessScope.type }),
      ...((accessScope.namespaces ?? []).length === 0 ? {} : { 'eks:namespaces': accessScope.namespaces ?? [] }),
    }),
  ],
  CreateAccessEntry: (
    call: EksCall,
    {
      clusterName,
      principalArn,
      type = 'STANDARD',
      kubernetesGroups,
      username,
      tags,
    }: Decoded<eks.CreateAccessEntryRequest>,
  ) => [
    onCluster('eks:CreateAccessEntry', call, clusterName, {
      'eks:principalArn': principalArn,
      ...entryContext({
        type,
        ...(kubernetesGroups === undefined ? {} : { kubernetesGroups }),
        ...(username === undefined ? {} : { username }),
      }),
      ...requestTags(tags),
    }),
    ...taggingNew(call, {
      operation: 'CreateAccessEntry',
      cluster: clusterName,
      created: newEntryArn(call, clusterName, principalArn),
      tags,
    }),
  ],
  CreateAddon: (call: EksCall, { clusterName, addonName, tags }: Decoded<eks.CreateAddonRequest>) => [
    onCluster('eks:CreateAddon', call, clusterName, requestTags(tags)),
    ...taggingNew(call, {
      operation: 'CreateAddon',
      cluster: clusterName,
      created: eksArn(call, `addon/${clusterName}/${addonName}/*`),
      tags,
    }),
  ],
  CreatePodIdentityAssociation: (
    call: EksCall,
    { clusterName, tags }: Decoded<eks.CreatePodIdentityAssociationRequest>,
  ) => [
    onCluster('eks:CreatePodIdentityAssociation', call, clusterName, requestTags(tags)),
    ...taggingNew(call, {
      operation: 'CreatePodIdentityAssociation',
      cluster: clusterName,
      created: eksArn(call, `podidentityassociation/${clusterName}/*`),
      tags,
    }),
  ],
  DeleteAccessEntry: (call: EksCall, { clusterName, principalArn }: Decoded<eks.DeleteAccessEntryRequest>) => [
    onEntry('eks:DeleteAccessEntry', call, clusterName, principalArn),
  ],
  DeleteAddon: (call: EksCall, { clusterName, addonName }: Decoded<eks.DeleteAddonRequest>) => [
    onAddon('eks:DeleteAddon', call, clusterName, addonName),
  ],
  DeletePodIdentityAssociation: (
    call: EksCall,
    { clusterName, associationId }: Decoded<eks.DeletePodIdentityAssociationRequest>,
  ) => [onAssociation('eks:DeletePodIdentityAssociation', call, clusterName, associationId)],
  DescribeAccessEntry: (call: EksCall, { clusterName, principalArn }: Decoded<eks.DescribeAccessEntryRequest>) => [
    onEntry('eks:DescribeAccessEntry', call, clusterName, principalArn),
  ],
  DescribeAddon: (call: EksCall, { clusterName, addonName }: Decoded<eks.DescribeAddonRequest>) => [
    onAddon('eks:DescribeAddon', call, clusterName, addonName),
  ],
  DescribeAddonConfiguration: (call: EksCall) => [onNothing('eks:DescribeAddonConfiguration', call)],
  DescribeAddonVersions: (call: EksCall) => [onNothing('eks:DescribeAddonVersions', call)],
  DescribeCapability: (call: EksCall, input: Decoded<eks.DescribeCapabilityRequest>) => [
    onResource('eks:DescribeCapability', capabilityOf(call, input)),
  ],
  DescribeCluster: (call: EksCall, { name }: Decoded<eks.DescribeClusterRequest>) => [
    onCluster('eks:DescribeCluster', call, name),
  ],
  DescribeClusterVersions: (call: EksCall) => [onNothing('eks:DescribeClusterVersions', call)],
  DescribeFargateProfile: (
    call: EksCall,
    { clusterName, fargateProfileName }: Decoded<eks.DescribeFargateProfileRequest>,
  ) => [
    onResource('eks:DescribeFargateProfile', {
      arn: eksArn(call, `fargateprofile/${clusterName}/${fargateProfileName}/*`),
    }),
  ],
  DescribePodIdentityAssociation: (
    call: EksCall,
    { clusterName, associationId }: Decoded<eks.DescribePodIdentityAssociationRequest>,
  ) => [onAssociation('eks:DescribePodIdentityAssociation', call, clusterName, associationId)],
  DescribeUpdate: (call: EksCall, input: Decoded<eks.DescribeUpdateRequest>) =>
    onUpdates('eks:DescribeUpdate', call, input),
  DisassociateAccessPolicy: (
    call: EksCall,
    { clusterName, principalArn, policyArn }: Decoded<eks.DisassociateAccessPolicyRequest>,
  ) => [onEntry('eks:DisassociateAccessPolicy', call, clusterName, principalArn, { 'eks:policyArn': policyArn })],
  ListAccessEntries: (call: EksCall, { clusterName }: Decoded<eks.ListAccessEntriesRequest>) => [
    onCluster('eks:ListAccessEntries', call, clusterName),
  ],
  ListAccessPolicies: (call: EksCall) => [onNothing('eks:ListAccessPolicies', call)],
  ListAddons: (call: EksCall, { clusterName }: Decoded<eks.ListAddonsRequest>) => [
    onCluster('eks:ListAddons', call, clusterName),
  ],
  ListAssociatedAccessPolicies: (
    call: EksCall,
    { clusterName, principalArn }: Decoded<eks.ListAssociatedAccessPoliciesRequest>,
  ) => [onEntry('eks:ListAssociatedAccessPolicies', call, clusterName, principalArn)],
  ListCapabilities: (call: EksCall, { clusterName }: Decoded<eks.ListCapabilitiesRequest>) => [
    onCluster('eks:ListCapabilities', call, clusterName),
  ],
  ListClusters: (call: EksCall) => [onNothing('eks:ListClusters', call, 'cluster/*')],
  ListFargateProfiles: (call: EksCall, { clusterName }: Decoded<eks.ListFargateProfilesRequest>) => [
    onCluster('eks:ListFargateProfiles', call, clusterName),
  ],
  ListPodIdentityAssociations: (call: EksCall, { clusterName }: Decoded<eks.ListPodIdentityAssociationsRequest>) => [
    onCluster('eks:ListPodIdentityAssociations', call, clusterName),
  ],
  ListTagsForResource: (call: EksCall, { resourceArn }: Decoded<eks.ListTagsForResourceRequest>) => [
    onTagged('eks:ListTagsForResource', call, resourceArn),
  ],
  ListUpdates: (call: EksCall, input: Decoded<eks.ListUpdatesRequest>) => onUpdates('eks:ListUpdates', call, input),
  TagResource: (call: EksCall, { resourceArn, tags }: Decoded<eks.TagResourceRequest>) => [
    onTagged('eks:TagResource', call, resourceArn, requestTags(tags)),
  ],
  UntagResource: (call: EksCall, { resourceArn, tagKeys }: Decoded<eks.UntagResourceRequest>) => [
    onTagged('eks:UntagResource', call, resourceArn, { 'aws:TagKeys': tagKeys }),
  ],
  UpdateAccessEntry: (call: EksCall, { clusterName, principalArn }: Decoded<eks.UpdateAccessEntryRequest>) => [
    onEntry('eks:UpdateAccessEntry', call, clusterName, principalArn),
  ],
  UpdateAddon: (call: EksCall, { clusterName, addonName }: Decoded<eks.UpdateAddonRequest>) => [
    onAddon('eks:UpdateAddon', call, clusterName, addonName),
  ],
  UpdatePodIdentityAssociation: (
    call: EksCall,
    { clusterName, associationId }: Decoded<eks.UpdatePodIdentityAssociationRequest>,
  ) => [onAssociation('eks:UpdatePodIdentityAssociation', call, clusterName, associationId)],
};

/** The operations that the sandbox implements: those with an entry in `RIGHTS`. */
export type SupportedOperation = keyof typeof PERMISSIONS;

/**
 * Returns the permissions that a call needs, in the order in which they are checked. The input is decoded by the
 * operation's schema.
 */
type RequiredPermissions = (call: EksCall, input: never) => RequiredPermission[];

const permissions: ReadonlyMap<string, RequiredPermissions> = new Map<string, RequiredPermissions>(
  Object.entries(PERMISSIONS),
);

/** Returns undefined for an operation that the sandbox does not implement. */
export const permissionsOf = (operation: string): RequiredPermissions | undefined => permissions.get(operation);
