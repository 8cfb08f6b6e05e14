import { type Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as logs from 'aws-cdk-lib/aws-logs';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Construct } from 'constructs';
import { acknowledgeWildcard, DELIVERS_LOGS, WRITES_TRACES } from './acknowledge.ts';
import { machineLogsPrefix } from './names.ts';
import { statementOf } from './permissions/grant.ts';
import { logDeliveryKeyGrant, stateMachineKeyGrant } from './permissions/key.ts';
import { serviceRole } from './service-role.ts';

export interface StateMachineOptions {
  comment: string;
  /** The first state. */
  start: sfn.State;
  timeout: Duration;
  /** The customer's key for the definition, the executions and the log. Default: AWS's own keys. */
  key?: kms.IKey | undefined;
}

/**
 * Encrypts the state machine, using CloudFormation's own property. CDK's would allow log delivery to decrypt everything
 * that the key encrypts, and would need the state machine's name before it has one.
 */
function seal(scope: Construct, machine: sfn.StateMachine, key: kms.IKey): void {
  const resource = machine.node.defaultChild;
  if (!(resource instanceof sfn.CfnStateMachine))
    throw new Error(`The state machine ${machine.node.path} has no resource of its own.`);
  resource.encryptionConfiguration = { type: 'CUSTOMER_MANAGED_KMS_KEY', kmsKeyId: key.keyArn };
  // The state machine depends on its role's policies; a policy that names the state machine itself must come after it.
  machine.role.addToPrincipalPolicy(statementOf(logDeliveryKeyGrant(key.keyArn)));
  machine.role.attachInlinePolicy(
    new iam.Policy(scope, 'StateMachineKey', {
      statements: [statementOf(stateMachineKeyGrant(key.keyArn, machine.stateMachineArn))],
    }),
  );
}

/**
 * Creates the log group for the events of a state machine's executions. Step Functions adds each group to the region's
 * single resource policy for log delivery, which has at most 5,120 characters, except for groups with this prefix. In
 * an account with many state machines no other group could be added (Step Functions Developer Guide, "Avoiding Amazon
 * CloudWatch Logs resource policy size limits"; aws/aws-cdk#28577). Two groups cannot have the same name, so it
 * contains that of the stack and the group's logical id, which changes if the group is replaced.
 */
function machineLogs(scope: Construct, key: kms.IKey | undefined): logs.LogGroup {
  const group = new logs.LogGroup(scope, 'Logs', {
    retention: logs.RetentionDays.SIX_MONTHS,
    // A group that outlives its stack would prevent the stack from being deployed again.
    removalPolicy: RemovalPolicy.DESTROY,
    ...(key ? { encryptionKey: key } : {}),
  });
  const resource = group.node.defaultChild;
  if (!(resource instanceof logs.CfnLogGroup))
    throw new Error(`The log group ${group.node.path} has no resource of its own.`);
  const stack = Stack.of(scope);
  resource.logGroupName = `${machineLogsPrefix(stack)}${stack.resolve(resource.logicalId) as string}`;
  return group;
}

/**
 * Creates a state machine of the service, with JSONata, tracing, and its own role and log group. Adds `StateMachine`,
 * `Role` and `Logs` to the scope.
 */
export function createStateMachine(
  scope: Construct,
  { comment, start, timeout, key }: StateMachineOptions,
): sfn.StateMachine {
  const machine = new sfn.StateMachine(scope, 'StateMachine', {
    comment,
    role: serviceRole(
      scope,
      'Role',
      'states',
      'Role of the state machine, which calls its Lambdas and writes its log and its traces.',
    ),
    definitionBody: sfn.DefinitionBody.fromChainable(start),
    queryLanguage: sfn.QueryLanguage.JSONATA,
    stateMachineType: sfn.StateMachineType.STANDARD,
    timeout,
    tracingEnabled: true,
    logs: {
      // All events without data: configuration values and task tokens must not be logged.
      level: sfn.LogLevel.ALL,
      includeExecutionData: false,
      destination: machineLogs(scope, key),
    },
  });
  acknowledgeWildcard(machine.role, '*', `${WRITES_TRACES}; ${DELIVERS_LOGS}.`);
  if (key) seal(scope, machine, key);
  return machine;
}
