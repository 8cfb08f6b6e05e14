/**
 * Behavior of DynamoDB that dynalite lacks, on both paths through the sandbox: the fast path over its store, and
 * dynalite's checks and actions.
 */
import { describe, expect, it } from 'vitest';
import { createEngine, type EngineAnswer } from '../../../sandbox/dynamodb/engine.ts';
import { wellFormed } from '../../../sandbox/dynamodb/well-formed.ts';
import type { Json } from '../../../sandbox/json.ts';

const TableName = 'Ledger';
const indexed = (name: string, hash: string, range: string): object => ({
  IndexName: name,
  KeySchema: [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  Projection: { ProjectionType: 'ALL' },
});
const keyed = (names: Record<string, string>): object => ({
  TableName,
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: Object.entries({ pk: 'S', sk: 'S', ...names }).map(([AttributeName, AttributeType]) => ({
    AttributeName,
    AttributeType,
  })),
});
const TABLE = {
  ...keyed({ held: 'S', listed: 'S' }),
  // `held` is in both: the first by name is reported.
  GlobalSecondaryIndexes: [indexed('Listed', 'listed', 'held'), indexed('Held', 'held', 'pk')],
};
const Key = { pk: { S: 'a' }, sk: { S: 'b' } };

const open = async (table: object = TABLE, item?: Json) => {
  const { run, makeReady } = createEngine();
  await run('CreateTable', structuredClone(table) as Json);
  makeReady(TableName);
  const ask = async (name: string, input: Json): Promise<EngineAnswer> =>
    (await run(name, structuredClone({ TableName, ...input })))!;
  if (item) await ask('PutItem', { Item: { ...Key, ...item } });
  const all = async (IndexName?: string) => (await ask('Scan', IndexName ? { IndexName } : {})).output;
  return { ask, all };
};

/** The second input is one that the fast path does not support. */
const PATHS: [path: string, more: Json][] = [
  ['on the fast path', {}],
  ["on dynalite's path", { ReturnConsumedCapacity: 'NONE' }],
];
/**
 * Has the parsers learn the expressions of the input, which the fast path requires, and asserts which path it takes.
 */
const assertPath = async (path: string, name: string, input: Json): Promise<void> => {
  const { ReturnConsumedCapacity: _, ...plain } = input;
  await (await open()).ask(name, plain);
  expect(wellFormed(name, structuredClone({ TableName, ...input })) !== undefined).toBe(path === 'on the fast path');
};

const validation = (message: string): EngineAnswer => ({
  status: 400,
  output: { __type: 'com.amazon.coral.validate#ValidationException', message },
});
const ofItem = (index: string, attribute: string, kind = 'string'): EngineAnswer =>
  validation(
    `One or more parameter values are not valid. A value specified for a secondary index key is not supported. The AttributeValue for a key attribute cannot contain an empty ${kind} value. IndexName: ${index}, IndexKey: ${attribute}`,
  );
const OF_UPDATE = validation(
  'One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. The AttributeValue for a key attribute cannot contain an empty string value.',
);
const FAILED = {
  __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
  message: 'The conditional request failed',
};
const EMPTY = { ':e': { S: '' } };

const updating = (UpdateExpression: string, values: Json): Json => ({
  Key,
  UpdateExpression,
  ...(Object.keys(values).length > 0 ? { ExpressionAttributeValues: values } : {}),
});

describe.each(PATHS)('an empty string as an index key, %s,', (path, more) => {
  it.each<[string, string, Json]>([
    ['Held', 'held', { held: { S: '' } }],
    ['Listed', 'listed', { listed: { S: '' }, held: { S: 'x' } }],
    ['Held', 'held', { listed: { S: '' }, held: { S: '' } }],
  ])('is refused by PutItem: index %s, %s', async (index, attribute, attributes) => {
    const input = { Item: { ...Key, ...attributes }, ...more };
    await assertPath(path, 'PutItem', input);
    const { ask, all } = await open();
    expect(await ask('PutItem', input)).toEqual(ofItem(index, attribute));
    expect(await all()).toMatchObject({ Count: 0 });
  });

  it('is refused before the condition, which does not hold, is evaluated', async () => {
    const given = { Item: { ...Key, held: { S: '' } }, ConditionExpression: 'attribute_exists(pk)', ...more };
    const set = { ...updating('SET held = :e', EMPTY), ConditionExpression: 'attribute_exists(pk)', ...more };
    await assertPath(path, 'PutItem', given);
    await assertPath(path, 'UpdateItem', set);
    const { ask } = await open();
    expect([await ask('PutItem', given), await ask('UpdateItem', set)]).toEqual([ofItem('Held', 'held'), OF_UPDATE]);
  });

  it.each<[string, Json]>([
    ['SET held = :e', EMPTY],
    ['SET noted = :e, listed = :e', EMPTY],
    ['SET held = if_not_exists(held, :e)', EMPTY],
    ['SET held = noted', {}],
    ['SET held = if_not_exists(noted, :x)', { ':x': { S: 'x' } }],
  ])('is refused by UpdateItem, which changes nothing: %s', async (UpdateExpression, values) => {
    const input = { ...updating(UpdateExpression, values), ...more };
    await assertPath(path, 'UpdateItem', input);
    const { ask, all } = await open(TABLE, { noted: { S: '' } });
    const before = await all();
    expect([await ask('UpdateItem', input), await all()]).toEqual([OF_UPDATE, before]);
    expect(await all('Held')).toMatchObject({ Count: 0 });
  });

  it.each<[string, Json]>([
    ['SET noted = :e', EMPTY],
    ['SET held = :x', { ':x': { S: 'x' } }],
    ['SET held = if_not_exists(held, :e)', EMPTY],
    ['REMOVE held', {}],
  ])('is no other one: %s', async (UpdateExpression, values) => {
    const input = { ...updating(UpdateExpression, values), ...more };
    const { ask } = await open(TABLE, { held: { S: 'me' } });
    expect(await ask('UpdateItem', input)).toMatchObject({ status: 200 });
  });

  it('that an update would copy from an item is not checked if the condition does not hold', async () => {
    const input = { Key, UpdateExpression: 'SET held = noted', ConditionExpression: 'attribute_exists(held)', ...more };
    await assertPath(path, 'UpdateItem', input);
    const { ask } = await open(TABLE, { noted: { S: '' } });
    expect(await ask('UpdateItem', input)).toEqual({ status: 400, output: FAILED });
  });
});

describe.each(PATHS)('an empty string in a key condition, %s,', (path, more) => {
  const ofTable = (key: string) =>
    validation(
      `One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty string value. Key: ${key}`,
    );
  it.each<[string, Json, EngineAnswer]>([
    ['of a table', { KeyConditionExpression: 'pk = :e', ExpressionAttributeValues: EMPTY }, ofTable('pk')],
    [
      'of its sort key',
      {
        KeyConditionExpression: 'pk = :a AND begins_with(sk, :e)',
        ExpressionAttributeValues: { ':a': { S: 'a' }, ...EMPTY },
      },
      ofTable('sk'),
    ],
    [
      'of an index',
      { IndexName: 'Held', KeyConditionExpression: 'held = :e', ExpressionAttributeValues: EMPTY },
      ofItem('Held', 'held'),
    ],
  ])('is refused: %s', async (_, question, refusal) => {
    await assertPath(path, 'Query', { ...question, ...more });
    const { ask } = await open();
    expect(await ask('Query', { ...question, ...more })).toEqual(refusal);
  });
});

describe('an empty value as an index key', () => {
  it('is refused by BatchWriteItem, which then changes nothing', async () => {
    const { ask, all } = await open();
    const puts = [{ S: 'me' }, { S: '' }].map((held, index) => ({
      PutRequest: { Item: { pk: { S: 'a' }, sk: { S: String(index) }, held } },
    }));
    expect(await ask('BatchWriteItem', { RequestItems: { [TableName]: puts } })).toEqual(ofItem('Held', 'held'));
    expect(await all()).toMatchObject({ Count: 0 });
  });

  it('is refused by AttributeUpdates too', async () => {
    const { ask } = await open();
    const AttributeUpdates = { held: { Action: 'PUT', Value: { S: '' } } };
    expect(await ask('UpdateItem', { Key, AttributeUpdates })).toEqual(ofItem('Held', 'held'));
  });

  it('is refused as bytes, and in a local index', async () => {
    const { ask } = await open({ ...keyed({ seal: 'B' }), LocalSecondaryIndexes: [indexed('Sealed', 'pk', 'seal')] });
    expect(await ask('PutItem', { Item: { ...Key, seal: { B: '' } } })).toEqual(ofItem('Sealed', 'seal', 'binary'));
    expect(await ask('PutItem', { Item: { ...Key, seal: { B: 'AA==' } } })).toMatchObject({ status: 200 });
  });

  it("is reported after problems with the table's own key", async () => {
    const { ask } = await open();
    expect(await ask('PutItem', { Item: { pk: { S: 'a' }, held: { S: '' } } })).toEqual(
      validation('One or more parameter values were invalid: Missing the key sk in the item'),
    );
    const update = { UpdateExpression: 'SET held = :e', ExpressionAttributeValues: EMPTY };
    expect(await ask('UpdateItem', { Key: { pk: { S: 'a' } }, ...update })).toEqual(
      validation('The provided key element does not match the schema'),
    );
    const ofKey = { UpdateExpression: 'SET pk = :e', ExpressionAttributeValues: EMPTY };
    expect(await ask('UpdateItem', { Key, ...ofKey })).toEqual(
      validation(
        'One or more parameter values were invalid: Cannot update attribute pk. This attribute is part of the key',
      ),
    );
  });
});

describe.each(PATHS)('a condition that does not hold, %s,', (path, more) => {
  const item = { ...Key, owner: { S: 'me' }, told: { SS: ['x'] } };
  const condition = { ConditionExpression: 'attribute_not_exists(#o)', ExpressionAttributeNames: { '#o': 'owner' } };
  const CALLS: [string, Json][] = [
    ['PutItem', { Item: Key }],
    ['DeleteItem', { Key }],
    ['UpdateItem', { Key, UpdateExpression: 'REMOVE told' }],
  ];

  it.each(CALLS)('makes %s return the item, if requested', async (name, call) => {
    const asked = { ...call, ...condition, ReturnValuesOnConditionCheckFailure: 'ALL_OLD', ...more };
    await assertPath(path, name, asked);
    const { ask, all } = await open(TABLE, item);
    expect(await ask(name, asked)).toEqual({ status: 400, output: { ...FAILED, Item: item } });
    for (const wish of [{}, { ReturnValuesOnConditionCheckFailure: 'NONE' }])
      expect(await ask(name, { ...call, ...condition, ...wish, ...more })).toEqual({ status: 400, output: FAILED });
    expect(await all()).toMatchObject({ Items: [item] });
  });

  it.each(CALLS)('on a missing item makes %s return none', async (name, call) => {
    const { ask } = await open();
    const asked = { ConditionExpression: 'attribute_exists(pk)', ReturnValuesOnConditionCheckFailure: 'ALL_OLD' };
    await assertPath(path, name, { ...call, ...asked, ...more });
    expect(await ask(name, { ...call, ...asked, ...more })).toEqual({ status: 400, output: FAILED });
  });
});

describe('the option to return the item that did not meet the condition', () => {
  it('has two values', async () => {
    const { ask } = await open();
    expect(await ask('PutItem', { Item: Key, ReturnValuesOnConditionCheckFailure: 'ALL_NEW' })).toEqual(
      validation(
        "1 validation error detected: Value 'ALL_NEW' at 'returnValuesOnConditionCheckFailure' failed to satisfy constraint: Member must satisfy enum value set: [ALL_OLD, NONE]",
      ),
    );
  });

  it('is not supported by reads', async () => {
    const { ask } = await open(TABLE, {});
    expect(await ask('GetItem', { Key, ReturnValuesOnConditionCheckFailure: 'x' })).toMatchObject({ status: 200 });
  });
});
