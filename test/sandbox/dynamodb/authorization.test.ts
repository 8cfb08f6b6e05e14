import * as sdk from '@aws-sdk/client-dynamodb';
import { readdirSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import type { HttpRequest } from '../../../sandbox/http.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { ACCOUNT, bareWorld, REGION } from '../../../sandbox/build/bare-world.ts';
import { allow, roleOf } from '../states/fixture.ts';
import { expectError } from '../../lambdas/matchers.ts';
import { configOf, deny, openGateway } from '../support.ts';

const ROLE = `arn:aws:iam::${ACCOUNT}:role/caller`;
const tableArn = (name: string, account = ACCOUNT): string => `arn:aws:dynamodb:${REGION}:${account}:table/${name}`;
const LEDGER = tableArn('Ledger');
/** ARN of a table with the account and region that dynalite uses. */
const TAGGED = 'arn:aws:dynamodb:us-east-1:000000000000:table/Tagged';

const Key = { pk: { S: 'a' } };
const values = (value: string) => ({ ExpressionAttributeValues: { ':v': { S: value } } });
const ITEM = { TableName: 'Ledger', Key };
const EXISTING = { ConditionExpression: 'attribute_exists(pk)' };
const ONE_UNIT = { ReadCapacityUnits: 1, WriteCapacityUnits: 1 };
const PROVISIONED = { BillingMode: 'PROVISIONED', ProvisionedThroughput: ONE_UNIT };
const BY_PK = { TableName: 'Ledger', KeyConditionExpression: 'pk = :v', ...values('a') };
const keys = {
  KeySchema: [{ AttributeName: 'pk', KeyType: 'HASH' }],
  AttributeDefinitions: [{ AttributeName: 'pk', AttributeType: 'S' }],
};

/** Every operation with an input that changes something if it can, and the resource that it requires permission for. */
const CALLS: [operation: string, input: object, resource: string][] = [
  ['BatchGetItem', { RequestItems: { Ledger: { Keys: [Key] } } }, LEDGER],
  ['BatchWriteItem', { RequestItems: { Ledger: [{ PutRequest: { Item: { pk: { S: 'b' } } } }] } }, LEDGER],
  ['CreateTable', { TableName: 'New', BillingMode: 'PAY_PER_REQUEST', ...keys }, tableArn('New')],
  ['DeleteItem', { ...ITEM, ...EXISTING, ReturnValues: 'ALL_OLD' }, LEDGER],
  ['DeleteTable', { TableName: 'Tagged' }, tableArn('Tagged')],
  ['DescribeTable', { TableName: 'Ledger' }, LEDGER],
  ['DescribeTimeToLive', { TableName: 'Ledger' }, LEDGER],
  ['GetItem', { TableName: 'Ledger', Key, ConsistentRead: true }, LEDGER],
  ['ListTables', {}, tableArn('*')],
  ['ListTagsOfResource', { ResourceArn: TAGGED }, TAGGED],
  ['PutItem', { TableName: 'Ledger', Item: { ...Key, n: { N: '2' } }, ...EXISTING }, LEDGER],
  ['Query', BY_PK, LEDGER],
  ['Scan', { TableName: 'Ledger' }, LEDGER],
  ['TagResource', { ResourceArn: TAGGED, Tags: [{ Key: 'a', Value: 'b' }] }, TAGGED],
  ['UntagResource', { ResourceArn: TAGGED, TagKeys: ['kept'] }, TAGGED],
  ['UpdateItem', { ...ITEM, UpdateExpression: 'SET held = :v', ...values('me'), ReturnValues: 'ALL_NEW' }, LEDGER],
  ['UpdateTable', { TableName: 'Tagged', ...PROVISIONED }, tableArn('Tagged')],
];

const open = async (statements: object[], account = ACCOUNT) => {
  const caller = ROLE.replace(ACCOUNT, account);
  const roles = new Map([['caller', roleOf(caller, ...statements)]]);
  const world = bareWorld({ accounts: new Map([[account, { id: account, roles, clusters: new Map() }]]) });
  const { service, createTable } = createDynamoDb(world);
  const index = {
    IndexName: 'Held',
    KeySchema: [{ AttributeName: 'held', KeyType: 'HASH' }],
    Projection: { ProjectionType: 'ALL' },
  };
  const attributeDefinitions = [...keys.AttributeDefinitions, { AttributeName: 'held', AttributeType: 'S' }];
  const keySchema = keys.KeySchema;
  await createTable({ name: 'Ledger', keySchema, attributeDefinitions, globalSecondaryIndexes: [index] });
  for (const name of ['Tagged', 'Other'])
    await createTable({ name, keySchema, attributeDefinitions: keys.AttributeDefinitions });
  const gateway = openGateway(world, { dynamodb: service });
  const clientOf = (credentials?: ReturnType<typeof credentialsOf>) =>
    new sdk.DynamoDBClient(configOf(gateway, world, credentials));
  const permission = clientOf(credentialsOf(world, caller));
  const operator = clientOf();
  const commands = sdk as unknown as Record<string, new (input: object) => sdk.GetItemCommand>;
  const send = (operation: string, input: object): Promise<unknown> =>
    permission.send(new commands[`${operation}Command`]!(input));
  await operator.send(new sdk.PutItemCommand({ TableName: 'Ledger', Item: { ...Key, n: { N: '1' } } }));
  await operator.send(new sdk.TagResourceCommand({ ResourceArn: TAGGED, Tags: [{ Key: 'kept', Value: 'x' }] }));
  /** Everything that a call could change. */
  const state = async () => [
    (await operator.send(new sdk.ListTablesCommand({}))).TableNames,
    (await operator.send(new sdk.ScanCommand({ TableName: 'Ledger' }))).Items,
    (await operator.send(new sdk.ScanCommand({ TableName: 'Other' }))).Items,
    (await operator.send(new sdk.ListTagsOfResourceCommand({ ResourceArn: TAGGED }))).Tags,
    (await operator.send(new sdk.DescribeTableCommand({ TableName: 'Tagged' }))).Table?.BillingModeSummary?.BillingMode,
  ];
  return { world, service, send, state };
};

const refusal = (operation: string, resource: string) => ({
  name: 'AccessDeniedException',
  message: `User: arn:aws:sts::${ACCOUNT}:assumed-role/caller/sandbox is not authorized to perform: dynamodb:${operation} on resource: ${resource} because no identity-based policy allows the dynamodb:${operation} action`,
  $metadata: { httpStatusCode: 400 },
});

describe('permission for', () => {
  it('is required by every operation', () => {
    const actions = readdirSync('node_modules/dynalite/actions').map(
      (file) => `${file[0]!.toUpperCase()}${file.slice(1, -'.js'.length)}`,
    );
    expect(CALLS.map(([operation]) => operation).sort()).toEqual(actions.sort());
  });

  it.each(CALLS)('%s: is required, and nothing changes without it', async (operation, input, resource) => {
    const others = CALLS.filter(([name]) => name !== operation).map(([name]) => allow(`dynamodb:${name}`, '*'));
    const { world, send, state } = await open([...others, allow(`dynamodb:${operation}`, `${resource}x`)]);
    const before = await state();
    await expect(send(operation, input)).rejects.toMatchObject(refusal(operation, resource));
    const refused = { status: 400, error: 'AccessDeniedException', denied: `dynamodb:${operation}` };
    expect(world.log.calls.at(-1)).toMatchObject({ service: 'dynamodb', operation, ...refused });
    expect(await state()).toEqual(before);
  });

  it.each(CALLS)('%s: is sufficient', async (operation, input, resource) => {
    const { world, send } = await open([allow(`dynamodb:${operation}`, resource)]);
    await send(operation, input);
    expect(world.log.calls.at(-1)).toMatchObject({ operation, status: 200 });
  });
});

describe('an index', () => {
  const query = { TableName: 'Ledger', IndexName: 'Held', KeyConditionExpression: 'held = :v', ...values('me') };
  it.each<[string, object]>([
    ['Query', query],
    ['Scan', { TableName: 'Ledger', IndexName: 'Held' }],
  ])('%s requires permission for it, but not for its table', async (operation, input) => {
    const byTable = await open([allow('dynamodb:*', LEDGER)]);
    await expect(byTable.send(operation, input)).rejects.toMatchObject(refusal(operation, `${LEDGER}/index/Held`));
    const byIndex = await open([allow(`dynamodb:${operation}`, `${LEDGER}/index/*`)]);
    await byIndex.send(operation, input);
  });
});

describe('the leading key', () => {
  const only = (operation: string, pattern: string): object => ({
    ...allow(`dynamodb:${operation}`, LEDGER),
    Condition: { 'ForAllValues:StringLike': { 'dynamodb:LeadingKeys': pattern } },
  });
  const ofOne = CALLS.filter(([operation]) => ['DeleteItem', 'GetItem', 'PutItem', 'UpdateItem'].includes(operation));
  it.each(ofOne)('of %s is the partition key of its item', async (operation, input, resource) => {
    const { send, state } = await open([only(operation, 'b*')]);
    const before = await state();
    await expect(send(operation, input)).rejects.toMatchObject(refusal(operation, resource));
    expect(await state()).toEqual(before);
    const own = await open([only(operation, 'a*')]);
    await own.send(operation, input);
  });
});

describe('a batch', () => {
  const put = [{ PutRequest: { Item: { pk: { S: 'b' } } } }];
  it('requires permission for each of its tables', async () => {
    const { send, state } = await open([allow('dynamodb:BatchWriteItem', LEDGER)]);
    const before = await state();
    await expect(send('BatchWriteItem', { RequestItems: { Ledger: put, Other: put } })).rejects.toMatchObject(
      refusal('BatchWriteItem', tableArn('Other')),
    );
    expect(await state()).toEqual(before);
    const both = await open([allow('dynamodb:BatchWriteItem', LEDGER, tableArn('Other'))]);
    await both.send('BatchWriteItem', { RequestItems: { Ledger: put, Other: put } });
  });
});

it('authorizes a caller of another account for the table of its own account', async () => {
  const account = '444455556666';
  const get = { TableName: 'Ledger', Key };
  const own = await open([allow('dynamodb:GetItem', tableArn('Ledger', account))], account);
  await own.send('GetItem', get);
  const elsewhere = await open([allow('dynamodb:GetItem', LEDGER)], account);
  const message = `on resource: ${tableArn('Ledger', account)} because`;
  await expectError(elsewhere.send('GetItem', get), 'AccessDeniedException', message);
});

it.each<[string, object]>([
  ['GetItem', { Key }],
  ['BatchWriteItem', { RequestItems: {} }],
])('%s without a table requires permission for all tables', async (operation, input) => {
  const narrow = await open([allow('dynamodb:*', LEDGER)]);
  await expect(narrow.send(operation, input)).rejects.toMatchObject(refusal(operation, tableArn('*')));
  const wide = await open([allow('dynamodb:*', '*')]);
  await expect(wide.send(operation, input)).rejects.toMatchObject({ name: 'ValidationException' });
});

it('reports the statement that denies', async () => {
  const { send } = await open([allow('dynamodb:*', '*'), deny('dynamodb:Delete*')]);
  const message = / with an explicit deny in an identity-based policy$/;
  await expectError(send('DeleteItem', ITEM), 'AccessDeniedException', message);
});

it("refuses in AWS's wire format", async () => {
  const { service } = await open([]);
  const request: HttpRequest = {
    method: 'POST',
    host: 'dynamodb',
    path: '/',
    query: {},
    headers: { 'x-amz-target': 'DynamoDB_20120810.GetItem' },
    body: Buffer.from(JSON.stringify({ TableName: 'Ledger', Key })),
  };
  const subject = { action: 'dynamodb:GetItem', resource: LEDGER, principalArn: ROLE };
  const denial = { ...subject, decision: 'implicitDeny' as const, message: 'not you' };
  const { status, body } = await service(request, {
    caller: { accessKeyId: '', principalArn: ROLE, account: ACCOUNT },
    region: REGION,
    describe: () => {},
    authorize: () => denial,
  });
  expect([status, JSON.parse(String(body))]).toEqual([
    400,
    { __type: 'com.amazon.coral.service#AccessDeniedException', Message: 'not you' },
  ]);
});
