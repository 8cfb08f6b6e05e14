/**
 * The statements of the key policy that the stack creates. An existing key must have the same statements except for the
 * first (docs/adr/0015). A statement for the account allows IAM policies of the account to grant these actions and no
 * more.
 */
import { Aws, Stack } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { machineLogsPrefix, queuePrefix } from '../names.ts';
import {
  allLogs,
  FUNCTION_CONTEXT,
  LOG_DELIVERY_CONTEXT,
  LOG_GROUP_CONTEXT,
  QUEUE_CONTEXT,
  STATE_MACHINE_CONTEXT,
  TOPIC_CONTEXT,
  viaService,
} from '../permissions/key.ts';

/**
 * AWS KMS Developer Guide, "Allows key administrators to administer the KMS key", without CreateGrant, which could
 * allow any principal to use the key.
 */
const ADMINISTRATION = [
  ...['Describe', 'List', 'Get', 'Enable', 'Disable', 'Put', 'Update', 'Delete'].map((verb) => `kms:${verb}*`),
  ...[
    'CreateAlias',
    'TagResource',
    'UntagResource',
    'RevokeGrant',
    'ScheduleKeyDeletion',
    'CancelKeyDeletion',
    'RotateKeyOnDemand',
  ].map((action) => `kms:${action}`),
];
const ALL_USES = ['kms:Encrypt', 'kms:Decrypt', 'kms:ReEncrypt*', 'kms:GenerateDataKey*', 'kms:DescribeKey'];

interface KeyStatement {
  sid: string;
  /** Service principal; undefined for the principals of the account. */
  service?: string;
  actions: string[];
  conditions?: Record<string, Record<string, string | string[]>>;
}

/**
 * Amazon SNS Developer Guide, "Managing Amazon SNS encryption keys and costs": `aws:SourceAccount` and `aws:SourceArn`
 * are not supported in a key policy for EventBridge, which does not pass the account or rule for which it uses the key
 * of a topic: a statement with either would stop all notifications. CloudFormation's names of the topics begin with
 * that of the stack.
 */
export const notificationConditions = (scope: Construct): Record<string, Record<string, string>> => ({
  ArnLike: {
    [TOPIC_CONTEXT]: `arn:${Aws.PARTITION}:sns:${Aws.REGION}:${Aws.ACCOUNT_ID}:${Stack.of(scope).stackName}-*`,
  },
});

const arnOf = (service: string, resource: string): string =>
  `arn:${Aws.PARTITION}:${service}:${Aws.REGION}:${Aws.ACCOUNT_ID}:${resource}`;

/** Returns the statements for the principals of the account. */
function accountStatements(): KeyStatement[] {
  const ofAccount = { 'kms:CallerAccount': Aws.ACCOUNT_ID };
  return [
    { sid: 'Administration', actions: ADMINISTRATION },
    // For the deploying principal, for the service's functions that use the ledger, and for people who read the ledger,
    // a history or the queue.
    {
      sid: 'UseThroughServices',
      actions: ALL_USES,
      conditions: {
        StringEquals: {
          ...ofAccount,
          'kms:ViaService': ['dynamodb', 'lambda', 'logs', 's3', 'sqs', 'states'].map(viaService),
        },
      },
    },
    // The grants that DynamoDB and Lambda use without a caller, created with the table and the functions.
    {
      sid: 'GrantsOfServices',
      actions: ['kms:CreateGrant'],
      conditions: {
        StringEquals: { ...ofAccount, 'kms:ViaService': ['dynamodb', 'lambda'].map(viaService) },
        Bool: { 'kms:GrantIsForAWSResource': 'true' },
      },
    },
    {
      sid: 'FunctionEnvironments',
      actions: ['kms:Decrypt'],
      conditions: { StringEquals: ofAccount, ArnLike: { [FUNCTION_CONTEXT]: arnOf('lambda', 'function:*') } },
    },
    {
      sid: 'StateMachines',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      conditions: { StringEquals: ofAccount, ArnLike: { [STATE_MACHINE_CONTEXT]: arnOf('states', 'stateMachine:*') } },
    },
    {
      sid: 'StateMachineLogs',
      actions: ['kms:GenerateDataKey'],
      conditions: { StringEquals: { ...ofAccount, [LOG_DELIVERY_CONTEXT]: allLogs() } },
    },
  ];
}

/** Returns the statements for AWS services that use the key as service principals. */
function serviceStatements(scope: Construct): KeyStatement[] {
  const stack = Stack.of(scope);
  const { stackName } = stack;
  return [
    {
      sid: 'LogDelivery',
      service: 'delivery.logs.amazonaws.com',
      actions: ['kms:Decrypt'],
      conditions: { StringEquals: { [LOG_DELIVERY_CONTEXT]: allLogs() } },
    },
    // CloudWatch Logs User Guide, "Encrypt log data in CloudWatch Logs using AWS KMS". CloudFormation's
    // names of the log groups begin with that of the stack; `lib/step-machine.ts` names those of the state machines.
    {
      sid: 'LogGroups',
      service: viaService('logs'),
      actions: ALL_USES,
      conditions: {
        ArnLike: {
          [LOG_GROUP_CONTEXT]: [`${stackName}-`, machineLogsPrefix(stack)].map((prefix) =>
            arnOf('logs', `log-group:${prefix}*`),
          ),
        },
      },
    },
    // EventBridge User Guide, "Using dead-letter queues": with the account, since the rule's ARN would need the queue,
    // and the queue the key.
    {
      sid: 'DeadLetters',
      service: 'events.amazonaws.com',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      conditions: {
        StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
        ArnLike: { [QUEUE_CONTEXT]: arnOf('sqs', `${queuePrefix(stack)}*`) },
      },
    },
    {
      sid: 'Notifications',
      service: 'events.amazonaws.com',
      actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
      conditions: notificationConditions(scope),
    },
  ];
}

/** Returns the whole key policy, in which the resource `*` is the key itself. */
export const keyPolicy = (scope: Construct): iam.PolicyDocument =>
  new iam.PolicyDocument({
    statements: [...accountStatements(), ...serviceStatements(scope)].map(
      ({ sid, service, actions, conditions }) =>
        new iam.PolicyStatement({
          sid,
          principals: [service === undefined ? new iam.AccountRootPrincipal() : new iam.ServicePrincipal(service)],
          actions,
          resources: ['*'],
          ...(conditions ? { conditions } : {}),
        }),
    ),
  });
