/**
 * The names of deployed resources, and the values of `Ref` and `Fn::GetAtt`.
 * Source: CloudFormation Template Reference, "Return values" of each resource type.
 */
import { hostOf } from '../../lambdas/domain/aws/partitions.ts';
import { createHash } from 'node:crypto';
import type { Environment } from './environment.ts';

export interface ResourceContext {
  logicalId: string;
  type: string;
  environment: Environment;
  /** Returns a property as a string; undefined if it is omitted. */
  text(property: string): string | undefined;
}

/**
 * Returns the name that CloudFormation would generate: stack and logical id, without the random part. A name that is
 * too long keeps its beginning and its end, where CDK puts its hash.
 */
export const generatedName = ({ environment, logicalId }: ResourceContext, longest: number): string => {
  const name = `${environment.stackName}-${logicalId}`;
  return name.length <= longest ? name : name.slice(0, longest - 8) + name.slice(-8);
};

interface Kind {
  name: (resource: ResourceContext) => string;
  /** The value of `Ref`; default: the name. */
  ref?: (resource: ResourceContext) => string;
  attributes?: Record<string, (resource: ResourceContext) => string>;
}

const named =
  (property: string, longest: number) =>
  (resource: ResourceContext): string =>
    resource.text(property) ?? generatedName(resource, longest);

const arn = ({ environment: { partition, region, account } }: ResourceContext, service: string, rest: string): string =>
  service === 'iam'
    ? `arn:${partition}:iam::${account}:${rest}`
    : `arn:${partition}:${service}:${region}:${account}:${rest}`;

const functionName = named('FunctionName', 64);
const functionArn = (resource: ResourceContext): string =>
  arn(resource, 'lambda', `function:${functionName(resource)}`);

/** The property may hold the function's name or its ARN. */
const publishedArn = (resource: ResourceContext, qualifier: string): string => {
  const given = resource.text('FunctionName') ?? '';
  return `${given.startsWith('arn:') ? given : arn(resource, 'lambda', `function:${given}`)}:${qualifier}`;
};

const layerName = named('LayerName', 140);
const machineName = named('StateMachineName', 80);
const machineArn = (resource: ResourceContext): string =>
  arn(resource, 'states', `stateMachine:${machineName(resource)}`);
const roleName = named('RoleName', 64);
const managedPolicyName = named('ManagedPolicyName', 128);
const managedPolicyArn = (resource: ResourceContext): string =>
  arn(resource, 'iam', `policy${resource.text('Path') ?? '/'}${managedPolicyName(resource)}`);
const tableName = named('TableName', 255);
const tableArn = (resource: ResourceContext): string => arn(resource, 'dynamodb', `table/${tableName(resource)}`);
const table: Kind = {
  name: tableName,
  attributes: { Arn: tableArn, StreamArn: (resource) => `${tableArn(resource)}/stream/2026-01-01T00:00:00.000` },
};
const logGroupName = named('LogGroupName', 512);
const queueName = named('QueueName', 80);
const topicName = named('TopicName', 256);
const topicArn = (resource: ResourceContext): string => arn(resource, 'sns', topicName(resource));
const bucketName = (resource: ResourceContext): string =>
  (resource.text('BucketName') ?? generatedName(resource, 63)).toLowerCase();
const busName = named('Name', 256);
const ruleName = named('Name', 64);
const scheduleName = named('Name', 64);
const groupName = named('Name', 64);
const alarmName = named('AlarmName', 255);
const documentName = named('Name', 128);
const keyId = (resource: ResourceContext): string => generatedName(resource, 256);

/**
 * Returns ten letters and digits, as in API Gateway's own ids, derived from the resource's account, region, stack and
 * logical id, so that the id is the same each time. `part` names something that is created with the resource.
 */
const gatewayId = ({ environment: { account, region, stackName }, logicalId }: ResourceContext, part = ''): string =>
  BigInt(`0x${createHash('sha256').update([account, region, stackName, logicalId, part].join('/')).digest('hex')}`)
    .toString(36)
    .slice(0, 10);
const gatewayKind = (...attributes: string[]): Kind => ({
  name: (resource) => gatewayId(resource),
  attributes: Object.fromEntries(attributes.map((name) => [name, (resource: ResourceContext) => gatewayId(resource)])),
});
const restApi = gatewayKind('RestApiId');

