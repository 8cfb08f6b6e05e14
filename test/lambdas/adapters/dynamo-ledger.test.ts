/** The ledger's promises, held by DynamoDB (in process) and by the fake that the steps' tests use. */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { Ledger, LockHolder } from '../../../lambdas/ports/ledger.ts';
import { createDynamoDb } from '../../../sandbox/dynamodb/service.ts';
import { clientsOf, newWorld, openDoor } from '../../sandbox/support.ts';
import { FakeLedger } from '../fakes.ts';
import { aMigration, anAssociation, anEvidence, aPlan, aSnapshot, at, EXECUTION, MIGRATION_ID, OTHER_MIGRATION_ID } from '../fixtures.ts';

const TABLE = 'Ledger';

async function newDynamoDb(): Promise<DynamoDBClient> {
  const world = newWorld();
  const { service, createTable } = createDynamoDb(world);
  await createTable({
    name: TABLE,
    keySchema: [
      { AttributeName: 'pk', KeyType: 'HASH' },
      { AttributeName: 'sk', KeyType: 'RANGE' },
    ],
    attributeDefinitions: ['pk', 'sk'].map((AttributeName) => ({ AttributeName, AttributeType: 'S' })),
  });
  return clientsOf(openDoor(world, { dynamodb: service }), world).dynamodb();
}

const KEY = '111122223333#eu-west-1#dev#aws-ebs-csi-driver';
const holder = (migrationId: string, seconds = 0): LockHolder => ({ migrationId, executionArn: EXECUTION, since: at(seconds) });
const ME = holder(MIGRATION_ID);
const OTHER = holder(OTHER_MIGRATION_ID, 5);

