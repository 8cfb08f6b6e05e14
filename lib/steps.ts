import { Fn, Lazy } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
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
import { byVariable } from '../lambdas/domain/steps/work.ts';

export interface StepsProps {
  table: dynamodb.ITable;
  /** Bucket of sweeps. */
  bucket: s3.IBucket;
  /** Folder with one bundle for each step, `<step>.mjs`. */
  lambdaDirectory: string;
  config: Config;
  /** The customer's key, if there is one. */
  key?: kms.IKey;
  /**
   * ARNs of MigrateAddon and Recover, as lazy values, because the state machines are created after the steps they call.
   */
  stateMachineArn: string;
  recoverStateMachineArn: string;
  /** ARN of Sweep, as a lazy value. */
  sweepStateMachineArn: string;
  /** ARN of Retire, as a lazy value, if it is deployed. */
  retireStateMachineArn: string;
}

type AnyStepLambda = StepLambda<(typeof stepSchemas)[StepName]>;

/** The Lambda of each deployed step, for all state machines. */
export class Steps extends Construct {
  readonly lambdas: ByStep<AnyStepLambda>;
  /** Published versions, which the states call. */
  readonly versions: StepFunctions;

  constructor(scope: Construct, id: string, props: StepsProps) {
    super(scope, id);
    const { table, bucket, lambdaDirectory, config, key } = props;
    const code = lambda.Code.fromAsset(lambdaDirectory);
    const { passableRoleArns, repairableRoleArns, network } = config;
    const layer = createSettingsLayer(this, 'Settings', config);
    // The plan checks roles that are created after its own.
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

  /** ARNs of all roles that have access entries in clusters. */
  private kubernetesRoleArns(): string[] {
    return Object.entries(this.lambdas).flatMap(([name, { role }]) =>
      isConnected(name as StepName) ? [role.roleArn] : [],
    );
  }

  /**
   * Allows a role to call all versions of the steps, and nothing else. CDK would allow only the versions of this
   * definition, but an execution in flight calls those of the previous one. A wildcard for versions keeps the role's
   * policies below 10,240 characters.
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
        `An execution in flight calls the version of ${name} that it started with.`,
      );
    }
  }

  /**
   * Grants steps their rights on executions, in separate policies. A function depends on its role's own policy; if that
   * named the state machine, which depends on the function, the dependencies would be circular.
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
