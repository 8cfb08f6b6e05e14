/** The sandbox's ledger compared with dynalite, which has its own store, checks and actions. */
import * as fc from 'fast-check';
import { createRequire } from 'node:module';
import { describe, expect, it } from 'vitest';
import { createEngine, type EngineAnswer } from '../../../sandbox/dynamodb/engine.ts';
import { quickActions } from '../../../sandbox/dynamodb/quick.ts';
import { createMemoryStore } from '../../../sandbox/dynamodb/store.ts';
import { wellFormed } from '../../../sandbox/dynamodb/well-formed.ts';
import { isObject, type Json } from '../../../sandbox/json.ts';
import { forAllAsync } from '../../for-all.ts';

const require = createRequire(import.meta.url);

type Run = (name: string, input: Json) => Promise<EngineAnswer | undefined>;

/** dynalite 4.0.0 behind its HTTP server. */
const dynalite = (): Run => {
  const { create } = require('dynalite/db/index.js') as { create: (options: object) => object };
  const { checkTypes, checkValidations } = require('dynalite/validations/index.js') as {
    checkTypes: (input: object, types: object) => object;
    checkValidations: (input: object, types: object, custom: unknown, store: object) => void;
  };
  const store = create({ createTableMs: 0, deleteTableMs: 0, updateTableMs: 0 });
  return (name, input) => {
    const file = `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
    const { types, custom } = require(`dynalite/validations/${file}`) as { types: object; custom: unknown };
    const action = require(`dynalite/actions/${file}`) as (
      store: object,
      input: object,
      done: (error: unknown, output: unknown) => void,
    ) => void;
    return new Promise((resolve, reject) => {
      const refuse = (error: unknown): void => {
        if (isObject(error) && typeof error['statusCode'] === 'number')
          resolve({ status: error['statusCode'], output: error['body'] });
        else reject(error);
      };
      try {
        const checked = checkTypes(structuredClone(input), types);
        checkValidations(checked, types, custom, store);
        action(store, checked, (error, output) => (error ? refuse(error) : resolve({ status: 200, output })));
      } catch (error) {
        refuse(error);
      }
    });
  };
};

const indexed = (name: string, hash: string, range: string, attributes?: string[]): object => ({
  IndexName: name,
  KeySchema: [
    { AttributeName: hash, KeyType: 'HASH' },
    { AttributeName: range, KeyType: 'RANGE' },
  ],
  Projection: attributes ? { ProjectionType: 'INCLUDE', NonKeyAttributes: attributes } : { ProjectionType: 'ALL' },
});
const TABLE = {
  TableName: 'Ledger',
  BillingMode: 'PAY_PER_REQUEST',
  KeySchema: [
    { AttributeName: 'pk', KeyType: 'HASH' },
    { AttributeName: 'sk', KeyType: 'RANGE' },
  ],
  AttributeDefinitions: ['pk', 'sk', 'held', 'listed'].map((name) => ({ AttributeName: name, AttributeType: 'S' })),
  GlobalSecondaryIndexes: [indexed('Held', 'held', 'pk'), indexed('Listed', 'listed', 'sk', ['status', 'count'])],
};

const text = fc.constantFrom('a', 'b', 'ab', 'abc', 'A#1', 'A#10', 'ü', '~', 'a/b');
const scalar = fc.oneof(
  text.map((S) => ({ S })),
  fc.constantFrom('0', '1', '-7', '10', '2.5', '1e3', '007', 'x', '').map((N) => ({ N })),
  fc.constantFrom(
    { BOOL: true },
    { NULL: true },
    { NULL: false },
    { S: '' },
    { SS: ['a', 'b'] },
    { SS: ['a', 'a'] },
    { SS: [] },
    {},
    { B: 'AA==' },
  ),
);
const value = fc.oneof(
  { weight: 4, arbitrary: scalar },
  { weight: 1, arbitrary: fc.array(scalar, { maxLength: 2 }).map((L) => ({ L })) },
  { weight: 1, arbitrary: fc.dictionary(text, scalar, { maxKeys: 2 }).map((M) => ({ M })) },
);
const key = fc.record({ pk: text.map((S) => ({ S })), sk: text.map((S) => ({ S })) });
/** Usually a key that fits the table. */
const anyKey = fc.oneof(
  { weight: 12, arbitrary: key },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      { pk: { S: 'a' } },
      { pk: { N: '1' }, sk: { S: 'a' } },
      { pk: { S: '' }, sk: { S: 'a' } },
    ),
  },
);
const attributes = fc.dictionary(fc.constantFrom('status', 'count', 'held', 'listed', 'list', 'told', 'owner'), value, {
  maxKeys: 5,
});

const CONDITIONS = [
  'attribute_not_exists(pk)',
  'attribute_exists(pk)',
  '#s = :a OR attribute_not_exists(pk)',
  'attribute_exists(pk) AND NOT contains(#s, :a)',
  '#s <= :a',
  '#s.x = :a',
  'begins_with(#s, :a)',
  'attribute_exists(',
];
const UPDATES = [
  'SET #s = :a',
  'SET #s = :a, held = :b REMOVE listed',
  'SET #s = if_not_exists(#s, :a), listed = :b',
  'SET #s = list_append(if_not_exists(#s, :a), :b)',
  'SET #s = #s + :a',
  'SET #s = :a ADD told :b',
  'ADD #s :a',
  'ADD #s :a, told :b',
  'DELETE told :b, #s :a',
  'REMOVE #s, held',
  'SET #s = owner',
  'SET #s.x = :a',
  'SET pk = :a',
];
const QUERIES = [
  'pk = :a',
  'pk = :a AND sk < :b',
  'pk = :a AND begins_with(sk, :b)',
  'pk = :a AND sk >= :b',
  'pk = :a AND sk BETWEEN :a AND :b',
  'held = :a',
  'listed = :a AND sk >= :b',
  'sk = :a',
];

/** The names and values that the expressions use, sometimes with one too many or too few. */
const expressions = (members: Record<string, string | undefined>, name: string, values: Json, spare: boolean): Json => {
  const used = Object.values(members).join(' ');
  const names = used.includes('#s') || spare ? { ExpressionAttributeNames: { '#s': name } } : {};
  const found = Object.entries(values).filter(([each]) => used.includes(each) || spare);
  return {
    ...Object.fromEntries(Object.entries(members).filter(([, member]) => member !== undefined)),
    ...names,
    ...(found.length > 0 ? { ExpressionAttributeValues: Object.fromEntries(found) } : {}),
  };
};

const anyName = fc.constantFrom('status', 'count', 'held', 'list', 'told');
const values = fc.record({ ':a': value, ':b': value });
const condition = fc.option(fc.constantFrom(...CONDITIONS), { nil: undefined });
const spare = fc.integer({ min: 0, max: 19 }).map((n) => n === 0);
const flags = fc.record(
  {
    ScanIndexForward: fc.boolean(),
    ConsistentRead: fc.boolean(),
    Limit: fc.integer({ min: 0, max: 3 }),
    IndexName: fc.constantFrom('Held', 'Listed', 'None'),
  },
  { requiredKeys: [] },
);
const TableName = 'Ledger';
const step: fc.Arbitrary<[name: string, input: Json]> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc
      .tuple(anyKey, attributes, condition, anyName, values, spare)
      .map(([Key, more, ConditionExpression, name, given, extra]): [string, Json] => [
        'PutItem',
        { TableName, Item: { ...more, ...Key }, ...expressions({ ConditionExpression }, name, given, extra) },
      ]),
  },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        anyKey,
        fc.constantFrom(...UPDATES),
        condition,
        anyName,
        values,
        fc.constantFrom('ALL_NEW', 'NONE', 'ALL_OLD', undefined),
        spare,
      )
      .map(([Key, UpdateExpression, ConditionExpression, name, given, ReturnValues, extra]): [string, Json] => [
        'UpdateItem',
        {
          TableName,
          Key,
          ...(ReturnValues ? { ReturnValues } : {}),
          ...expressions({ UpdateExpression, ConditionExpression }, name, given, extra),
        },
      ]),
  },
  {
    weight: 1,
    arbitrary: fc
      .tuple(anyKey, condition, anyName, values)
      .map(([Key, ConditionExpression, name, given]): [string, Json] => [
        'DeleteItem',
        { TableName, Key, ...expressions({ ConditionExpression }, name, given, false) },
      ]),
  },
  { weight: 2, arbitrary: anyKey.map((Key): [string, Json] => ['GetItem', { TableName, Key, ConsistentRead: true }]) },
  {
    weight: 4,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...QUERIES),
        fc.record({ ':a': text.map((S) => ({ S })), ':b': text.map((S) => ({ S })) }),
        flags,
        fc.option(fc.constantFrom('#s = :a', 'attribute_exists(owner)'), { nil: undefined }),
      )
      .map(([KeyConditionExpression, given, flag, FilterExpression]): [string, Json] => [
        'Query',
        { TableName, ...flag, ...expressions({ KeyConditionExpression, FilterExpression }, 'status', given, false) },
      ]),
  },
);

/** Attributes that may become an index key: `owner` is copied there. */
const OF_INDEXES = ['held', 'listed', 'owner'];
const filled = (all: Json, isOfIndex: (name: string) => boolean): Json =>
  Object.fromEntries(
    Object.entries(all).map(([name, given]) => [
      name,
      isOfIndex(name) && isObject(given) && given['S'] === '' ? { S: 'e' } : given,
    ]),
  );
/** dynalite accepts an empty string as an index key, and DynamoDB does not (beyond-dynalite.test.ts). */
const withoutEmptyKeys = ([name, input]: [name: string, input: Json]): [name: string, input: Json] => {
  const { Item: item, ExpressionAttributeValues: given, ExpressionAttributeNames: names = {} } = input;
  const sets = `${String(input['UpdateExpression'])} ${JSON.stringify(names)}`;
  return [
    name,
    {
      ...input,
      ...(isObject(item) ? { Item: filled(item, (attribute) => OF_INDEXES.includes(attribute)) } : {}),
      ...(isObject(given)
        ? { ExpressionAttributeValues: filled(given, () => OF_INDEXES.some((each) => sets.includes(each))) }
        : {}),
    },
  ];
};

const comparable = (answer: EngineAnswer | undefined): unknown => JSON.parse(JSON.stringify(answer)) as unknown;

const open = async (run: Run): Promise<Run> => {
  await run('CreateTable', structuredClone(TABLE));
  for (;;) {
    const described = await run('DescribeTable', { TableName });
    if (JSON.stringify(described).includes('"TableStatus":"ACTIVE"')) return run;
    await new Promise((resolve) => {
      setImmediate(resolve);
    });
  }
};

it('the ledger in memory answers like dynalite, for all requests in any order', () =>
  forAllAsync(150, fc.array(step.map(withoutEmptyKeys), { minLength: 1, maxLength: 40 }), async (steps) => {
    const [own, reference] = await Promise.all([open(createEngine().run), open(dynalite())]);
    for (const [name, input] of steps) {
      const [answered, expected] = await Promise.all([own(name, structuredClone(input)), reference(name, input)]);
      expect({ name, input, answer: comparable(answered) }).toEqual({ name, input, answer: comparable(expected) });
    }
    const all = { TableName };
    expect(comparable(await own('Scan', all))).toEqual(comparable(await reference('Scan', all)));
    for (const IndexName of ['Held', 'Listed'])
      expect(comparable(await own('Scan', { ...all, IndexName }))).toEqual(
        comparable(await reference('Scan', { ...all, IndexName })),
      );
  }));

describe("the ledger's requests", () => {
  const Key = { pk: { S: 'MIGRATION#1' }, sk: { S: 'RECORD' } };
  const NESTED = { a: { M: { b: { L: [{ N: '1' }] } } } };
  const named = { ExpressionAttributeNames: { '#s': 'status' } };
  it.each<[string, Json]>([
    ['GetItem', { Key, ConsistentRead: true }],
    ['PutItem', { Item: { ...Key, ...NESTED }, ConditionExpression: 'attribute_not_exists(pk)' }],
    [
      'UpdateItem',
      {
        Key,
        UpdateExpression: 'SET #s = :s, held = :s REMOVE listed ADD told :t',
        ConditionExpression: 'attribute_exists(pk)',
        ...named,
        ExpressionAttributeValues: { ':s': { S: 'running' }, ':t': { SS: ['started'] } },
        ReturnValues: 'ALL_NEW',
      },
    ],
    [
      'Query',
      {
        KeyConditionExpression: 'pk = :p AND begins_with(sk, :s)',
        ExpressionAttributeValues: { ':p': { S: 'MIGRATION#1' }, ':s': { S: 'R' } },
        ConsistentRead: true,
      },
    ],
    [
      'Query',
      {
        IndexName: 'Held',
        KeyConditionExpression: 'held = :h',
        ExpressionAttributeValues: { ':h': { S: 'running' } },
        ScanIndexForward: false,
        Limit: 10,
      },
    ],
    ['DeleteItem', { Key }],
  ])('%s takes the fast path once its expressions are cached', async (name, input) => {
    // The first time dynalite parses them.
    const run = await open(createEngine().run);
    await run(name, { TableName, ...structuredClone(input) });
    const formed = wellFormed(name, { TableName, ...input });
    expect(formed).toBeDefined();
    const store = { ...createMemoryStore(), table: () => ({ ...TABLE, TableStatus: 'ACTIVE' }) };
    expect(formed && quickActions(store)(name, formed)).toBeDefined();
  });
});