describe.each<[string, () => Promise<Ledger>]>([
  ['DynamoDB', async () => createDynamoLedger({ client: await newDynamoDb(), tableName: TABLE })],
  ['memory', async () => new FakeLedger()],
])('the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await open();
  });

  describe('the record', () => {
    it('is there as it was put, and not before', async () => {
      expect(await ledger.getMigration(MIGRATION_ID)).toBeUndefined();
      await ledger.putMigration(aMigration());
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration());
      expect(await ledger.getMigration(OTHER_MIGRATION_ID)).toBeUndefined();
    });
    it('is put again while it runs, and refused once it has ended', async () => {
      await ledger.putMigration(aMigration({ plan: undefined }));
      await ledger.putMigration(aMigration({ plan: aPlan() }));
      await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'blocked' });
      await expect(ledger.putMigration(aMigration())).rejects.toMatchObject({ name: 'BadInput', message: `Migration ${MIGRATION_ID} is already over; start a new one under a new id.` });
      expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ status: 'ended', outcome: 'blocked' });
    });
    it('takes changes and keeps the rest; what is undefined changes nothing', async () => {
      await ledger.putMigration(aMigration());
      const failure = { name: 'AddonFailed', message: 'why' };
      await ledger.updateMigration(MIGRATION_ID, { outcome: 'rolled-back', status: 'ended', endedAt: at(60), verified: 'none', failure, handOff: ['aws x'], executionArn: undefined });
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration({ outcome: 'rolled-back', status: 'ended', endedAt: at(60), failure, handOff: ['aws x'] }));
    });
  });

  describe('associations', () => {
    it('are kept by what was done with them, each id once', async () => {
      await ledger.putMigration(aMigration());
      const [one, two] = [anAssociation({ id: 'a-1', policy: '{}', tags: { team: 'a' } }), anAssociation({ id: 'a-2' })];
      await ledger.recordAssociation(MIGRATION_ID, 'purged', one);
      await ledger.recordAssociation(MIGRATION_ID, 'purged', one);
      await ledger.recordAssociation(MIGRATION_ID, 'purged', two);
      await ledger.recordAssociation(MIGRATION_ID, 'created', one);
      expect((await ledger.getMigration(MIGRATION_ID))?.associations).toEqual({ purged: [one, two], created: [one], restored: [] });
    });
    it('stay when the record is put again', async () => {
      await ledger.putMigration(aMigration());
      await ledger.recordAssociation(MIGRATION_ID, 'restored', anAssociation());
      await ledger.putMigration(aMigration());
      expect((await ledger.getMigration(MIGRATION_ID))?.associations.restored).toEqual([anAssociation()]);
    });
  });

  describe('the lock', () => {
    it('is held by one migration until it lets go', async () => {
      expect(await ledger.acquireLock(KEY, ME)).toEqual({ acquired: true, fence: 1 });
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: false, holder: ME });
      await ledger.releaseLock(KEY, OTHER_MIGRATION_ID);
      expect(await ledger.acquireLock(KEY, OTHER)).toMatchObject({ acquired: false });
      await ledger.releaseLock(KEY, MIGRATION_ID);
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: true, fence: 2 });
    });
    it('is taken again by its own migration, under the next fence', async () => {
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.acquireLock(KEY, { ...ME, since: at(9) })).toEqual({ acquired: true, fence: 2 });
      await expect(ledger.assertLock(KEY, MIGRATION_ID, 1)).rejects.toMatchObject({ name: 'LockLost' });
      await ledger.assertLock(KEY, MIGRATION_ID, 2);
    });
    it('has a fence that grows for ever, over every release', async () => {
      for (let fence = 1; fence <= 6; fence += 1) {
        const who = fence % 2 ? ME : OTHER;
        expect(await ledger.acquireLock(KEY, who)).toEqual({ acquired: true, fence });
        await ledger.releaseLock(KEY, who.migrationId);
      }
    });
    it('is one for each key', async () => {
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.acquireLock(`${KEY}-2`, OTHER)).toEqual({ acquired: true, fence: 1 });
    });
    it('goes to one of many who ask at once', async () => {
      const asked = await Promise.all([ME, OTHER, holder('01JD8Z5Q6R7S8T9V0W1X2Y3Z4C')].map((who) => ledger.acquireLock(KEY, who)));
      expect(asked.filter((one) => one.acquired)).toHaveLength(1);
    });
    it('is released as often as one likes, also before it was ever taken', async () => {
      await ledger.releaseLock(KEY, MIGRATION_ID);
      await ledger.acquireLock(KEY, ME);
      await ledger.releaseLock(KEY, MIGRATION_ID);
      await ledger.releaseLock(KEY, MIGRATION_ID);
      expect(await ledger.acquireLock(KEY, OTHER)).toMatchObject({ acquired: true });
    });
    it.each<[string, () => Promise<unknown>]>([
      ['was never taken', async () => undefined],
      ['was let go', async () => (await ledger.acquireLock(KEY, ME), ledger.releaseLock(KEY, MIGRATION_ID))],
      ['is another\'s', () => ledger.acquireLock(KEY, OTHER)],
      ['was another\'s meanwhile', async () => (await ledger.acquireLock(KEY, OTHER), await ledger.releaseLock(KEY, OTHER_MIGRATION_ID), ledger.acquireLock(KEY, ME))],
    ])('is lost where it %s', async (__, prepare) => {
      await prepare();
      await expect(ledger.assertLock(KEY, MIGRATION_ID, 1)).rejects.toMatchObject({ name: 'LockLost', message: expect.stringMatching(`${MIGRATION_ID} \\(fence 1\\)`) as string });
    });
  });

  describe('the snapshot', () => {
    it('is there as it was put, raw configuration and all', async () => {
      expect(await ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
      const snapshot = aSnapshot({ associations: [anAssociation()], trustPolicies: { 'arn:aws:iam::111122223333:role/a.b/c': '{"Statement":[]}' } });
      await ledger.putSnapshot(MIGRATION_ID, snapshot);
      expect(await ledger.getSnapshot(MIGRATION_ID)).toEqual(snapshot);
    });
  });

  describe('step lines', () => {
    const error = { name: 'AddonStillThere', message: 'still DELETING' };

    it('count attempts, from the first start to the last end', async () => {
      await ledger.recordStep(MIGRATION_ID, { name: 'await-deleted', startedAt: at(10), endedAt: at(11), error });
      await ledger.recordStep(MIGRATION_ID, { name: 'await-deleted', startedAt: at(20), endedAt: at(21), error });
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([{ name: 'await-deleted', startedAt: at(10), endedAt: at(21), attempts: 2, error }]);
      await ledger.recordStep(MIGRATION_ID, { name: 'await-deleted', startedAt: at(30), endedAt: at(31), result: '{"gone":true}' });
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([{ name: 'await-deleted', startedAt: at(10), endedAt: at(31), attempts: 3, result: '{"gone":true}' }]);
    });
    it('keep an earlier result beside a later error', async () => {
      await ledger.recordStep(MIGRATION_ID, { name: 'begin', startedAt: at(0), endedAt: at(1), result: '{"fence":1}' });
      await ledger.recordStep(MIGRATION_ID, { name: 'begin', startedAt: at(2), endedAt: at(3), error });
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([{ name: 'begin', startedAt: at(0), endedAt: at(3), attempts: 2, result: '{"fence":1}', error }]);
    });
    it('stand in the order in which they started, each migration\'s for itself', async () => {
      for (const [name, start, end] of [['verify-pods', 40, 50], ['plan', 0, 5], ['verify-pods-2', 60, 61], ['begin', 5, 7], ['quick', 5, 6]] as const) {
        await ledger.recordStep(MIGRATION_ID, { name, startedAt: at(start), endedAt: at(end), result: '{}' });
      }
      expect((await ledger.listSteps(MIGRATION_ID)).map((line) => line.name)).toEqual(['plan', 'quick', 'begin', 'verify-pods', 'verify-pods-2']);
      expect(await ledger.listSteps(OTHER_MIGRATION_ID)).toEqual([]);
    });
  });

  describe('evidence', () => {
    const pods = (count: number) => Array.from({ length: count }, (__, index) => anEvidence({ name: `pod-${index}`, uid: `uid-${index}` }));

    it.each([0, 1, 100, 101, 250])('of %d pods comes back whole and in order', async (count) => {
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(count));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(count));
    });
    it.each([
      [250, 120],
      [250, 100],
      [120, 0],
      [0, 250],
    ])('of %d pods is replaced by that of %d', async (before, after) => {
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(before));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(after));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(after));
    });
    it('is kept for each round', async () => {
      await ledger.putEvidence(MIGRATION_ID, 'before', pods(2));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(1));
      expect(await ledger.getEvidence(MIGRATION_ID, 'before')).toHaveLength(2);
      expect(await ledger.getEvidence(MIGRATION_ID, 'none')).toEqual([]);
    });
  });
});

