/** DynamoDB: dynalite's tables behind the sandbox's door. All accounts and regions share one set of tables. */
import { setImmediate as turn } from 'node:timers/promises';
import type { HttpResponse, Service } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import type { World } from '../world/world.ts';
import { askedOf } from './authorization.ts';
import { createEngine } from './engine.ts';

/** A table as CloudFormation and CreateTable describe it. */
export interface TableDefinition {
  name: string;
  keySchema: { AttributeName: string; KeyType: string }[];
  attributeDefinitions: { AttributeName: string; AttributeType: string }[];
  globalSecondaryIndexes?: unknown[];
}

export interface DynamoDb {
  service: Service;
  /** Creates a table and resolves once it is ACTIVE. Takes a millisecond of real time: before a run, not in it. */
  createTable: (table: TableDefinition) => Promise<void>;
}

const parseObject = (text: string): Json | undefined => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
};

const JSON_TYPE = 'application/x-amz-json-1.0';

/** What the call log shows: which table and which keys, never the items. */
export const summarise = (input: Json, keys: ReadonlyMap<string, string[]> = new Map()): Json => {
  const {
    TableName: table,
    Key: key,
    Item: item,
    IndexName: index,
    KeyConditionExpression: condition,
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
    ...((key ?? itemKey) === undefined ? {} : { Key: key ?? itemKey }),
    ...(isObject(batch) ? { TableNames: Object.keys(batch) } : {}),
  };
};

export const createDynamoDb = (world: World): DynamoDb => {
  const run = createEngine();
  const ids = world.random.fork();
  const keys = new Map<string, string[]>();

  /** A call of the sandbox's own. */
  const call = async (operation: string, input: Json): Promise<Json> => {
    const answer = await run(operation, input);
    if (answer?.status !== 200)
      throw new Error(
        `DynamoDB refused ${operation} of table ${String(input['TableName'])}: ${JSON.stringify(answer?.output)}`,
      );
    return isObject(answer.output) ? answer.output : {};
  };

  return {
    service: async (request, context) => {
      const operation = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
      const input = parseObject(Buffer.from(request.body).toString('utf8'));
      context.describe(operation, summarise(input ?? {}, keys));
      const headers = { 'content-type': JSON_TYPE, 'x-amzn-requestid': ids.uuid() };
      const respond = (status: number, output: unknown): HttpResponse => ({
        status,
        headers,
        body: JSON.stringify(output),
      });
      if (!input) return respond(400, { __type: 'com.amazon.coral.service#SerializationException' });
      const asked = askedOf(operation, input, context, keys.get(String(input['TableName']))?.[0]);
      for (const each of asked ?? []) {
        const denial = context.authorize(each);
        // Member names as sebdah/dynamic-dynamodb#321 shows them: this one alone has a capital letter.
        if (denial)
          return respond(400, { __type: 'com.amazon.coral.service#AccessDeniedException', Message: denial.message });
      }
      const answer = asked && (await run(operation, input));
      if (answer) return respond(answer.status, answer.output);
      return respond(400, {
        __type: 'com.amazon.coral.service#UnknownOperationException',
        message: `The sandbox's DynamoDB does not have the operation ${operation}.`,
      });
    },

    createTable: async (table) => {
      keys.set(
        table.name,
        table.keySchema.map((key) => key.AttributeName),
      );
      await call('CreateTable', {
        TableName: table.name,
        KeySchema: table.keySchema,
        AttributeDefinitions: table.attributeDefinitions,
        BillingMode: 'PAY_PER_REQUEST',
        ...(table.globalSecondaryIndexes?.length ? { GlobalSecondaryIndexes: table.globalSecondaryIndexes } : {}),
      });
      for (;;) {
        const { Table: state } = await call('DescribeTable', { TableName: table.name });
        if (isObject(state) && state['TableStatus'] === 'ACTIVE') return;
        await turn();
      }
    },
  };
};