const KINDS: Record<string, Kind> = {
  'AWS::Lambda::Function': { name: functionName, attributes: { Arn: functionArn } },
  'AWS::Lambda::Version': {
    name: (resource) => publishedArn(resource, '1'),
    attributes: { FunctionArn: (resource) => publishedArn(resource, '1'), Version: () => '1' },
  },
  'AWS::Lambda::LayerVersion': {
    name: (resource) => arn(resource, 'lambda', `layer:${layerName(resource)}:1`),
    attributes: { LayerVersionArn: (resource) => arn(resource, 'lambda', `layer:${layerName(resource)}:1`) },
  },
  'AWS::Lambda::Alias': {
    name: (resource) => publishedArn(resource, resource.text('Name') ?? ''),
    attributes: { AliasArn: (resource) => publishedArn(resource, resource.text('Name') ?? '') },
  },
  'AWS::StepFunctions::StateMachine': {
    name: machineName,
    ref: machineArn,
    attributes: { Arn: machineArn, Name: machineName },
  },
  'AWS::IAM::Role': {
    name: roleName,
    attributes: { Arn: (resource) => arn(resource, 'iam', `role${resource.text('Path') ?? '/'}${roleName(resource)}`) },
  },
  'AWS::IAM::Policy': { name: named('PolicyName', 128) },
  'AWS::IAM::ManagedPolicy': {
    name: managedPolicyName,
    ref: managedPolicyArn,
    attributes: { PolicyArn: managedPolicyArn },
  },
  'AWS::DynamoDB::Table': table,
  'AWS::DynamoDB::GlobalTable': table,
  'AWS::Logs::LogGroup': {
    name: logGroupName,
    attributes: { Arn: (resource) => arn(resource, 'logs', `log-group:${logGroupName(resource)}:*`) },
  },
  'AWS::S3::Bucket': {
    name: bucketName,
    attributes: { Arn: (resource) => `arn:${resource.environment.partition}:s3:::${bucketName(resource)}` },
  },
  'AWS::SQS::Queue': {
    name: queueName,
    ref: (resource) =>
      `https://${hostOf('sqs', resource.environment.region)}/${resource.environment.account}/${queueName(resource)}`,
    attributes: { Arn: (resource) => arn(resource, 'sqs', queueName(resource)), QueueName: queueName },
  },
  'AWS::SNS::Topic': { name: topicName, ref: topicArn, attributes: { TopicArn: topicArn, TopicName: topicName } },
  'AWS::Events::EventBus': {
    name: busName,
    attributes: { Arn: (resource) => arn(resource, 'events', `event-bus/${busName(resource)}`), Name: busName },
  },
  'AWS::Events::Rule': {
    name: ruleName,
    attributes: { Arn: (resource) => arn(resource, 'events', `rule/${ruleName(resource)}`) },
  },
  'AWS::Scheduler::Schedule': {
    name: scheduleName,
    attributes: {
      Arn: (resource) =>
        arn(resource, 'scheduler', `schedule/${resource.text('GroupName') ?? 'default'}/${scheduleName(resource)}`),
    },
  },
  'AWS::Scheduler::ScheduleGroup': {
    name: groupName,
    attributes: { Arn: (resource) => arn(resource, 'scheduler', `schedule-group/${groupName(resource)}`) },
  },
  'AWS::CloudWatch::Alarm': {
    name: alarmName,
    attributes: { Arn: (resource) => arn(resource, 'cloudwatch', `alarm:${alarmName(resource)}`) },
  },
  'AWS::SSM::Document': { name: documentName },
  'AWS::ApiGateway::RestApi': {
    ...restApi,
    attributes: { ...restApi.attributes, RootResourceId: (resource) => gatewayId(resource, 'root') },
  },
  'AWS::ApiGateway::Resource': gatewayKind('ResourceId'),
  'AWS::ApiGateway::Deployment': gatewayKind('DeploymentId'),
  'AWS::ApiGateway::Stage': { name: named('StageName', 128) },
  'AWS::ApiGateway::Method': gatewayKind(),
  'AWS::ApiGateway::Model': { name: named('Name', 128) },
  'AWS::ApiGateway::RequestValidator': gatewayKind('RequestValidatorId'),
  'AWS::ApiGateway::GatewayResponse': gatewayKind('Id'),
  'AWS::ApiGateway::Account': gatewayKind('Id'),
  'AWS::KMS::Key': {
    name: keyId,
    attributes: { Arn: (resource) => arn(resource, 'kms', `key/${keyId(resource)}`), KeyId: keyId },
  },
};

/** Returns undefined for a resource type that the sandbox does not support. */
export const refOf = (resource: ResourceContext): string | undefined => {
  const kind = KINDS[resource.type];
  return kind && (kind.ref ?? kind.name)(resource);
};

/** Returns a function for each attribute, which computes its value. */
export const attributesOf = (resource: ResourceContext): Record<string, () => string> | undefined => {
  const attributes = KINDS[resource.type]?.attributes;
  return (
    attributes && Object.fromEntries(Object.entries(attributes).map(([name, value]) => [name, () => value(resource)]))
  );
};
