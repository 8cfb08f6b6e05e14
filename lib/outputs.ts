/** Outputs of the service's stack: names and ARNs that people and other stacks need. */
import { CfnOutput, Fn } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type { Construct } from 'constructs';
import { ACCESS_GROUPS } from '../lambdas/domain/access/rules.ts';
import { ACCESS_OF_STEPS, type Purpose } from '../lambdas/domain/steps/work.ts';
import type { Api } from './api/api.ts';
import type { Config } from './config.ts';
import type { Machines } from './migration/permissions.ts';
import type { Runbook } from './runbook/runbook.ts';
import { hubOutputs } from './spokes/parameters.ts';
import type { Steps } from './steps.ts';

/** Steps that call API servers. Looking them up by name checks at compile time that each has a Lambda. */
const ACCESS_STEPS = Object.keys(ACCESS_OF_STEPS) as (keyof typeof ACCESS_OF_STEPS)[];

const machineOutputs = (scope: Construct, { migrateAddon, recover, retire, sweep }: Machines): CfnOutput[] => [
  new CfnOutput(scope, 'StateMachineArn', {
    value: migrateAddon.stateMachineArn,
    description: 'State machine MigrateAddon.',
  }),
  new CfnOutput(scope, 'RecoverStateMachineArn', {
    value: recover.stateMachineArn,
    description: 'State machine Recover.',
  }),
  ...(retire
    ? [
        new CfnOutput(scope, 'RetireStateMachineArn', {
          value: retire.stateMachineArn,
          description: 'State machine Retire.',
        }),
      ]
    : []),
  new CfnOutput(scope, 'SweepStateMachineArn', {
    value: sweep.stateMachineArn,
    description: 'State machine Sweep.',
  }),
];

/** Returns the ARNs of the roles that call API servers, by purpose. */
export function kubernetesRolesOf(steps: Steps): Record<Purpose, string[]> {
  const rolesFor = (purpose: Purpose): string[] =>
    ACCESS_STEPS.flatMap((step) => {
      const { [step]: one } = steps.lambdas;
      return one && ACCESS_OF_STEPS[step].some((each) => each === purpose) ? [one.role.roleArn] : [];
    });
  return { read: rolesFor('read'), restart: rolesFor('restart'), annotate: rolesFor('annotate') };
}

/** Outputs with the roles that call API servers, by purpose. */
function kubernetesOutputs(scope: Construct, steps: Steps): CfnOutput[] {
  const roles = kubernetesRolesOf(steps);
  return [
    new CfnOutput(scope, 'KubernetesRoleArns', {
      value: Fn.join(',', roles.read),
      description: `Roles that call the API servers of clusters. Each needs an access entry in every cluster, with the group ${ACCESS_GROUPS.read} (see docs/kubernetes-access.md).`,
    }),
    new CfnOutput(scope, 'KubernetesRestartRoleArns', {
      value: Fn.join(',', roles.restart),
      description: `Roles that restart workloads. Their access entries also need the group ${ACCESS_GROUPS.restart}.`,
    }),
    new CfnOutput(scope, 'KubernetesAnnotateRoleArns', {
      value: Fn.join(',', roles.annotate),
      description: `Roles that change the annotation of service accounts. Their access entries also need the group ${ACCESS_GROUPS.annotate}.`,
    }),
  ];
}

/** What a hub has deployed. */
export interface Deployed extends Machines {
  table: dynamodb.ITable;
  bucket: s3.IBucket;
  steps: Steps;
  api: Api | undefined;
  runbook: Runbook | undefined;
  config: Config;
  /** The customer's key, if there is one. */
  key?: kms.IKey | undefined;
}

export const createOutputs = (
  scope: Construct,
  { table, bucket, steps, api, runbook, config, ...machines }: Deployed,
): CfnOutput[] => [
  ...machineOutputs(scope, machines),
  new CfnOutput(scope, 'SweepBucketName', {
    value: bucket.bucketName,
    description: 'Bucket with the inventories and reports of sweeps.',
  }),
  new CfnOutput(scope, 'TableName', { value: table.tableName, description: 'DynamoDB table of the ledger.' }),
  ...(api
    ? [
        new CfnOutput(scope, 'ApiUrl', {
          value: api.restApi.url,
          description: 'URL of the HTTP API, which IAM authorizes (docs/api.md).',
        }),
      ]
    : []),
  ...(runbook
    ? [
        new CfnOutput(scope, 'RunbookName', {
          value: runbook.documentName,
          description: 'SSM Automation document that runs MigrateAddon (see docs/runbook.md).',
        }),
      ]
    : []),
  ...kubernetesOutputs(scope, steps),
  ...(config.accounts.length === 0 ? [] : hubOutputs(scope, config, (step) => steps.lambdas[step]?.role.roleArn)),
];
