import { Fn, Lazy } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { byVariable } from '../lambdas/domain/plan/acting.ts';
import { type StepName, stepSchemas } from '../lambdas/steps/schemas.ts';
import { type Config, isDeployed } from './config.ts';
import { acknowledgeGrants, acknowledgeWildcard } from './acknowledge.ts';
import { executionGrantsOf, grantsOf, type Machines } from './migration/permissions.ts';
import type { ByStep, StepFunctions } from './migration/task.ts';
import { pascalCase } from './names.ts';
import { isConnected } from './network/interfaces.ts';
import { statementOf } from './permissions/grant.ts';
import { ManagedGrants } from './permissions/managed.ts';
import { createSettingsLayer } from './settings-layer.ts';
import { stepVariables } from './step-environments.ts';
import { StepLambda } from './step-function-lambda.ts';

export interface StepsProps {
  table: dynamodb.ITable;
  /** Of sweeps. */
  bucket: s3.IBucket;
  /** Folder with one bundle for each step, `<step>.mjs`. */
  lambdaDirectory: string;
  config: Config;
  /** The customer's, where there is one. */
  key?: kms.IKey;
  /** Of the state machines MigrateAddon and Recover, which are made after the steps that they call: lazy values. */
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** Of Sweep, the same. */
  sweepStateMachineArn: string;
  /** Of Retire, the same, for where it is deployed. */
  retireStateMachineArn: string;
}

type AnyStepLambda = StepLambda<(typeof stepSchemas)[StepName]>;

/** The Lambda of each step that is deployed, for all state machines. */
export class Steps extends Construct {
  readonly lambdas: ByStep<AnyStepLambda>;
  /** What a state calls. */
  readonly versions: StepFunctions;

  constructor(scope: Construct, id: string, props: StepsProps) {
    super(scope, id);
    const { table, bucket, lambdaDirectory, config, key } = props;
    const code = lambda.Code.fromAsset(lambdaDirectory);
    const { passableRoleArns, repairableRoleArns, network } = config;
    const layer = createSettingsLayer(this, 'Settings', config);
    // The plan asks about roles that are made after its own.
    const acting = byVariable((name) => Lazy.string({ produce: () => this.lambdas[name].role.roleArn }));
    const kubernetesRoleArns = Lazy.string({ produce: () => Fn.join(',', this.kubernetesRoleArns()) });
    const environment = stepVariables({
      ...props,
      tableName: table.tableName,
      acting,
      kubernetesRoleArns,
      retireStateMachineArn: isDeployed('retire-trust', config) ? props.retireStateMachineArn : undefined,
    });
    const ledgerKey = key ? { ledgerKey: { keyArn: key.keyArn, tableName: table.tableName } } : {};
    const options = {
      tableArn: table.tableArn,
      bucketArn: bucket.bucketArn,
      passableRoleArns,
      repairableRoleArns,
      comparesApprovers: config.approvals.approver === 'another-role',
      accounts: config.accounts,
      ...ledgerKey,
    };
    const names = (Object.keys(stepSchemas) as StepName[]).filter((name) => isDeployed(name, config));
    const byName = <Value>(valueOf: (name: StepName) => Value) =>
      Object.fromEntries(names.map((name) => [name, valueOf(name)])) as ByStep<Value>;
    const grants = byName((name) => grantsOf(name, options));
    const managed = new ManagedGrants(this, 'Rights', Object.values(grants).flat());
    const lambdas = byName(
      (name): AnyStepLambda =>
        new StepLambda(this, pascalCase(name), {
          schema: stepSchemas[name],
          code,
          environment,
          layers: 'SETTINGS_FILE' in stepSchemas[name].environment.shape ? [layer] : [],
          reservedExecutions: config.reservedConcurrency.find(({ step }) => step === name)?.executions,
          grants: grants[name] ?? [],
          managed,
          ...(key ? { key } : {}),
          ...(network && isConnected(name) ? { network } : {}),
        }),
    );
    this.lambdas = lambdas;
    this.versions = Object.fromEntries(
      Object.entries(lambdas).map(([name, { version }]) => [name, version]),
    ) as StepFunctions;
  }

  /** Of all roles with an access entry of their own in clusters. */
  private kubernetesRoleArns(): string[] {
    return Object.entries(this.lambdas).flatMap(([name, { role }]) =>
      isConnected(name as StepName) ? [role.roleArn] : [],
    );
  }

  /**
   * Of those that are deployed. CDK allows the versions of this definition alone; an execution in flight calls those of
   * the one before. All versions and no more: a role's policies may have 10,240 characters, and there are many steps.
   */
  grantInvoke(stateMachine: sfn.StateMachine, called: StepName[]): void {
    for (const name of new Set(called)) {
      const step = this.lambdas[name];
      if (!step) continue;
      const versions = `${step.function.functionArn}:*`;
      stateMachine.role.addToPrincipalPolicy(
        new iam.PolicyStatement({ actions: ['lambda:InvokeFunction'], resources: [versions] }),
      );
      acknowledgeWildcard(
        stateMachine.role,
        versions,
        `An execution in flight calls the version of ${name} that it began with.`,
      );
    }
  }

  /**
   * Lets the steps that look after other executions do so. In policies of their own: a function waits for the policy
   * that its role comes with, and so for the state machine that calls it, which waits for the function.
   */
  allowExecutions(machines: Machines): void {
    for (const [name, { role }] of Object.entries(this.lambdas) as [StepName, AnyStepLambda][]) {
      const grants = executionGrantsOf(name, machines);
      if (grants.length === 0) continue;
      const policy = new iam.Policy(this, `${pascalCase(name)}Executions`, { statements: grants.map(statementOf) });
      acknowledgeGrants(policy, grants);
      role.attachInlinePolicy(policy);
    }
  }
}
