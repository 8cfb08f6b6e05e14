/**
 * Tests how the ledger handles a call that DynamoDB refuses, once for each of its methods, and in which order it
 * writes.
 */
import { ConditionalCheckFailedException, DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, GetCommand, PutCommand, QueryCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import {
  ADDON_LOCK,
  addonArn,
  aMigration,
  anAssociation,
  anEvidence,
  aPlan,
  aSnapshot,
  at,
  EXECUTION,
  MIGRATION_ID,
  OTHER_EXECUTION,
  RECOVERY_EXECUTION,
  aRollback,
  ownHolder,
} from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { refusal } from './mocked.ts';

const ME = ownHolder(at(0));
const pods = (count: number) => Array.from({ length: count }, (_, index) => anEvidence({ name: `pod-${index}` }));
const conditionFailed = new ConditionalCheckFailedException({
  message: 'The conditional request failed',
  $metadata: { httpStatusCode: 400 },
});

const WRITES: [string, (ledger: Ledger) => Promise<unknown>][] = [
  ['putMigration', (ledger) => ledger.putMigration(aMigration())],
  ['recordPlan', (ledger) => ledger.recordPlan(MIGRATION_ID, aPlan())],
  ['noteAttempt', (ledger) => ledger.noteAttempt(MIGRATION_ID, 1)],
  [
    'recordRecovery',
    (ledger) =>
      ledger.recordRecovery(MIGRATION_ID, {
        executionArn: RECOVERY_EXECUTION,
        cause: 'stopped',
        requestedAt: at(0),
      } as never),
  ],
  [
    'changeRollback',
    (ledger) =>
      ledger.changeRollback(MIGRATION_ID, { status: 'ended' }, { status: 'rolling-back', rollback: aRollback() }),
  ],
  ['updateMigration', (ledger) => ledger.updateMigration(MIGRATION_ID, { warnings: [] })],
  ['recordAssociation', (ledger) => ledger.recordAssociation(MIGRATION_ID, 'purged', anAssociation())],
  ['recordCopy', (ledger) => ledger.recordCopy(MIGRATION_ID, 'made', addonArn(2))],
  ['recordAnnotation', (ledger) => ledger.recordAnnotation(MIGRATION_ID, 'notedAt', at(0))],
  ['requestCancel', (ledger) => ledger.requestCancel(MIGRATION_ID, { requestedAt: at(0) })],
  ['putSnapshot', (ledger) => ledger.putSnapshot(MIGRATION_ID, aSnapshot())],
  ['recordStep', (ledger) => ledger.recordStep(MIGRATION_ID, { name: 'plan', startedAt: at(0), endedAt: at(1) })],
  ['putEvidence', (ledger) => ledger.putEvidence(MIGRATION_ID, 'latest', pods(1), at(0))],
  ['acquireLock', (ledger) => ledger.acquireLock(ADDON_LOCK, ME)],
  ['takeOverLock', (ledger) => ledger.takeOverLock(ADDON_LOCK, { executionArn: OTHER_EXECUTION, fence: 1 }, ME)],
  ['releaseLock', (ledger) => ledger.releaseLock(ADDON_LOCK, EXECUTION)],
  ['parkLock', (ledger) => ledger.parkLock(ADDON_LOCK, EXECUTION)],
  ['addOutboxEvent', (ledger) => ledger.addOutboxEvent(MIGRATION_ID, 'migrated')],
  ['markSent', (ledger) => ledger.markSent(MIGRATION_ID, ['migrated'])],
];

const READS: [string, (ledger: Ledger) => Promise<unknown>][] = [
  ['getFile', (ledger) => ledger.getFile(MIGRATION_ID)],
  ['getMigration', (ledger) => ledger.getMigration(MIGRATION_ID)],
  ['getCancel', (ledger) => ledger.getCancel(MIGRATION_ID)],
  ['getSnapshot', (ledger) => ledger.getSnapshot(MIGRATION_ID)],
  ['getEvidence', (ledger) => ledger.getEvidence(MIGRATION_ID, 'latest')],
  ['listSteps', (ledger) => ledger.listSteps(MIGRATION_ID)],
  ['readLock', (ledger) => ledger.readLock(ADDON_LOCK)],
];

describe('the ledger', () => {
  const documents = mockClient(DynamoDBDocumentClient);
  const ledger = createDynamoLedger({ client: new DynamoDBClient({ region: 'eu-west-1' }), tableName: 'Ledger' });
  beforeEach(() => void documents.reset());
  afterAll(() => documents.restore());

  it.each(WRITES)('%s tells of a throttle, and does not take it for done', async (_, write) => {
    documents.onAnyCommand().rejects(refusal('ThrottlingException'));
    await expectError(write(ledger), 'Throttled');
  });

  it.each(WRITES)('%s tells of a lost connection, and does not take it for done', async (_, write) => {
    documents.onAnyCommand().rejects(new Error('socket hang up'));
    await expectError(write(ledger), 'ConnectionLost');
  });

  it.each(READS)('%s reads strongly consistent', async (_, read) => {
    documents.onAnyCommand().resolves({});
    await read(ledger);
    expect(documents.calls()).not.toHaveLength(0);
    for (const call of documents.calls()) expect(call.args[0].input).toHaveProperty('ConsistentRead', true);
  });

  it.each(READS)('%s tells of a throttle, and does not answer that nothing is there', async (_, read) => {
    documents.onAnyCommand().rejects(refusal('ThrottlingException'));
    await expectError(read(ledger), 'Throttled');
  });

  it.each(['noteAttempt', 'recordRecovery', 'putSnapshot', 'putEvidence', 'parkLock', 'markSent'])(
    '%s is content where what is there is newer',
    async (name) => {
      documents.onAnyCommand().rejects(conditionFailed);
      const [, write] = WRITES.find(([method]) => method === name)!;
      await expect(write(ledger)).resolves.toBeUndefined();
    },
  );

  it.each(['requestCancel', 'changeRollback'])('%s says that it changed nothing', async (name) => {
    documents.onAnyCommand().rejects(conditionFailed);
    const [, write] = WRITES.find(([method]) => method === name)!;
    await expect(write(ledger)).resolves.toBe(false);
  });

  it('refuses a plan where a migration has begun', async () => {
    documents.on(UpdateCommand).rejects(conditionFailed);
    await expectError(ledger.recordPlan(MIGRATION_ID, aPlan()), 'BadInput', 'has already begun');
  });

  it('writes evidence from its last chunk to its first, which says how many there are', async () => {
    documents.on(PutCommand).resolves({});
    await ledger.putEvidence(MIGRATION_ID, 'latest', pods(250), at(0));
    const items = documents.commandCalls(PutCommand).map((call) => call.args[0].input.Item!);
    expect(items.map(({ sk }) => String(sk))).toEqual([
      'VERIFICATION#latest#00002',
      'VERIFICATION#latest#00001',
      'VERIFICATION#latest#00000',
    ]);
    expect(items.map(({ chunks }) => chunks as unknown)).toEqual([undefined, undefined, 3]);
  });

  it('writes no more of evidence once newer is there', async () => {
    documents.on(PutCommand).resolvesOnce({}).rejectsOnce(conditionFailed).resolves({});
    await ledger.putEvidence(MIGRATION_ID, 'latest', pods(250), at(0));
    expect(documents.commandCalls(PutCommand)).toHaveLength(2);
  });

  it("does not take a record of no migration's for one", async () => {
    documents.on(UpdateCommand).rejects(conditionFailed).on(GetCommand).resolves({});
    await expectError(ledger.recordCopy(MIGRATION_ID, 'made', addonArn(2)), 'BadInput');
    documents.on(GetCommand).resolves({ Item: { pk: 'a', sk: 'RECORD' } });
    await expect(ledger.recordCopy(MIGRATION_ID, 'made', addonArn(2))).resolves.toBeUndefined();
  });

  it('takes a cancel that it cannot read for one', async () => {
    documents.on(QueryCommand).resolves({ Items: [{ pk: 'a', sk: 'CANCEL', requestedAt: 5 }] });
    expect(await ledger.getFile(MIGRATION_ID)).toEqual({ cancel: { requestedAt: 'a time that is not noted' } });
  });
});
