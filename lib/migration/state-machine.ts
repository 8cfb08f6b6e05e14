import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as dynamodb from 'aws-cdk-lib/aws-dynamodb';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { type StepName, stepSchemas } from '../../lambdas/steps/schemas.ts';
import type { Config } from '../config.ts';
import { pascalCase } from '../names.ts';
import { StepLambda } from '../step-function-lambda.ts';
import { createEndings } from './endings.ts';
import { statementsOf } from './permissions.ts';
import { createRoad } from './road.ts';
import type { StepFunctions } from './task.ts';

/**
 * A machine that times out runs no Catch, so this must never come before the rollback has ended. The longest that the
 * polls and waits take together: deletion 20.3 + purge 3 + creation 20.3 + three rounds of 15 + two waits for a rollout
 * 0.5 + the way back 45 = 134 min; the rest is for retries of transient faults on the way.
 */
const MACHINE_TIMEOUT = Duration.hours(4);

export interface MigrateAddonProps {
  table: dynamodb.ITable;
  /** Folder with one bundle for each step, `<step>.mjs`. */
  lambdaDirectory: string;
  config: Config;
}

/**
 * The migration of one add-on: a Step Functions state machine and the Lambda of each of its steps.
 * Input: `{ migrationId, request }` (see `MigrationRequest`). State and variables carry identifiers only; everything
 * else is in the ledger.
 */
export class MigrateAddon extends Construct {
  readonly stateMachine: sfn.StateMachine;
  readonly lambdas: Record<StepName, StepLambda<(typeof stepSchemas)[StepName]>>;

  constructor(scope: Construct, id: string, props: MigrateAddonProps) {
    super(scope, id);
    const { table, config } = props;

    const code = lambda.Code.fromAsset(props.lambdaDirectory);
    const steps = new Construct(this, 'Steps');
    const createLambda = (name: StepName) =>
      new StepLambda(steps, pascalCase(name), {
        schema: stepSchemas[name],
        code,
        environment: {
          TABLE_NAME: table.tableName,
          POWERTOOLS_SERVICE_NAME: 'pod-identity-migrator',
          POWERTOOLS_METRICS_NAMESPACE: 'PodIdentityMigrator',
          POWERTOOLS_LOG_LEVEL: config.logLevel,
        },
        statements: statementsOf(name, { tableArn: table.tableArn, passableRoleArns: config.passableRoleArns }),
      });
    const names = Object.keys(stepSchemas) as StepName[];
    this.lambdas = Object.fromEntries(names.map((name) => [name, createLambda(name)])) as typeof this.lambdas;
    const functions = Object.fromEntries(names.map((name) => [name, this.lambdas[name].version])) as StepFunctions;

    const states = new Construct(this, 'States');
    const endings = createEndings(states, functions, table.tableName);
    const start = createRoad(states, functions, endings);

    this.stateMachine = new sfn.StateMachine(this, 'StateMachine', {
      comment: 'Moves one EKS add-on from IRSA to EKS Pod Identity, proves it on the pods, and goes back when it fails.',
      definitionBody: sfn.DefinitionBody.fromChainable(start),
      queryLanguage: sfn.QueryLanguage.JSONATA,
      stateMachineType: sfn.StateMachineType.STANDARD,
      timeout: MACHINE_TIMEOUT,
      tracingEnabled: true,
      logs: {
        // Every event, but no data: configuration values and task tokens must not land in a log.
        level: sfn.LogLevel.ALL,
        includeExecutionData: false,
        destination: new logs.LogGroup(this, 'Logs', { retention: logs.RetentionDays.SIX_MONTHS, removalPolicy: RemovalPolicy.DESTROY }),
      },
    });
    // CDK allows the versions of this definition alone; an execution in flight calls those of the one before.
    for (const step of Object.values(this.lambdas)) step.function.grantInvoke(this.stateMachine);
  }
}
