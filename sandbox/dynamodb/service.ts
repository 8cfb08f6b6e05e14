/**
 * DynamoDB: dynalite behind the sandbox's door. Its server never listens; requests reach its listener as objects.
 * All accounts and regions share one set of tables.
 */
import { EventEmitter } from 'node:events';
import { setTimeout as wait } from 'node:timers/promises';
import dynalite from 'dynalite';
import type { HttpRequest, HttpResponse, Service } from '../http.ts';
import { isObject, type Json } from '../json.ts';
import type { World } from '../world/world.ts';

/** A table as CloudFormation and CreateTable describe it. */
export interface TableDefinition {
  name: string;
  keySchema: { AttributeName: string; KeyType: string }[];
  attributeDefinitions: { AttributeName: string; AttributeType: string }[];
  globalSecondaryIndexes?: unknown[];
}

export interface DynamoDb {
  service: Service;
  /** Creates a table and resolves once it is ACTIVE. Takes a few milliseconds of real time: before a run, not in it. */
  createTable: (table: TableDefinition) => Promise<void>;
}

const parseObject = (text: string): Json => {
  try {
    const value: unknown = JSON.parse(text);
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
};

const JSON_TYPE = 'application/x-amz-json-1.0';

/** Answers dynalite's side of an exchange: it calls `setHeader` and, once, `end`. */
class Answer {
  statusCode = 200;
  readonly headers: Record<string, string> = {};
  private readonly done: (response: HttpResponse) => void;
  constructor(done: (response: HttpResponse) => void) {
    this.done = done;
  }
  setHeader(name: string, value: string | number): void {
    this.headers[name.toLowerCase()] = String(value);
  }
  end(body = ''): void {
    this.done({ status: this.statusCode, headers: this.headers, body });
  }
}

/** What the call log shows: which table and which keys, never the items. */
const summarise = (input: Json, keys: Map<string, string[]>): Json => {
  const { TableName: table, Key: key, Item: item, IndexName: index, KeyConditionExpression: condition, RequestItems: batch } = input;
  const names = keys.get(String(table)) ?? ['pk', 'sk'];
  const itemKey = isObject(item) ? Object.fromEntries(names.filter((name) => name in item).map((name) => [name, item[name]])) : undefined;
  return {
    ...(table === undefined ? {} : { TableName: table }),
    ...(index === undefined ? {} : { IndexName: index }),
    ...(condition === undefined ? {} : { KeyConditionExpression: condition }),
    ...((key ?? itemKey) === undefined ? {} : { Key: key ?? itemKey }),
    ...(isObject(batch) ? { TableNames: Object.keys(batch) } : {}),
  };
};

export const createDynamoDb = (world: World): DynamoDb => {
  const server = dynalite({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  const ids = world.random.fork();
  const keys = new Map<string, string[]>();

  const exchange = (request: Pick<HttpRequest, 'method' | 'headers' | 'body'>): Promise<HttpResponse> =>
    new Promise((resolve) => {
      const message = Object.assign(new EventEmitter(), { method: request.method, url: '/', headers: request.headers });
      const answer = new Answer((response) => {
        resolve({ ...response, headers: { ...response.headers, 'x-amzn-requestid': ids.uuid() } });
      });
      server.emit('request', message, answer);
      if (request.body.length > 0) message.emit('data', Buffer.from(request.body));
      message.emit('end');
    });

  /** A call of the sandbox's own; dynalite looks at the form of the authorization only. */
  const call = async (operation: string, input: Json): Promise<Json> => {
    const response = await exchange({
      method: 'POST',
      headers: {
        'content-type': JSON_TYPE,
        'x-amz-target': `DynamoDB_20120810.${operation}`,
        'x-amz-date': '20260101T000000Z',
        authorization: 'AWS4-HMAC-SHA256 Credential=sandbox/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0',
      },
      body: Buffer.from(JSON.stringify(input)),
    });
    const answer = parseObject(String(response.body));
    if (response.status !== 200) throw new Error(`DynamoDB refused ${operation} of table ${String(input['TableName'])}: ${String(response.body)}`);
    return answer;
  };

  return {
    service: async (request, context) => {
      const operation = (request.headers['x-amz-target'] ?? '').split('.').at(-1) ?? '';
      context.describe(operation, summarise(parseObject(Buffer.from(request.body).toString('utf8')), keys));
      const response = await exchange(request);
      if (response.status === 400 && String(response.body).includes('#UnknownOperationException')) {
        const body = JSON.stringify({ __type: 'com.amazon.coral.service#UnknownOperationException', message: `The sandbox's DynamoDB does not have the operation ${operation}.` });
        return { status: 400, headers: { 'content-type': JSON_TYPE, 'x-amzn-requestid': response.headers['x-amzn-requestid'] ?? '' }, body };
      }
      return response;
    },

    createTable: async (table) => {
      keys.set(table.name, table.keySchema.map((key) => key.AttributeName));
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
        await wait(1);
      }
    },
  };
};
