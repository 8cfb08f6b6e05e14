/**
 * Which right each operation of DynamoDB wants, and on what. Source: Service Authorization Reference, "Actions,
 * resources, and condition keys for Amazon DynamoDB". A condition of a write wants no right of its own, nor do the old
 * values that it answers. Of DynamoDB's own condition keys `dynamodb:LeadingKeys` is played, for operations on one
 * item; the others are not: a request has none of them. Source: DynamoDB Developer Guide, "Using IAM policy conditions
 * for fine-grained access control".
 */
import type { Asked } from '../authorization/asked.ts';
import type { CallContext } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import type { OperationName } from './engine.ts';

/** `table/NAME`, `table/NAME/index/INDEX`, or a whole ARN where the input has one; nothing where it does not say. */
type Resources = (input: Json) => string[];

const textsOf = (...values: unknown[]): string[] => values.filter((value) => typeof value === 'string');

const table: Resources = ({ TableName: name }) => textsOf(name).map((text) => `table/${text}`);
/** Of an index alone where it is asked: ionic-team/starters#46 shows the refusal. */
const tableOrIndex: Resources = (input) => {
  const [index] = textsOf(input['IndexName']);
  return table(input).map((resource) => (index === undefined ? resource : `${resource}/index/${index}`));
};
const tables: Resources = ({ RequestItems: batch }) =>
  isObject(batch) ? Object.keys(batch).map((name) => `table/${name}`) : [];
const tagged: Resources = ({ ResourceArn: arn }) => textsOf(arn);
/** As refusals of ListTables name it: AntonShuvaev/intellij-dynamodb#20. Older ones have `*`. */
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

/** The partition key's value; nothing where the input has none. */
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

const isPlayed = (operation: string): operation is OperationName => Object.hasOwn(RESOURCES, operation);

/**
 * All that a call wants, each of which its caller needs; undefined for an operation that is not played. The tables are
 * those of the caller's account in the call's region. An input that names none is asked for every table: whether
 * DynamoDB looks at the input or at the caller first is not known, and this lets nobody by.
 */
/** `partitionKey`: the attribute's name in the table that the input names. */
export const askedOf = (
  operation: string,
  input: Json,
  { caller, region }: Pick<CallContext, 'caller' | 'region'>,
  partitionKey = 'pk',
): Asked[] | undefined => {
  if (!isPlayed(operation)) return undefined;
  const [, partition = 'aws'] = caller.principalArn.split(':');
  const named = RESOURCES[operation](input);
  const leading = LEADING[operation]?.(input, partitionKey) ?? [];
  return (named.length === 0 ? everyTable(input) : named).map((resource) => ({
    action: `dynamodb:${operation}`,
    resource: resource.startsWith('arn:')
      ? resource
      : `arn:${partition}:dynamodb:${region}:${caller.account}:${resource}`,
    ...(leading.length > 0 ? { context: { 'dynamodb:LeadingKeys': leading } } : {}),
  }));
};
