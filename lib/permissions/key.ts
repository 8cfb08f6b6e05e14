/**
 * Rights of the service's principals on a customer's key. The encryption context, which the calling service sets,
 * limits each right to its purpose.
 */
import { Aws } from 'aws-cdk-lib';
import type { Grant } from './grant.ts';

/** Returns the value of `kms:ViaService` for a service in this region. */
export const viaService = (service: string): string => `${service}.${Aws.REGION}.${Aws.URL_SUFFIX}`;
const context = (key: string): string => `kms:EncryptionContext:${key}`;

export const FUNCTION_CONTEXT = context('aws:lambda:FunctionArn');
export const STATE_MACHINE_CONTEXT = context('aws:states:stateMachineArn');
export const LOG_GROUP_CONTEXT = context('aws:logs:arn');
export const LOG_DELIVERY_CONTEXT = context('SourceArn');
export const QUEUE_CONTEXT = context('aws:sqs:arn');
const BUCKET_CONTEXT = context('aws:s3:arn');
export const TOPIC_CONTEXT = context('aws:sns:topicArn');
/** The encryption context of log delivery: all logs of the account and region. */
export const allLogs = (): string => `arn:${Aws.PARTITION}:logs:${Aws.REGION}:${Aws.ACCOUNT_ID}:*`;

/**
 * Grant of each step's role. DynamoDB calls Decrypt with the caller's rights to decrypt the table's own key; everything
 * else it does with the grant that it received when the table was created.
 * Source: DynamoDB Developer Guide, "How DynamoDB uses AWS KMS".
 */
export const ledgerKeyGrant = (keyArn: string, tableName: string): Grant => ({
  actions: ['kms:Decrypt'],
  resources: [keyArn],
  conditions: {
    StringEquals: { 'kms:ViaService': viaService('dynamodb'), [context('aws:dynamodb:tableName')]: tableName },
  },
  why: "DynamoDB decrypts the ledger's table with the caller's rights",
});

/**
 * Grant of principals that put objects into the bucket of sweeps or get them. The context is the bucket's ARN, because
 * it has a bucket key. Source: Amazon S3 User Guide, "Reducing the cost of SSE-KMS with Amazon S3 Bucket Keys".
 */
export const bucketKeyGrant = (
  keyArn: string,
  bucketArn: string,
  { puts, gets }: { puts: boolean; gets: boolean },
): Grant => ({
  actions: [...(gets ? ['kms:Decrypt'] : []), ...(puts ? ['kms:GenerateDataKey'] : [])],
  resources: [keyArn],
  conditions: { StringEquals: { 'kms:ViaService': viaService('s3'), [BUCKET_CONTEXT]: bucketArn } },
  why: "S3 encrypts and decrypts the data of sweeps with the caller's rights",
});

/**
 * Of the role with which EventBridge Scheduler sends to the dead-letter queue. Source: Amazon SQS Developer Guide, "Key
 * management", permissions of producers.
 */
export const queueKeyGrant = (keyArn: string, queueArn: string): Grant => ({
  actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
  resources: [keyArn],
  conditions: { StringEquals: { 'kms:ViaService': viaService('sqs'), [QUEUE_CONTEXT]: queueArn } },
  why: "SQS encrypts the queue with the sender's rights",
});

/**
 * Of the role of each function that has variables. Whether the context names the function or its version is not
 * documented, so both are allowed. Source: Lambda Developer Guide, "Securing Lambda environment variables".
 */
export const environmentKeyGrant = (keyArn: string, functionArn: string): Grant => ({
  actions: ['kms:Decrypt'],
  resources: [keyArn],
  conditions: { ArnLike: { [FUNCTION_CONTEXT]: [functionArn, `${functionArn}:*`] } },
  why: "Lambda decrypts the function's environment with the function's role",
});

/** Grant of the role of a state machine. Source: Step Functions Developer Guide, "Data at rest encryption". */
export const stateMachineKeyGrant = (keyArn: string, stateMachineArn: string): Grant => ({
  actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
  resources: [keyArn],
  conditions: { StringEquals: { [STATE_MACHINE_CONTEXT]: stateMachineArn } },
  why: "Step Functions encrypts the state machine's definition and the history of its executions",
});

/**
 * Returns the grant for the child executions of a Distributed Map. Their state machine has the ARN of the parent with
 * the map's label, `stateMachine:NAME/LABEL` (Step Functions API Reference, DescribeStateMachine). Whether the
 * encryption context has that ARN or the parent's is not documented, so the state machine's role gets this in addition
 * to its own.
 */
export const mapKeyGrant = (keyArn: string, stateMachineArn: string, label: string): Grant => ({
  ...stateMachineKeyGrant(keyArn, `${stateMachineArn}/${label}`),
  why: "Step Functions encrypts the map's child executions, whose encryption context may have the map's label",
});

/**
 * Grant of principals that read an execution with its input and output. Source: the same, the permissions of callers.
 */
export const executionKeyGrant = (keyArn: string, stateMachineArns: string[]): Grant => ({
  actions: ['kms:Decrypt'],
  resources: [keyArn],
  conditions: { StringEquals: { 'kms:ViaService': viaService('states'), [STATE_MACHINE_CONTEXT]: stateMachineArns } },
  why: "Step Functions decrypts the output of an execution with the caller's rights",
});

/** Second grant of the role of a state machine. Source: the same, "Encrypted CloudWatch Logs". */
export const logDeliveryKeyGrant = (keyArn: string): Grant => ({
  actions: ['kms:GenerateDataKey'],
  resources: [keyArn],
  conditions: { StringEquals: { [LOG_DELIVERY_CONTEXT]: allLogs() } },
  why: 'Step Functions encrypts what it passes to log delivery',
});
