/**
 * Rights to single calls of EKS and IAM at a target, of which `targets.ts` makes what each step may do. Resource types
 * per action: Service Authorization Reference, Amazon EKS (CreateAddon, List- and CreatePodIdentityAssociation are
 * authorised on the cluster). What EKS does on the caller's behalf needs the caller's rights too: the CloudFormation
 * schemas of AWS::EKS::Addon and AWS::EKS::PodIdentityAssociation list them behind each call.
 */
import { Aws } from 'aws-cdk-lib';
import { EKS_PRINCIPAL, POD_IDENTITY_PRINCIPAL } from '../../lambdas/domain/policy/index.ts';
import { MIGRATION_TAG } from '../../lambdas/domain/migration/service-account.ts';
import type { Grant } from './grant.ts';

/** Any region: a migration's target names its own. Any cluster, of this account alone. */
const eksArn = (resource: string): string => `arn:${Aws.PARTITION}:eks:*:${Aws.ACCOUNT_ID}:${resource}`;
export const CLUSTERS = [eksArn('cluster/*')];
export const ADDONS = [eksArn('addon/*/*/*')];
export const ASSOCIATIONS = [eksArn('podidentityassociation/*/*')];
/** Of a cluster: kind, account and name of the principal, and an id. */
export const ACCESS_ENTRIES = [eksArn('access-entry/*/*/*/*/*')];
const iamArn = (resource: string): string => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${resource}`;
export const ROLES = [iamArn('role/*')];
/** Those that IAM Identity Center makes, whose sessions are of different people. */
export const IDENTITY_CENTER_ROLES = [iamArn('role/aws-reserved/sso.amazonaws.com/*')];
/** The account's own managed policies; those that AWS manages are not read. */
export const POLICIES = [iamArn('policy/*')];

/** OIDC providers of the account: that of a cluster's issuer is named by it, which nobody knows beforehand. */
export const OIDC_PROVIDERS = [iamArn('oidc-provider/*')];

export const describeCluster = (why: string): Grant => ({ actions: ['eks:DescribeCluster'], resources: CLUSTERS, why });
/** Calls of the API server itself are allowed by an access entry. */
export const API_SERVER = "finds the address of the cluster's API server, from which it reads the pods";
export const describeAddon = (why: string): Grant => ({ actions: ['eks:DescribeAddon'], resources: ADDONS, why });
export const listAddons = (why: string): Grant => ({ actions: ['eks:ListAddons'], resources: CLUSTERS, why });
/** The list leaves the roles out, so each association is described. */
export const readAssociations = (why: string): Grant[] => [
  { actions: ['eks:ListPodIdentityAssociations'], resources: CLUSTERS, why },
  { actions: ['eks:DescribePodIdentityAssociation'], resources: ASSOCIATIONS, why },
];
/** The add-on and its associations. */
export const observe = (why: string): Grant[] => [describeAddon(why), ...readAssociations(why)];
/** These two name no resource, so IAM knows no narrower one than all. */
export const describeOffer = (): Grant => ({
  actions: ['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'],
  resources: ['*'],
  why: "reads EKS's catalog: which versions exist, and for which service accounts a version supports associations",
});
export const getRole = (resources: string[], why: string): Grant => ({ actions: ['iam:GetRole'], resources, why });

/** Whoever may do this can become those roles: two steps have it, where the deployment's owner has named the roles. */
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
/** What a step reads besides the role directly before it gives a role to somebody (`lambdas/use-cases/migration/grants.ts`). */
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
 * AmazonGuardDutyServiceRolePolicy grants it beside CreateAddon; what is created, as the Service Authorization Reference
 * allows it; or the operation, as a denial of 2021 named it (`…:/createaddon`, rpadovani.com/eks-iam-permissions). Each
 * of them is granted (ADR 31).
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
/** Holds whether or not EKS sends the keys of a create to IAM; a call of TagResource itself always has them. */
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
 * Never without its conditions: a role that is passed to any other service would be a way around the account's own
 * rules, and one that is passed for anything but a cluster of this account too. Nobody says whether EKS tells IAM the
 * resource (`iam:AssociatedResourceArn`), so that condition counts only where it does. That it is the cluster is likely:
 * EMR on EKS Development Guide. Source: IAM User Guide, "Grant a user permissions to pass a role to an AWS service".
 * What EKS reads for the caller comes with it.
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