it('keeps items small and under the documented keys of DynamoDB', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  await ledger.putMigration(aMigration());
  await ledger.putSnapshot(MIGRATION_ID, aSnapshot());
  await ledger.recordStep(MIGRATION_ID, { name: 'plan', startedAt: at(0), endedAt: at(1) });
  await ledger.recordAssociation(MIGRATION_ID, 'purged', anAssociation({ id: 'a-1' }));
  await ledger.putEvidence(MIGRATION_ID, 'latest', Array.from({ length: 101 }, () => anEvidence()));
  await ledger.acquireLock(KEY, ME);
  const { Items: items = [] } = await DynamoDBDocumentClient.from(client).send(new ScanCommand({ TableName: TABLE }));
  expect(items.map((item) => `${String(item['pk'])} ${String(item['sk'])}`).sort()).toEqual([
    `LOCK#${KEY} LOCK`,
    ...['ASSOCIATION#purged#a-1', 'EVIDENCE#latest#00000', 'EVIDENCE#latest#00001', 'RECORD', 'SNAPSHOT', 'STEP#plan'].map((sk) => `MIGRATION#${MIGRATION_ID} ${sk}`),
  ]);
  expect(items.find((item) => item['sk'] === 'EVIDENCE#latest#00000')?.['pods']).toHaveLength(100);
});
