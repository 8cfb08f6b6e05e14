import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import type { z } from 'zod';
import type { StepSchema } from '../lambdas/runtime/step.ts';
import { acknowledgeGrants, WRITES_TRACES } from './acknowledge.ts';
import { connect, type Network, networkInterfaceGrant } from './network/interfaces.ts';
import { type Grant, statementOf } from './permissions/grant.ts';
import { environmentKeyGrant } from './permissions/key.ts';
import type { ManagedGrants } from './permissions/managed.ts';

export interface StepLambdaProps<Schema extends StepSchema> {
  schema: Schema;
  /** The bundles of all steps: one asset, so that the functions share its upload and its chunks. */
  code: lambda.Code;
  /**
   * Typed by the step's own schema: a variable that is wrong or missing does not compile. Only variables that the
   * schema has are deployed.
   */
  environment: z.input<Schema['environment']>;
  /** Layers, such as the one with the deployment's settings. */
  layers?: lambda.ILayerVersion[];
  /** All rights of the step, except for writing its log and its traces. */
  grants: Grant[];
  /** Managed policies with the grants that are too large for the role's own policy, if there are any. */
  managed?: ManagedGrants;
  /** The customer's key for the log and the environment. Default: AWS's own keys. */
  key?: kms.IKey;
  /** Network of the function. Default: no VPC. */
  network?: Network;
  /** Reserved concurrency. Default: none. */
  reservedExecutions?: number | undefined;
}

/**
 * The Lambda of a step, with its own role and log group. Callers use `version`, which is published again with each
 * change and kept, so that an execution in flight ends with the code that it started with.
 */
export class StepLambda<Schema extends StepSchema> extends Construct {
  readonly function: lambda.Function;
  readonly version: lambda.IVersion;
  readonly role: iam.Role;

  constructor(scope: Construct, id: string, props: StepLambdaProps<Schema>) {
    super(scope, id);
    const { schema, key, network } = props;
    const grants = [...props.grants, ...(network ? [networkInterfaceGrant()] : [])];
    const encryptionKey = key ? { encryptionKey: key } : {};

    const logGroup = new logs.LogGroup(this, 'Logs', {
      retention: logs.RetentionDays.SIX_MONTHS,
      ...encryptionKey,
      // The log may be deleted with the stack: what must outlive it is in the ledger's table.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    this.role = new iam.Role(this, 'Role', {
      description: `Role of the step ${schema.name}.`,
      assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
    });
    logGroup.grantWrite(this.role);
    const { own, managedPolicyArns } = props.managed?.divide(grants) ?? { own: grants, managedPolicyArns: [] };
    for (const grant of own) this.role.addToPolicy(statementOf(grant));
    for (const [index, arn] of managedPolicyArns.entries())
      this.role.addManagedPolicy(iam.ManagedPolicy.fromManagedPolicyArn(this, `Managed${index + 1}`, arn));
    // CDK adds the rights for tracing to the role.
    acknowledgeGrants(this.role, [...own, { actions: ['xray:Put*'], resources: ['*'], why: WRITES_TRACES }]);

    this.function = new lambda.Function(this, 'Function', {
      description: `Step ${schema.name} of the Pod Identity migrator.`,
      code: props.code,
      handler: `${schema.name}.handler`,
      runtime: lambda.Runtime.NODEJS_24_X,
      architecture: lambda.Architecture.ARM_64,
      memorySize: schema.memoryMb,
      timeout: Duration.seconds(schema.timeoutSeconds),
      role: this.role,
      logGroup,
      tracing: lambda.Tracing.ACTIVE,
      environment: schema.environment.parse(props.environment),
      layers: props.layers ?? [],
      ...(props.reservedExecutions === undefined ? {} : { reservedConcurrentExecutions: props.reservedExecutions }),
      ...(key ? { environmentEncryption: key } : {}),
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    if (network) connect(this.function, network);
    Validations.of(this.function).acknowledge({
      id: 'Serverless-LambdaDLQ',
      reason:
        'A state machine or API Gateway calls it synchronously, so no event is queued. A schedule calls find-stranded again after five minutes instead of a retry, and an alarm fires if it does not run (lib/recovery/triggers.ts). For the other functions that EventBridge calls, see lib/events.',
    });
    this.version = this.function.currentVersion;
    if (key) this.openEnvironment(key);
  }

  /** Adds a right in a separate policy that names the function. The version that is called depends on it. */
  private openEnvironment(key: kms.IKey): void {
    const grants = [environmentKeyGrant(key.keyArn, this.function.functionArn)];
    const policy = new iam.Policy(this, 'Environment', { statements: grants.map(statementOf), roles: [this.role] });
    this.version.node.addDependency(policy);
  }
}
