/** DynamoDB: dynalite's tables behind the sandbox's gateway. All accounts and regions share one set of tables. */
import { type CallContext, ContentResponse, contentOf, type HttpResponse, type Service } from '../http.ts';
import { isObject, type Json, withoutUndefined } from '../json.ts';
import type { World } from '../world/world.ts';
import { unsupportedOperation } from '../unsupported.ts';
import { requiredPermissions, supportedOperations } from './authorization.ts';
import { createEngine, type Engine } from './engine.ts';

/** A table as CloudFormation and CreateTable describe it. */
export interface TableDefinition {
  name: string;
  keySchema: { AttributeName: string; KeyType: string }[];
  attributeDefinitions: { AttributeName: string; AttributeType: string }[];
  globalSecondaryIndexes?: unknown[];
}

export interface DynamoDb {
  service: Service;
  /** Creates a table and resolves once it is ACTIVE. */
  createTable: (table: TableDefinition) => Promise<void>;
  /** Returns an item as it is stored now, without a call. Callers must not modify it. */
  item: Engine['item'];
}

const JSON_TYPE = 'application/x-amz-json-1.0';

/** Returns what the call log shows: tables, keys and conditions, never the items. */
export const summarise = (input: Json, keys: ReadonlyMap<string, string[]> = new Map()): Json => {
  const {
    TableName: table,
    Key: key,
    Item: item,
    IndexName: index,
    KeyConditionExpression: condition,
    ConditionExpression: onlyIf,
    ConsistentRead: consistent,
    RequestItems: batch,
  } = input;
  const names = keys.get(String(table)) ?? ['pk', 'sk'];
  const itemKey = isObject(item)
    ? Object.fromEntries(names.filter((name) => name in item).map((name) => [name, item[name]]))
    : undefined;
  return {
    ...(table === undefined ? {} : { TableName: table }),
    ...(index === undefined ? {} : { IndexName: index }),
    ...(condition === undefined ? {} : { KeyConditionExpression: condition }),
    ...(onlyIf === undefined ? {} : { ConditionExpression: onlyIf }),
    ...(consistent === undefined ? {} : { ConsistentRead: consistent }),
    ...((key ?? itemKey) === undefined ? {} : { Key: key ?? itemKey }),
    ...(isObject(batch) ? { TableNames: Object.keys(batch) } : {}),
  };
};

const refused = (name: string, texts: Json = {}): [status: number, output: Json] => [
  400,
  { __type: `com.amazon.coral.service#${name}`, ...texts },
];

/** Authorizes and runs an operation. `keys` are the key attributes of each table. */
const answer = async (
  run: Engine['run'],
  operation: string,
  input: Json | undefined,
  context: CallContext,
  keys: ReadonlyMap<string, string[]>,
): Promise<[status: number, output: unknown]> => {
  if (!input) return refused('SerializationException');
  const permissions = requiredPermissions(operation, input, context, keys.get(String(input['TableName']))?.[0]);
  for (const each of permissions ?? []) {
    const denial = context.authorize(each);
    // Member names as in sebdah/dynamic-dynamodb#321: only this one has a capital letter.
    if (denial) return refused('AccessDeniedException', { Message: denial.message });
  }
  const answered = permissions && (await run(operation, input));
  if (answered) return [answered.status, answered.output];
  return refused('UnknownOperationException', {
    message: unsupportedOperation('DynamoDB', operation, supportedOperations),
  });
};

const createService =
  (run: Engine['run'], keys: ReadonlyMap<string, string[]>, requestId: () => string): Service =>
  async (request, context): Promise<HttpResponse> => {
    const operation = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
    const input = contentOf(request);
    context.describe(operation, summarise(input ?? {}, keys));
    const headers = { 'content-type': JSON_TYPE, 'x-amzn-requestid': requestId() };
    const [status, output] = await answer(run, operation, input, context, keys);
    return isObject(output)
      ? new ContentResponse(status, headers, withoutUndefined(output))
      : { status, headers, body: JSON.stringify(output) };
  };

/** Makes a call of the sandbox's own. */
const call = async (run: Engine['run'], operation: string, input: Json): Promise<Json> => {
  const answered = await run(operation, input);
  if (answered?.status !== 200)
    throw new Error(
      `DynamoDB refused ${operation} of table ${String(input['TableName'])}: ${JSON.stringify(answered?.output)}`,
    );
  return isObject(answered.output) ? answered.output : {};
};

export const createDynamoDb = (world: World): DynamoDb => {
  const { run, makeReady, item } = createEngine();
  const ids = world.random.fork();
  const keys = new Map<string, string[]>();
  return {
    service: createService(run, keys, () => ids.uuid()),
    item,
    createTable: async (table) => {
      keys.set(
        table.name,
        table.keySchema.map((key) => key.AttributeName),
      );
      await call(run, 'CreateTable', {
        TableName: table.name,
        KeySchema: table.keySchema,
        AttributeDefinitions: table.attributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        ...(table.globalSecondaryIndexes?.length ? { GlobalSecondaryIndexes: table.globalSecondaryIndexes } : {}),
      });
      makeReady(table.name);
    },
  };
};
