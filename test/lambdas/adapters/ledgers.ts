/**
 * The ledgers whose promises are tested together: DynamoDB's (in process, by the SDK's client and by the sandbox's own),
 * and the fake that the steps' tests use.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { attributesOfList, LIST_INDEX_NAMES, LIST_INDEXES, LIST_KEY } from '../../../lambdas/adapters/indexes.ts';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { clientsOf, newWorld, openGateway, operator } from '../../sandbox/support.ts';
import { FakeLedger } from '../fakes.ts';

export const TABLE = 'Ledger';

const keys = (names: [string, string]) => [
  { AttributeName: names[0], KeyType: 'HASH' },
  { AttributeName: names[1], KeyType: 'RANGE' },
];

const LISTS = LIST_INDEX_NAMES.map((IndexName) => ({
  IndexName,
  KeySchema: keys([LIST_INDEXES[IndexName], LIST_KEY]),
  Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: attributesOfList(IndexName) },
}));

export async function newDynamoDb(clients: 'direct' | 'sdk' = 'sdk'): Promise<DynamoDBClient> {
  const world = newWorld();
  const { service, createTable } = createDynamoDb(world);
  await createTable({
    name: TABLE,
    keySchema: keys(['pk', 'sk']),
    attributeDefinitions: ['pk', 'sk', 'held', 'pending', LIST_KEY, ...Object.values(LIST_INDEXES)].map(
      (AttributeName) => ({ AttributeName, AttributeType: 'S' }),
    ),
    globalSecondaryIndexes: [
      { IndexName: 'HeldLocks', KeySchema: keys(['held', 'pk']), Projection: { ProjectionType: 'ALL' } },
      {
        IndexName: 'Pending',
        KeySchema: keys(['pending', 'pk']),
        Projection: { ProjectionType: 'INCLUDE', NonKeyAttributes: ['requestedAt'] },
      },
      ...LISTS,
    ],
  });
  return clientsOf(openGateway(world, { dynamodb: service }), world, operator(world), clients).dynamodb();
}

export const LEDGERS: [string, () => Promise<Ledger>][] = [
  ['DynamoDB', async () => createDynamoLedger({ client: await newDynamoDb(), tableName: TABLE })],
  ['DynamoDB, handed over', async () => createDynamoLedger({ client: await newDynamoDb('direct'), tableName: TABLE })],
  ['memory', async () => new FakeLedger()],
];
