import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { StepSchema } from '../lambdas/runtime/step.ts';
import { LONGEST_LAMBDA_SECONDS } from '../lambdas/steps/take-over/schema.ts';

/**
 * The longest that a step's Lambda runs. A Task that calls it waits longer, so that a retry has no living twin; Recover
 * waits longer before it takes a lock over, so that the execution that stopped has none either.
 */
export const STEP_TIMEOUT = Duration.seconds(LONGEST_LAMBDA_SECONDS);

export interface StepLambdaProps<Schema extends StepSchema> {
  schema: Schema;
  /** The bundles of all steps: one asset, so that the functions share its upload and its chunks. */
  code: lambda.Code;
  /** Typed by the step's own schema: a variable that is wrong or missing does not compile. */
  environment: z.input<Schema['environment']>;
  /** All that the step may do, beside writing its log and its traces. */
  statements: iam.PolicyStatement[];
}

/**
 * The Lambda of one step, with a role and a log group of its own. What is called is `version`: it is published anew
 * with each change and kept, so that an execution in flight ends with the code that it began with.
 */
export class StepLambda<Schema extends StepSchema> extends Construct {
  readonly function: lambda.Function;
  readonly version: lambda.IVersion;
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: StepLambdaProps<Schema>) {
    super(scope, id);
    const { schema } = props;

    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.SIX_MONTHS,
      // What must outlive the stack is in the ledger's table, which is kept.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      description: `What the step ${schema.name} may do.`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    logGroup.grantWrite(this.role);
    for (const statement of props.statements) this.role.addToPolicy(statement);

    this.function = new lambda.Function(this, 'Function', {
      description: `Step ${schema.name} of the migration of an EKS add-on.`,
      code: props.code,
      handler: `${schema.name}.handler`,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: 512,
      timeout: STEP_TIMEOUT,
      role: this.role,
      logGroup,
      tracing: lambda.Tracing.ACTIVE,
      environment: schema.environment.parse(props.environment),
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    this.version = this.function.currentVersion;
  }
}
