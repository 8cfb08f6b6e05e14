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
  /** The customer's, for its definition, its executions and its log; AWS's own otherwise. */
  key?: kms.IKey | undefined;
}

/**
 * By CloudFormation's own property: CDK's would let log delivery open whatever the key has sealed, and would name the
 * state machine by a name that it does not have yet.
 */
function seal(scope: Construct, machine: sfn.StateMachine, key: kms.IKey): void {
  const resource = machine.node.defaultChild;
  if (!(resource instanceof sfn.CfnStateMachine))
    throw new Error(`The state machine ${machine.node.path} has no resource of its own.`);
  resource.encryptionConfiguration = { type: 'CUSTOMER_MANAGED_KMS_KEY', kmsKeyId: key.keyArn };
  // The state machine waits for what its role comes with; what names the state machine itself can only come after it.
  machine.role.addToPrincipalPolicy(statementOf(logDeliveryKeyGrant(key.keyArn)));
  machine.role.attachInlinePolicy(
    new iam.Policy(scope, 'StateMachineKey', {
      statements: [statementOf(stateMachineKeyGrant(key.keyArn, machine.stateMachineArn))],
    }),
  );
}

/**
 * Where the events of a state machine's executions go. Step Functions names each group in the one resource policy for
 * log delivery that CloudWatch Logs has in a region, of 5,120 characters, but for those under this prefix: in an account
 * with many state machines no other could be created (Step Functions Developer Guide, "Avoiding Amazon CloudWatch Logs
 * resource policy size limits"; aws/aws-cdk#28577). A fixed name that two groups had would stop the second one: this has
 * that of the stack, and the group's logical id, which is another one where a group replaces it.
 */
function machineLogs(scope: Construct, key: kms.IKey | undefined): logs.LogGroup {
  const group = new logs.LogGroup(scope, 'Logs', {
    retention: logs.RetentionDays.SIX_MONTHS,
    // A group that outlived its stack would keep the stack from being deployed again.
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
 * A state machine as this service has them: JSONata, traced, with a role and a log group of its own. Adds
 * `StateMachine`, `Role` and `Logs` to the scope.
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
      'What the state machine may do: call its Lambdas, deliver its log and its traces.',
    ),
    definitionBody: sfn.DefinitionBody.fromChainable(start),
    queryLanguage: sfn.QueryLanguage.JSONATA,
    stateMachineType: sfn.StateMachineType.STANDARD,
    timeout,
    tracingEnabled: true,
    logs: {
      // Every event, but no data: configuration values and task tokens must not land in a log.
      level: sfn.LogLevel.ALL,
      includeExecutionData: false,
      destination: machineLogs(scope, key),
    },
  });
  acknowledgeWildcard(machine.role, '*', `${WRITES_TRACES}; ${DELIVERS_LOGS}.`);
  if (key) seal(scope, machine, key);
  return machine;
}
