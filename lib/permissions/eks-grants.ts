/**
 * Rights to single calls of EKS and IAM at a target, which `targets.ts` combines for each step. Source of the resource
 * types: Service Authorization Reference, Amazon EKS (CreateAddon, List- and CreatePodIdentityAssociation are
 * authorized on the cluster). What EKS does on the caller's behalf also needs the caller's rights, which the
 * CloudFormation schemas of AWS::EKS::Addon and AWS::EKS::PodIdentityAssociation list for each call.
 */
import { Aws } from 'aws-cdk-lib';
import { EKS_PRINCIPAL, POD_IDENTITY_PRINCIPAL } from '../../lambdas/domain/policy/index.ts';
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import type { Grant } from './grant.ts';

/** Clusters of this account in any region, because a migration's target names its region. */
const eksArn = (resource: string): string => `arn:${Aws.PARTITION}:eks:*:${Aws.ACCOUNT_ID}:${resource}`;
export const CLUSTERS = [eksArn('cluster/*')];
export const ADDONS = [eksArn('addon/*/*/*')];
export const ASSOCIATIONS = [eksArn('podidentityassociation/*/*')];
/** Fargate profiles: cluster, name, and an id. */
const FARGATE_PROFILES = [eksArn('fargateprofile/*/*/*')];
/** Access entries of a cluster: kind, account and name of the principal, and an id. */
export const ACCESS_ENTRIES = [eksArn('access-entry/*/*/*/*/*')];
const iamArn = (resource: string): string => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${resource}`;
export const ROLES = [iamArn('role/*')];
/** Roles that IAM Identity Center creates, whose sessions belong to different people. */
export const IDENTITY_CENTER_ROLES = [iamArn('role/aws-reserved/sso.amazonaws.com/*')];
/** The account's own managed policies. AWS managed policies are not read. */
export const POLICIES = [iamArn('policy/*')];

/** OIDC providers of the account. The provider of a cluster is named by its issuer, which is not known in advance. */
const OIDC_PROVIDERS = [iamArn('oidc-provider/*')];

export const describeCluster = (why: string): Grant => ({ actions: ['eks:DescribeCluster'], resources: CLUSTERS, why });
/** Calls of the API server itself are allowed by an access entry. */
export const API_SERVER = "finds the address of the cluster's API server, from which it reads the pods";
export const describeAddon = (why: string): Grant => ({ actions: ['eks:DescribeAddon'], resources: ADDONS, why });
export const listAddons = (why: string): Grant => ({ actions: ['eks:ListAddons'], resources: CLUSTERS, why });
/** The list has no roles, so each association is described. */
export const readAssociations = (why: string): Grant[] => [
  { actions: ['eks:ListPodIdentityAssociations'], resources: CLUSTERS, why },
  { actions: ['eks:DescribePodIdentityAssociation'], resources: ASSOCIATIONS, why },
];
/** The add-on and its associations. */
export const observe = (why: string): Grant[] => [describeAddon(why), ...readAssociations(why)];
/** The list has only names, so each profile is described. */
export const readFargateProfiles = (why: string): Grant[] => [
  { actions: ['eks:ListFargateProfiles'], resources: CLUSTERS, why },
  { actions: ['eks:DescribeFargateProfile'], resources: FARGATE_PROFILES, why },
];
/** These two actions do not support resource-level permissions. */
export const listVersions = (why: string): Grant => ({
  actions: ['eks:DescribeAddonVersions'],
  resources: ['*'],
  why,
});
export const describeOffer = (): Grant => ({
  actions: ['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'],
  resources: ['*'],
  why: "reads EKS's catalog: which versions exist, and for which service accounts a version supports associations",
});
export const getRole = (resources: string[], why: string): Grant => ({ actions: ['iam:GetRole'], resources, why });

/** A principal with this right can assume those roles. Two steps have it, if the deployment names the roles. */
export const changeTrust = (roles: string[] = []): Grant[] => [
  getRole(roles, 'reads the trust policy directly before it is written, and again after'),
  { actions: ['iam:UpdateAssumeRolePolicy'], resources: roles, why: 'writes the trust policy' },
];

const PROVIDER =
  "checks that IAM has the OIDC provider of the cluster's issuer, without which its IRSA trust is no evidence";
export const getProvider = (why = PROVIDER): Grant => ({
  actions: ['iam:GetOpenIDConnectProvider'],
  resources: OIDC_PROVIDERS,
  why,
});
/**
 * What a step reads, in addition to the role, directly before it grants a role
 * (`lambdas/use-cases/facts/grants.ts`).
 */
export const assertGrants = (): Grant[] => [
  describeCluster("reads the cluster's OIDC issuer, with which a role's trust policy shows who may be given the role"),
  getProvider(),
];

export const createAssociations = (why: string): Grant => ({
  actions: ['eks:CreatePodIdentityAssociation'],
  resources: CLUSTERS,
  why,
});
export const updateAssociations = (why: string): Grant => ({
  actions: ['eks:UpdatePodIdentityAssociation'],
  resources: ASSOCIATIONS,
  why,
});
export const deleteAssociations = (why: string): Grant => ({
  actions: ['eks:DeletePodIdentityAssociation'],
  resources: ASSOCIATIONS,
  why,
});
export const tagAssociations = (why: string): Grant => ({ actions: ['eks:TagResource'], resources: ASSOCIATIONS, why });
/**
 * A create with tags also needs `eks:TagResource`, and AWS does not document on which resource: the cluster, as
 * AmazonGuardDutyServiceRolePolicy grants it next to CreateAddon; what is created, as the Service Authorization
 * Reference allows it; or the operation, as a denial of 2021 named it (`…:/createaddon`,
 * rpadovani.com/eks-iam-permissions). Each of them is granted (ADR 31).
 */
export const tagNew = (
  operation: 'CreateAddon' | 'CreatePodIdentityAssociation',
  created: string[],
  why: string,
  conditions?: Grant['conditions'],
): Grant => ({
  actions: ['eks:TagResource'],
  resources: [...CLUSTERS, ...created, eksArn(`/${operation.toLowerCase()}`)],
  ...(conditions ? { conditions } : {}),
  why,
});
/** Matches whether or not EKS sends the keys of a create to IAM; a call of TagResource itself always has them. */
export const ONLY_OUR_TAG: Grant['conditions'] = { 'ForAllValues:StringEquals': { 'aws:TagKeys': [MIGRATION_TAG] } };
export const createAddon = (why: string): Grant => ({ actions: ['eks:CreateAddon'], resources: CLUSTERS, why });
export const updateAddon = (why: string): Grant => ({ actions: ['eks:UpdateAddon'], resources: ADDONS, why });
export const deleteAddon = (why: string): Grant => ({ actions: ['eks:DeleteAddon'], resources: ADDONS, why });

/**
 * Services that a role may be passed to. Sources disagree about which one EKS names for an association:
 * `pods.eks.amazonaws.com` (EMR on EKS Development Guide; aws-samples/appmod-blueprints#816) or `eks.amazonaws.com`
 * (guides of ACK and Palette), which is likely for the role that IRSA uses. So both are allowed (ADR 31).
 */
const PASSED_TO = [POD_IDENTITY_PRINCIPAL, EKS_PRINCIPAL];

/**
 * The right to pass roles, always with its conditions: passing a role to another service, or for anything but a cluster
 * of this account, would circumvent the account's own rules. It is not documented whether EKS sends the resource
 * (`iam:AssociatedResourceArn`) to IAM, so that condition applies only if it does. The resource is probably the
 * cluster: EMR on EKS Development Guide. Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS
 * service". It includes what EKS reads for the caller.
 */
export const passRoles = (roles: string[], why: string): Grant[] => [
  {
    actions: ['iam:PassRole'],
    resources: roles,
    conditions: {
      StringEquals: { 'iam:PassedToService': PASSED_TO },
      ArnLikeIfExists: { 'iam:AssociatedResourceArn': eksArn('cluster/*') },
    },
    why,
  },
  getRole(roles, "EKS reads the role on the caller's behalf when it creates or changes an association with it"),
];
