/** What DynamoDB can be made to answer only by a mock. */
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import { ADDON_LOCK as KEY, anEvidence, at, EXECUTION, MIGRATION_ID, ownHolder } from '../fixtures.ts';
import { expectError } from '../matchers.ts';

const TABLE = 'Ledger';
const ME = ownHolder(at(0));

describe('when DynamoDB answers otherwise, the ledger', () => {
  const documents = mockClient(DynamoDBDocumentClient);
  const ledger = createDynamoLedger({ client: new DynamoDBClient({ region: 'eu-west-1' }), tableName: TABLE });
  const refused = new ConditionalCheckFailedException({
    message: 'The conditional request failed',
    $metadata: { httpStatusCode: 400 },
  });
  beforeEach(() => void documents.reset());
  afterAll(() => documents.restore());

  it('comes again when the lock was let go between refusal and look', async () => {
    documents
      .on(UpdateCommand)
      .rejects(refused)
      .on(GetCommand)
      .resolves({ Item: { pk: `LOCK#${KEY}`, sk: 'LOCK', fence: 3 } });
    await expectError(ledger.acquireLock(KEY, ME), 'Busy');
  });
  it('answers the fence that it has got, when the reply to its own try was lost', async () => {
    documents
      .on(UpdateCommand)
      .rejects(refused)
      .on(GetCommand)
      .resolves({ Item: { pk: `LOCK#${KEY}`, sk: 'LOCK', fence: 3, owner: ME, held: 'LOCK' } });
    expect(await ledger.acquireLock(KEY, ME)).toEqual({ acquired: true, fence: 3 });
  });
  it('asks the index for held locks over all pages, as far behind as an index is', async () => {
    const item = (key: string): object => ({ pk: `LOCK#${key}`, sk: 'LOCK', fence: 1, owner: ME, held: 'LOCK' });
    documents
      .on(QueryCommand)
      .resolvesOnce({ Items: [item('one')], LastEvaluatedKey: { held: 'LOCK', pk: 'LOCK#one', sk: 'LOCK' } })
      .resolvesOnce({ Items: [item('two')] });
    expect((await ledger.listHeldLocks()).map((lock) => lock.key)).toEqual(['one', 'two']);
    for (const call of documents.calls()) {
      expect(call.args[0].input).toMatchObject({ TableName: TABLE, IndexName: 'HeldLocks' });
      // DynamoDB refuses it of a global index.
      expect(call.args[0].input).not.toHaveProperty('ConsistentRead');
    }
  });
  it('names the call that was throttled', async () => {
    documents.on(UpdateCommand).rejects(
      Object.assign(new Error('slow down'), {
        name: 'ProvisionedThroughputExceededException',
        $metadata: { httpStatusCode: 400 },
      }),
    );
    await expectError(ledger.releaseLock(KEY, EXECUTION), 'Throttled', 'dynamodb:UpdateItem LOCK');
  });
  it('reads strongly consistent, over all pages', async () => {
    documents
      .on(QueryCommand)
      .resolvesOnce({
        Items: [{ pods: [anEvidence({ name: 'one' })], chunks: 2 }],
        LastEvaluatedKey: { pk: 'a', sk: 'b' },
      })
      .resolvesOnce({ Items: [{ pods: [anEvidence({ name: 'two' })] }] });
    documents.on(GetCommand).resolves({});
    expect((await ledger.getEvidence(MIGRATION_ID, 'latest')).map((pod) => pod.name)).toEqual(['one', 'two']);
    await ledger.getSnapshot(MIGRATION_ID);
    expect(documents.commandCalls(QueryCommand)[1]?.args[0].input.ExclusiveStartKey).toEqual({ pk: 'a', sk: 'b' });
    for (const call of documents.calls())
      expect(call.args[0].input).toMatchObject({ TableName: TABLE, ConsistentRead: true });
  });
});
