import { GetItemCommand, PutItemCommand, QueryCommand, TransactWriteItemsCommand, UpdateItemCommand } from '@aws-sdk/client-dynamodb';
import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { clientsOf, newWorld, openDoor } from '../support.ts';

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
  return { world, dynamodb: clientsOf(openDoor(world, { dynamodb: service }), world).dynamodb() };
};

const Key = { pk: { S: 'm#1' }, sk: { S: 'record' } };

describe('DynamoDB', () => {
  it('keeps items in the tables that were made', async () => {
    const { dynamodb } = await open();
    await dynamodb.send(new PutItemCommand({ TableName: 'Ledger', Item: { ...Key, outcome: { S: 'migrated' } } }));
    expect((await dynamodb.send(new GetItemCommand({ TableName: 'Ledger', Key, ConsistentRead: true }))).Item).toEqual({ ...Key, outcome: { S: 'migrated' } });
    const { Items: items } = await dynamodb.send(new QueryCommand({ TableName: 'Ledger', KeyConditionExpression: 'pk = :pk', ExpressionAttributeValues: { ':pk': { S: 'm#1' } } }));
    expect(items).toHaveLength(1);
  });

  it('holds conditions', async () => {
    const { dynamodb } = await open();
    const take = new UpdateItemCommand({
      TableName: 'Ledger',
      Key,
      UpdateExpression: 'SET fence = if_not_exists(fence, :zero) + :one, holder = :me',
      ConditionExpression: 'attribute_not_exists(holder)',
      ExpressionAttributeValues: { ':zero': { N: '0' }, ':one': { N: '1' }, ':me': { S: 'me' } },
      ReturnValues: 'ALL_NEW',
    });
    expect((await dynamodb.send(take)).Attributes).toMatchObject({ fence: { N: '1' } });
    await expect(dynamodb.send(take)).rejects.toMatchObject({ name: 'ConditionalCheckFailedException', $metadata: { httpStatusCode: 400 } });
  });

  it('shows the log which table and key, never the item', async () => {
    const { world, dynamodb } = await open();
    await dynamodb.send(new PutItemCommand({ TableName: 'Ledger', Item: { ...Key, secret: { S: 'do not show' } } }));
    await dynamodb.send(new GetItemCommand({ TableName: 'Ledger', Key }));
    expect(world.log.calls.map(({ service, operation, mutating, input }) => ({ service, operation, mutating, input }))).toEqual([
      { service: 'dynamodb', operation: 'PutItem', mutating: true, input: { TableName: 'Ledger', Key } },
      { service: 'dynamodb', operation: 'GetItem', mutating: false, input: { TableName: 'Ledger', Key } },
    ]);
  });

  it('says which table is not there and which operation it does not have', async () => {
    const { dynamodb } = await open();
    await expect(dynamodb.send(new GetItemCommand({ TableName: 'Other', Key }))).rejects.toMatchObject({ name: 'ResourceNotFoundException' });
    await expect(dynamodb.send(new TransactWriteItemsCommand({ TransactItems: [] }))).rejects.toMatchObject({
      name: 'UnknownOperationException',
      message: "The sandbox's DynamoDB does not have the operation TransactWriteItems.",
    });
  });

  it('refuses to make a table twice', async () => {
    const { createTable } = createDynamoDb(newWorld());
    await createTable(table);
    await expect(createTable(table)).rejects.toThrow('DynamoDB refused CreateTable of table Ledger');
  });
});
