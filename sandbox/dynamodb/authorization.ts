/**
 * The permission that each DynamoDB operation requires, and its resource. Source: Service Authorization Reference,
 * "Actions, resources, and condition keys for Amazon DynamoDB". Neither a write's condition nor the old values that a
 * write returns require a permission of their own. Of DynamoDB's own condition keys, only `dynamodb:LeadingKeys` is
 * supported, for operations on one item; requests carry none of the others. Source: DynamoDB Developer Guide, "Using
 * IAM policy conditions for fine-grained access control".
 */
import type { RequiredPermission } from '../permission/permission.ts';
import type { CallContext } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import type { OperationName } from './operations.ts';

/**
 * Returns `table/NAME`, `table/NAME/index/INDEX`, or a whole ARN if the input has one; nothing if the input names no
 * resource.
 */
type Resources = (input: Json) => string[];

const textsOf = (...values: unknown[]): string[] => values.filter((value) => typeof value === 'string');

const table: Resources = ({ TableName: name }) => textsOf(name).map((text) => `table/${text}`);
/** Only the index if the input names one: ionic-team/starters#46 shows the refusal. */
const tableOrIndex: Resources = (input) => {
  const [index] = textsOf(input['IndexName']);
  return table(input).map((resource) => (index === undefined ? resource : `${resource}/index/${index}`));
};
const tables: Resources = ({ RequestItems: batch }) =>
  isObject(batch) ? Object.keys(batch).map((name) => `table/${name}`) : [];
const tagged: Resources = ({ ResourceArn: arn }) => textsOf(arn);
/** The resource in refusals of ListTables: AntonShuvaev/intellij-dynamodb#20. Older refusals have `*`. */
const everyTable: Resources = () => ['table/*'];

const RESOURCES: Record<OperationName, Resources> = {
  BatchGetItem: tables,
  BatchWriteItem: tables,
  CreateTable: table,
  DeleteItem: table,
  DeleteTable: table,
  DescribeTable: table,
  DescribeTimeToLive: table,
  GetItem: table,
  ListTables: everyTable,
  ListTagsOfResource: tagged,
  PutItem: table,
  Query: tableOrIndex,
  Scan: tableOrIndex,
  TagResource: tagged,
  UntagResource: tagged,
  UpdateItem: table,
  UpdateTable: table,
};

/** Returns the partition key's value; nothing if the input has none. */
const leadingKey = (value: unknown, name: string): string[] => {
  const attribute = isObject(value) ? value[name] : undefined;
  return isObject(attribute) ? textsOf(attribute['S'], attribute['N']) : [];
};
const LEADING: Partial<Record<OperationName, (input: Json, name: string) => string[]>> = {
  DeleteItem: (input, name) => leadingKey(input['Key'], name),
  GetItem: (input, name) => leadingKey(input['Key'], name),
  PutItem: (input, name) => leadingKey(input['Item'], name),
  UpdateItem: (input, name) => leadingKey(input['Key'], name),
};

/** The operations that the sandbox's DynamoDB supports. */
export const supportedOperations: readonly string[] = Object.keys(RESOURCES);

/** The action of each supported operation. */
const ACTIONS = new Map<string, string>(supportedOperations.map((operation) => [operation, `dynamodb:${operation}`]));
const isSupported = (operation: string): operation is OperationName => ACTIONS.has(operation);

/** The ARNs of the caller's last account and region: strings that other parts of the sandbox use as keys. */
let last = { prefix: '', arns: new Map<string, string>() };
const arnOf = (partition: string, region: string, account: string, resource: string): string => {
  const prefix = `arn:${partition}:dynamodb:${region}:${account}:`;
  if (prefix !== last.prefix || last.arns.size >= MOST_ARNS) last = { prefix, arns: new Map() };
  const arn = last.arns.get(resource) ?? prefix + resource;
  last.arns.set(resource, arn);
  return arn;
};
const MOST_ARNS = 1000;

/**
 * Returns all permissions that a call requires; undefined for an unsupported operation. The tables are those of the
 * caller's account in the call's region. An input that names no table requires permission for every table: whether
 * DynamoDB validates the input or authorizes the caller first is not known, and this bypasses no check. `partitionKey`
 * is the attribute's name in the table that the input names.
 */
export const requiredPermissions = (
  operation: string,
  input: Json,
  { caller, region }: Pick<CallContext, 'caller' | 'region'>,
  partitionKey = 'pk',
): RequiredPermission[] | undefined => {
  if (!isSupported(operation)) return undefined;
  const [, partition = 'aws'] = caller.principalArn.split(':');
  const named = RESOURCES[operation](input);
  const leading = LEADING[operation]?.(input, partitionKey) ?? [];
  return (named.length === 0 ? everyTable(input) : named).map((resource) => ({
    action: ACTIONS.get(operation) ?? '',
    resource: resource.startsWith('arn:') ? resource : arnOf(partition, region, caller.account, resource),
    ...(leading.length > 0 ? { context: { 'dynamodb:LeadingKeys': leading } } : {}),
  }));
};
