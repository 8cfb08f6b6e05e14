/**
 * What each step's Lambda may do, and no more. Resource types per action: Service Authorization Reference, Amazon EKS
 * (CreateAddon, List- and CreatePodIdentityAssociation are authorised on the cluster). What EKS does on the caller's
 * behalf needs the caller's rights too: the CloudFormation schema of AWS::EKS::Addon lists iam:GetRole, iam:PassRole,
 * eks:CreatePodIdentityAssociation and eks:TagResource behind CreateAddon, eks:DeletePodIdentityAssociation behind
 * DeleteAddon.
 */
import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { StepName } from '../../lambdas/steps/schemas.ts';

export interface PermissionOptions {
  tableArn: string;
  /** ARN patterns of the roles that may be given to EKS and to pods. */
  passableRoleArns: string[];
}

/** Any region: a migration's target names its own. Any cluster, of this account alone. */
const eksArn = (resource: string): string => `arn:${Aws.PARTITION}:eks:*:${Aws.ACCOUNT_ID}:${resource}`;
const CLUSTERS = eksArn('cluster/*');
const ADDONS = eksArn('addon/*/*/*');
const ASSOCIATIONS = eksArn('podidentityassociation/*/*');
const ROLES = `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:role/*`;

const allow = (actions: string[], resources: string[]): iam.PolicyStatement => new iam.PolicyStatement({ actions, resources });

const describeCluster = () => allow(['eks:DescribeCluster'], [CLUSTERS]);
const describeAddon = () => allow(['eks:DescribeAddon'], [ADDONS]);
/** These two name no resource, so IAM knows no narrower one than all. */
const describeOffer = () => allow(['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'], ['*']);
const readAssociations = () => [
  allow(['eks:ListPodIdentityAssociations'], [CLUSTERS]),
  allow(['eks:DescribePodIdentityAssociation'], [ASSOCIATIONS]),
];
const getRole = () => allow(['iam:GetRole'], [ROLES]);
const deleteAddon = () => allow(['eks:DeleteAddon'], [ADDONS]);
const deleteAssociations = () => allow(['eks:DeletePodIdentityAssociation'], [ASSOCIATIONS]);
/** CreateAddon with associations: EKS makes and tags them with the caller's rights. */
const createAddon = () => [
  allow(['eks:CreateAddon', 'eks:CreatePodIdentityAssociation'], [CLUSTERS]),
  allow(['eks:TagResource'], [ADDONS, ASSOCIATIONS]),
];

/** Never without its condition: a role handed to any other service would be a way around the account's own rules. */
const passRole = (roles: string[], services: string[]): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: roles, conditions: { StringEquals: { 'iam:PassedToService': services } } });

/** A role for pods is passed to the first; the one that IRSA uses, which the way back sets again, to the second. */
const PODS = 'pods.eks.amazonaws.com';
const EKS = 'eks.amazonaws.com';

const awsStatements: Record<StepName, (options: PermissionOptions) => iam.PolicyStatement[]> = {
  plan: () => [describeCluster(), describeAddon(), describeOffer(), ...readAssociations(), getRole()],
  begin: () => [describeAddon(), ...readAssociations(), getRole()],
  'delete-addon': () => [describeAddon(), deleteAddon(), deleteAssociations()],
  'await-deleted': () => [describeAddon()],
  'purge-associations': () => [...readAssociations(), deleteAssociations()],
  'create-addon': ({ passableRoleArns }) => [
    describeAddon(),
    ...createAddon(),
    getRole(),
    passRole(passableRoleArns, [PODS]),
  ],
  'await-active': () => [describeAddon(), ...readAssociations()],
  'verify-pods': () => [describeCluster(), describeAddon(), ...readAssociations()],
  'restart-pods': () => [describeCluster()],
  restore: ({ passableRoleArns }) => [
    describeAddon(),
    ...readAssociations(),
    deleteAddon(),
    allow(['eks:UpdateAddon'], [ADDONS]),
    ...createAddon(),
    deleteAssociations(),
    getRole(),
    passRole(passableRoleArns, [PODS, EKS]),
  ],
  finish: () => [],
};

/** Every step reads items of its migration and writes its own line; what more a step does in the ledger stands here. */
const ledgerActions: Record<StepName, string[]> = {
  plan: ['PutItem', 'DeleteItem', 'Query'],
  begin: ['PutItem', 'Query'],
  'delete-addon': ['Query'],
  'await-deleted': [],
  'purge-associations': ['PutItem'],
  'create-addon': ['Query'],
  'await-active': ['PutItem'],
  'verify-pods': ['PutItem', 'DeleteItem', 'Query'],
  'restart-pods': [],
  restore: ['PutItem', 'Query'],
  finish: ['Query'],
};

/** The statements of one step's role, ledger included. */
export const statementsOf = (step: StepName, options: PermissionOptions): iam.PolicyStatement[] => [
  ...awsStatements[step](options),
  allow(
    ['GetItem', 'UpdateItem', ...ledgerActions[step]].map((action) => `dynamodb:${action}`),
    [options.tableArn],
  ),
];
