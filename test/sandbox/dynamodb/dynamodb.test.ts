import {
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { clientsOf, newWorld, openGateway } from '../support.ts';
import { expectError } from '../../lambdas/matchers.ts';

const table = {
  name: 'Ledger',
  keySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  attributeDefinitions: [
    { AttributeName: 'pk', AttributeType: 'S' },
    { AttributeName: 'sk', AttributeType: 'S' },
  ],
};

const open = async () => {
  const world = newWorld();
  const { service, createTable } = createDynamoDb(world);
  await createTable(table);
  return { world, dynamodb: clientsOf(openGateway(world, { dynamodb: service }), world).dynamodb() };
};

const Key = { pk: { S: 'm#1' }, sk: { S: 'record' } };

describe('DynamoDB', () => {
  it('has an index of only those items that have its key', async () => {
    const world = newWorld();
    const { service, createTable } = createDynamoDb(world);
    await createTable({
      ...table,
      attributeDefinitions: [...table.attributeDefinitions, { AttributeName: 'held', AttributeType: 'S' }],
      globalSecondaryIndexes: [
        {
          IndexName: 'HeldLocks',
          KeySchema: [
            { AttributeName: 'held', KeyType: 'HASH' },
            { AttributeName: 'pk', KeyType: 'RANGE' },
          ],
          Projection: { ProjectionType: 'ALL' },
        },
      ],
    });
    const dynamodb = clientsOf(openGateway(world, { dynamodb: service }), world).dynamodb();
    const item = (pk: string, held?: string) =>
      new PutItemCommand({
        TableName: 'Ledger',
        Item: {
          pk: { S: pk },
          sk: { S: 'LOCK' },
          fence: { N: '1' },
          ...(held === undefined ? {} : { held: { S: held } }),
        },
      });
    for (const command of [item('LOCK#b', 'LOCK'), item('LOCK#free'), item('LOCK#a', 'LOCK')])
      await dynamodb.send(command);
    const query = new QueryCommand({
      TableName: 'Ledger',
      IndexName: 'HeldLocks',
      KeyConditionExpression: 'held = :held',
      ExpressionAttributeValues: { ':held': { S: 'LOCK' } },
    });
    expect((await dynamodb.send(query)).Items?.map(({ pk, fence }) => [pk?.S, fence?.N])).toEqual([
      ['LOCK#a', '1'],
      ['LOCK#b', '1'],
    ]);
    await dynamodb.send(
      new UpdateItemCommand({
        TableName: 'Ledger',
        Key: { pk: { S: 'LOCK#a' }, sk: { S: 'LOCK' } },
        UpdateExpression: 'REMOVE held',
      }),
    );
    expect((await dynamodb.send(query)).Items?.map(({ pk }) => pk?.S)).toEqual(['LOCK#b']);
    expect(world.log.calls.filter(({ operation }) => operation === 'Query')).toMatchObject([
      { input: { IndexName: 'HeldLocks' } },
      {},
    ]);
  });

  it('has reproducible request ids for a seed', async () => {
    const ids: (string | undefined)[][] = [];
    for (let run = 0; run < 2; run += 1) {
      const { dynamodb } = await open();
      const answers = [
        await dynamodb.send(new GetItemCommand({ TableName: 'Ledger', Key })),
        await dynamodb.send(new GetItemCommand({ TableName: 'Ledger', Key })),
      ];
      ids.push(answers.map(({ $metadata }) => $metadata.requestId));
    }
    expect([ids[0], new Set(ids[0]).size]).toEqual([ids[1], 2]);
  });

  it('logs table and key, never the item', async () => {
    const { world, dynamodb } = await open();
    await dynamodb.send(new PutItemCommand({ TableName: 'Ledger', Item: { ...Key, secret: { S: 'do not show' } } }));
    await dynamodb.send(new GetItemCommand({ TableName: 'Ledger', Key }));
    expect(
      world.log.calls.map(({ service, operation, mutating, input }) => ({ service, operation, mutating, input })),
    ).toEqual([
      { service: 'dynamodb', operation: 'PutItem', mutating: true, input: { TableName: 'Ledger', Key } },
      { service: 'dynamodb', operation: 'GetItem', mutating: false, input: { TableName: 'Ledger', Key } },
    ]);
  });

  it('names a missing table and an unsupported operation', async () => {
    const { dynamodb } = await open();
    await expectError(dynamodb.send(new GetItemCommand({ TableName: 'Other', Key })), 'ResourceNotFoundException');
    await expectError(
      dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [] })),
      'UnknownOperationException',
      "The sandbox's DynamoDB does not support the operation TransactWriteItems. Supported operations: BatchGetItem, ",
    );
  });

  it('refuses to create a table twice', async () => {
    const { createTable } = createDynamoDb(newWorld());
    await createTable(table);
    await expect(createTable(table)).rejects.toThrow('DynamoDB refused CreateTable of table Ledger');
  });
});
