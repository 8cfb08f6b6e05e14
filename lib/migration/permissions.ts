/**
 * What each step's Lambda may do, and no more. Resource types per action: Service Authorization Reference, Amazon EKS
 * (CreateAddon, List- and CreatePodIdentityAssociation are authorised on the cluster). What EKS does on the caller's
 * behalf needs the caller's rights too: the CloudFormation schemas of AWS::EKS::Addon and AWS::EKS::PodIdentityAssociation
 * list them behind each call.
 */
import { ArnFormat, Aws, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { StepName } from '../../lambdas/steps/schemas.ts';
import { HELD_LOCKS } from '../ledger/table.ts';

export interface PermissionOptions {
  tableArn: string;
  /** ARN patterns of the roles that may be given to EKS and to pods. */
  passableRoleArns: string[];
  /** ARN patterns of the roles whose trust policy may be changed; undefined: of none. */
  repairableRoleArns: string[] | undefined;
  /** The steps' own roles that pass roles: what the plan asks IAM's simulation about. */
  passingRoleArns: string[];
}

/** Any region: a migration's target names its own. Any cluster, of this account alone. */
const eksArn = (resource: string): string => `arn:${Aws.PARTITION}:eks:*:${Aws.ACCOUNT_ID}:${resource}`;
const CLUSTERS = eksArn('cluster/*');
const ADDONS = eksArn('addon/*/*/*');
const ASSOCIATIONS = eksArn('podidentityassociation/*/*');
const iamArn = (resource: string): string => `arn:${Aws.PARTITION}:iam::${Aws.ACCOUNT_ID}:${resource}`;
const ROLES = iamArn('role/*');
/** The account's own managed policies; those that AWS manages are not read. */
const POLICIES = iamArn('policy/*');

const allow = (actions: string[], resources: string[]): iam.PolicyStatement => new iam.PolicyStatement({ actions, resources });

/** The API server's address and the OIDC issuer; calls of the API server itself are allowed by an access entry. */
const describeCluster = () => allow(['eks:DescribeCluster'], [CLUSTERS]);
const describeAddon = () => allow(['eks:DescribeAddon'], [ADDONS]);
/** These two name no resource, so IAM knows no narrower one than all. */
const describeOffer = () => allow(['eks:DescribeAddonVersions', 'eks:DescribeAddonConfiguration'], ['*']);
const readAssociations = () => [
  allow(['eks:ListPodIdentityAssociations'], [CLUSTERS]),
  allow(['eks:DescribePodIdentityAssociation'], [ASSOCIATIONS]),
];
/** The add-on and its associations. */
const observe = () => [describeAddon(), ...readAssociations()];
const getRole = () => allow(['iam:GetRole'], [ROLES]);

/** What the roles of the plan may do: whether they chain into others. */
const readPolicies = () => [allow(['iam:ListRolePolicies', 'iam:GetRolePolicy', 'iam:ListAttachedRolePolicies'], [ROLES]), allow(['iam:GetPolicy', 'iam:GetPolicyVersion'], [POLICIES])];
const listAddons = () => allow(['eks:ListAddons'], [CLUSTERS]);
/** Whoever may do this can become those roles: two steps have it, where the deployment's owner has named the roles. */
const changeTrust = (roles: string[] = []) => allow(['iam:GetRole', 'iam:UpdateAssumeRolePolicy'], roles);

/** DeleteAddon deletes the associations that the add-on owns with the caller's rights. */
const deleteAddon = () => [allow(['eks:DeleteAddon'], [ADDONS]), deleteAssociations()];
const deleteAssociations = () => allow(['eks:DeletePodIdentityAssociation'], [ASSOCIATIONS]);
const updateAssociations = () => allow(['eks:UpdatePodIdentityAssociation'], [ASSOCIATIONS]);
const createAssociations = () => allow(['eks:CreatePodIdentityAssociation'], [CLUSTERS]);
const tagAssociations = () => allow(['eks:TagResource'], [ASSOCIATIONS]);
/** CreateAddon makes and tags its associations so, and reads their roles. */
const createAddon = () => [allow(['eks:CreateAddon'], [CLUSTERS]), createAssociations(), allow(['eks:TagResource'], [ADDONS]), tagAssociations(), getRole()];
/** UpdateAddon replaces those that the add-on owns by those that it is given. */
const updateAddon = () => [allow(['eks:UpdateAddon'], [ADDONS]), createAssociations(), updateAssociations(), deleteAssociations(), tagAssociations(), getRole()];

/** Never without its condition: a role handed to any other service would be a way around the account's own rules. */
const passRole = (roles: string[], services: string[]): iam.PolicyStatement =>
  new iam.PolicyStatement({ actions: ['iam:PassRole'], resources: roles, conditions: { StringEquals: { 'iam:PassedToService': services } } });

/** A role for pods is passed to the first; the one that IRSA uses, which the way back sets again, to the second. */
const PODS = 'pods.eks.amazonaws.com';
const EKS = 'eks.amazonaws.com';

const awsStatements: Record<StepName, (options: PermissionOptions) => iam.PolicyStatement[]> = {
  plan: ({ passingRoleArns }) => [describeCluster(), listAddons(), ...observe(), describeOffer(), getRole(), ...readPolicies(), allow(['iam:SimulatePrincipalPolicy'], passingRoleArns)],
  begin: () => [...observe(), getRole()],
  'repair-trust': ({ repairableRoleArns }) => [changeTrust(repairableRoleArns)],
  'delete-addon': () => [describeAddon(), ...deleteAddon()],
  'await-deleted': () => [describeAddon()],
  'purge-associations': () => [...observe(), deleteAssociations()],
  'create-addon': ({ passableRoleArns }) => [...observe(), ...createAddon(), passRole(passableRoleArns, [PODS])],
  'update-addon': ({ passableRoleArns }) => [...observe(), ...updateAddon(), passRole(passableRoleArns, [PODS])],
  'await-active': () => observe(),
  'carry-over': ({ passableRoleArns }) => [...observe(), updateAssociations(), tagAssociations(), getRole(), passRole(passableRoleArns, [PODS])],
  'verify-pods': () => [describeCluster(), ...observe()],
  'restart-pods': () => [describeCluster()],
  'assess-rollback': () => observe(),
  'restore-addon': ({ passableRoleArns }) => [...observe(), ...deleteAddon(), ...updateAddon(), ...createAddon(), passRole(passableRoleArns, [PODS, EKS])],
  'restore-associations': ({ passableRoleArns }) => [
    ...observe(),
    createAssociations(),
    updateAssociations(),
    tagAssociations(),
    getRole(),
    passRole(passableRoleArns, [PODS]),
  ],
  // Whether the IRSA role still trusts the cluster's issuer, and whether the add-on is still as the migration left it.
  'take-over': () => [describeCluster(), ...observe(), getRole()],
  'find-stranded': () => [],
  // What the commands for a person must start from.
  finish: ({ repairableRoleArns }) => [describeCluster(), ...observe(), ...(repairableRoleArns ? [allow(['iam:GetRole'], repairableRoleArns)] : [])],
  // And everything in the cluster that could still need what is taken away.
  'retire-trust': ({ repairableRoleArns }) => [describeCluster(), listAddons(), ...observe(), changeTrust(repairableRoleArns)],
};

/** Every step reads items of its migration and writes its own line; what more a step does in the ledger stands here. */
const ledgerActions: Record<StepName, string[]> = {
  plan: ['PutItem', 'DeleteItem', 'Query'],
  begin: ['PutItem', 'Query'],
  'repair-trust': ['PutItem', 'Query'],
  'delete-addon': ['Query'],
  'await-deleted': ['Query'],
  'purge-associations': ['PutItem', 'Query'],
  'create-addon': ['Query'],
  'update-addon': ['Query'],
  'await-active': ['PutItem', 'Query'],
  'carry-over': ['PutItem', 'Query'],
  'verify-pods': ['PutItem', 'DeleteItem', 'Query'],
  'restart-pods': ['Query'],
  'assess-rollback': ['Query'],
  'restore-addon': ['PutItem', 'Query'],
  'restore-associations': ['PutItem', 'Query'],
  'take-over': ['Query'],
  'find-stranded': ['Query'],
  finish: ['Query'],
  'retire-trust': ['PutItem', 'Query'],
};

const ledgerStatements = (step: StepName, tableArn: string): iam.PolicyStatement[] => [
  allow(
    ['GetItem', 'UpdateItem', ...ledgerActions[step]].map((action) => `dynamodb:${action}`),
    [tableArn],
  ),
  ...(step === 'find-stranded' ? [allow(['dynamodb:Query'], [`${tableArn}/index/${HELD_LOCKS}`])] : []),
];

/** The statements of one step's role, ledger included. */
export const statementsOf = (step: StepName, options: PermissionOptions): iam.PolicyStatement[] => [
  ...awsStatements[step](options),
  ...ledgerStatements(step, options.tableArn),
];

export interface Machines {
  migrateAddon: sfn.StateMachine;
  recover: sfn.StateMachine;
  /** Undefined where trust policies are only read. */
  retire: sfn.StateMachine | undefined;
}

const describeExecutions = ({ migrateAddon, recover, retire }: Machines): iam.PolicyStatement => {
  const executionsOf = (machine: sfn.StateMachine): string =>
    Stack.of(machine).formatArn({ service: 'states', resource: 'execution', resourceName: `${machine.stateMachineName}:*`, arnFormat: ArnFormat.COLON_RESOURCE_NAME });
  return allow(['states:DescribeExecution'], [migrateAddon, recover, ...(retire ? [retire] : [])].map(executionsOf));
};

/** Steps that ask whether the execution that holds a lock is still running, of whichever state machine; one starts Recover. */
const executionStatements: Partial<Record<StepName, (machines: Machines) => iam.PolicyStatement[]>> = {
  plan: (machines) => [describeExecutions(machines)],
  'take-over': (machines) => [describeExecutions(machines)],
  'find-stranded': (machines) => [describeExecutions(machines), allow(['states:StartExecution'], [machines.recover.stateMachineArn])],
};

/** What a step may do with executions of this service; empty for most. */
export const executionStatementsOf = (step: StepName, machines: Machines): iam.PolicyStatement[] => executionStatements[step]?.(machines) ?? [];
