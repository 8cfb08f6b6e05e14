/**
 * The ledger's promises, held by DynamoDB (in process) and by the fake that the steps' tests use. Its locks:
 * `dynamo-locks.test.ts`.
 */
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { AnnotationMoment, Migration } from '../../../lambdas/domain/record/migration.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import {
  ADDON_LOCK,
  addonArn,
  aMigration,
  anAssociation,
  anEvidence,
  aPlan,
  aRequest,
  aSnapshot,
  at,
  MIGRATION_ID,
  RECOVERY_EXECUTION,
  OTHER_EXECUTION,
  OTHER_MIGRATION_ID,
  ROLE_LOCK,
  aRollback,
  ownHolder,
} from '../fixtures.ts';
import { expectError, expectExactError } from '../matchers.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';
import { words } from '../../words.ts';

describe.each(LEDGERS)('the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => void (ledger = await open()));

  describe('the record', () => {
    it('is there as it was put, and not before', async () => {
      expect(await ledger.getMigration(MIGRATION_ID)).toBeUndefined();
      await ledger.putMigration(aMigration());
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration());
      expect(await ledger.getMigration(OTHER_MIGRATION_ID)).toBeUndefined();
    });
    it("is not put over another execution's", async () => {
      await ledger.putMigration(aMigration());
      const request = aRequest({ reason: 'a replay' });
      const theirs = aMigration({ executionArn: OTHER_EXECUTION, request, plan: undefined });
      await expectError(ledger.putMigration(theirs), 'BadInput', 'another execution is working on it');
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration());
    });
    it('is put again while it runs, and refused once it has ended', async () => {
      await ledger.putMigration(aMigration({ plan: undefined }));
      await ledger.putMigration(aMigration({ plan: aPlan() }));
      await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'blocked' });
      const message = `Migration ${MIGRATION_ID} has already ended, or another execution is working on it. Start a new migration with a new id.`;
      await expectExactError(ledger.putMigration(aMigration()), 'BadInput', message);
      expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ status: 'ended', outcome: 'blocked' });
    });
    it('keeps the lists that it was put with, which one without them does not take away', async () => {
      const record = aMigration({ locks: [ADDON_LOCK, ROLE_LOCK], restoreCommands: ['aws x'] });
      await ledger.putMigration(record);
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(record);
      await ledger.putMigration({ ...record, locks: [], restoreCommands: [], plan: undefined });
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(record);
    });
    it('takes changes and keeps the rest; what is undefined changes nothing', async () => {
      await ledger.putMigration(aMigration());
      const failure = { name: 'AddonFailed', message: 'why' };
      const ended = { outcome: 'rolled-back', status: 'ended', endedAt: at(60) } as const;
      const change = { ...ended, failure, restoreCommands: ['aws x'] };
      await ledger.updateMigration(MIGRATION_ID, { ...change, verified: 'none', executionArn: undefined });
      expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration(change));
    });
  });

  it('takes the fields of a recovery, of the way that is tried and of the warnings', async () => {
    await ledger.putMigration(aMigration());
    const change: Partial<Migration> = {
      attempt: 1,
      locks: [ADDON_LOCK, ROLE_LOCK],
      executionArn: RECOVERY_EXECUTION,
      recovery: { startedAt: at(600), executionArn: RECOVERY_EXECUTION, cause: 'stranded' },
      rollback: aRollback({ requestedBy: 'me', reason: 'why', accept: ['credential-gap'], next: 'Look at it.' }),
      warnings: [
        { id: 'irsa-role-still-set', status: 'warn', message: 'EKS still shows the role.', remedy: 'Detach it.' },
      ],
    };
    await ledger.updateMigration(MIGRATION_ID, change);
    expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration(change));
  });
  it('notes the way that is tried, and never goes back to an earlier one', async () => {
    await ledger.putMigration(aMigration());
    for (const attempt of [0, 1, 0]) await ledger.noteAttempt(MIGRATION_ID, attempt);
    expect((await ledger.getMigration(MIGRATION_ID))?.attempt).toBe(1);
  });
  it('is reopened once by the execution that takes it over, not again by a late call of the same one', async () => {
    const recovery = { startedAt: at(100), executionArn: RECOVERY_EXECUTION, cause: 'stranded' as const };
    await ledger.putMigration(aMigration({ verified: 'ready' }));
    await ledger.recordRecovery(MIGRATION_ID, recovery);
    const reopened = { recovery, executionArn: RECOVERY_EXECUTION, status: 'running', verified: 'ready' };
    expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject(reopened);
    await ledger.updateMigration(MIGRATION_ID, { status: 'ended', outcome: 'rolled-back', endedAt: at(200) });
    await ledger.recordRecovery(MIGRATION_ID, recovery);
    expect((await ledger.getMigration(MIGRATION_ID))?.status).toBe('ended');
    await ledger.recordRecovery(MIGRATION_ID, { ...recovery, executionArn: `${RECOVERY_EXECUTION}-2` });
    expect((await ledger.getMigration(MIGRATION_ID))?.status).toBe('running');
  });
  it('keeps what steps have noted when the record is put again with nothing in its place', async () => {
    await ledger.putMigration(aMigration());
    await ledger.updateMigration(MIGRATION_ID, { locks: [ADDON_LOCK], attempt: 1 });
    await ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
    const again = { startedAt: at(1), plan: aPlan({ strategy: 'in-place' }) };
    await ledger.putMigration(aMigration(again));
    const noted = { locks: [ADDON_LOCK], attempt: 1, removed: [addonArn(1)] };
    expect(await ledger.getMigration(MIGRATION_ID)).toEqual(aMigration({ ...again, ...noted }));
  });

  describe('the removal of the annotation', () => {
    const recorded = async (...moments: [AnnotationMoment, number][]): Promise<unknown> => {
      await ledger.putMigration(aMigration());
      for (const [what, seconds] of moments) await ledger.recordAnnotation(MIGRATION_ID, what, at(seconds));
      return (await ledger.getMigration(MIGRATION_ID))?.annotationChange;
    };
    const [written, undone] = [
      { notedAt: at(1), writtenAt: at(2) },
      { notedAt: at(1), writtenAt: at(2), undoneAt: at(3) },
    ];
    it.each<[string, unknown, ...[AnnotationMoment, number][]]>([
      ['its note', { notedAt: at(1) }, ['notedAt', 1]],
      ['what followed', undone, ['notedAt', 1], ['writtenAt', 2], ['undoneAt', 3]],
      ['what was written before a late note came', written, ['notedAt', 1], ['writtenAt', 2], ['notedAt', 0]],
      [
        'what was undone before a late note came',
        undone,
        ['notedAt', 1],
        ['writtenAt', 2],
        ['undoneAt', 3],
        ['notedAt', 3],
      ],
      [
        'what was undone before late news of the write',
        { notedAt: at(1), undoneAt: at(3) },
        ['notedAt', 1],
        ['undoneAt', 3],
        ['writtenAt', 2],
      ],
      ['a new note after it was undone', { notedAt: at(4) }, ['notedAt', 1], ['undoneAt', 3], ['notedAt', 4]],
      ['nothing without a note', undefined, ['writtenAt', 2]],
    ])('keeps %s', async (_kept, expected, ...moments) => expect(await recorded(...moments)).toEqual(expected));
    it('is not noted of a migration without a record', async () => {
      const noted = ledger.recordAnnotation(MIGRATION_ID, 'notedAt', at(0));
      await expectExactError(noted, 'BadInput', `The ledger has no migration ${MIGRATION_ID}.`);
    });
  });

  describe('copies of the add-on', () => {
    it('are kept by what was done with them, in order, each ARN once', async () => {
      await ledger.putMigration(aMigration());
      for (const [what, incarnation] of [
        ['removed', 1],
        ['made', 2],
        ['removed', 2],
        ['made', 2],
        ['removed', 1],
        ['made', 3],
      ] as const)
        await ledger.recordCopy(MIGRATION_ID, what, addonArn(incarnation));
      expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({
        removed: [addonArn(1), addonArn(2)],
        made: [addonArn(2), addonArn(3)],
      });
    });
    it('are kept each once by two who note the same at once', async () => {
      await ledger.putMigration(aMigration());
      await Promise.all([1, 1, 2, 2].map((which) => ledger.recordCopy(MIGRATION_ID, 'made', addonArn(which))));
      expect((await ledger.getMigration(MIGRATION_ID))?.made.toSorted()).toEqual([addonArn(1), addonArn(2)]);
    });
    it('are not noted of a migration without a record', async () => {
      const noted = ledger.recordCopy(MIGRATION_ID, 'made', addonArn(1));
      await expectExactError(noted, 'BadInput', `The ledger has no migration ${MIGRATION_ID}.`);
      expect(await ledger.getMigration(MIGRATION_ID)).toBeUndefined();
    });
  });

  describe('a cancel', () => {
    it("is the first one that was asked for, each migration's for itself", async () => {
      expect(await ledger.getCancel(MIGRATION_ID)).toBeUndefined();
      const first = { requestedAt: at(5), requestedBy: 'me', reason: 'wrong cluster' };
      await ledger.requestCancel(MIGRATION_ID, first);
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(6) });
      expect(await ledger.getCancel(MIGRATION_ID)).toEqual(first);
      expect(await ledger.getCancel(OTHER_MIGRATION_ID)).toBeUndefined();
    });
    it('is in the file, next to the snapshot', async () => {
      await ledger.putMigration(aMigration());
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(1) });
      await ledger.putSnapshot(MIGRATION_ID, aSnapshot());
      expect(await ledger.getFile(MIGRATION_ID)).toEqual({
        migration: aMigration(),
        cancel: { requestedAt: at(1) },
        snapshot: aSnapshot(),
      });
    });
    it('needs no record, and no name or reason', async () => {
      await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(5), requestedBy: undefined });
      expect(await ledger.getCancel(MIGRATION_ID)).toEqual({ requestedAt: at(5) });
      expect(await ledger.getMigration(MIGRATION_ID)).toBeUndefined();
    });
  });

  describe('associations', () => {
    it('are kept by what was done with them, each id once', async () => {
      await ledger.putMigration(aMigration());
      const one = anAssociation({ id: 'a-1', policy: '{}', tags: { team: 'a' } });
      const two = anAssociation({ id: 'a-2' });
      for (const each of [one, one, two]) await ledger.recordAssociation(MIGRATION_ID, 'purged', each);
      await ledger.recordAssociation(MIGRATION_ID, 'created', one);
      const kept = { purged: [one, two], created: [one], restored: [] };
      expect((await ledger.getMigration(MIGRATION_ID))?.associations).toEqual(kept);
    });
    it('stay when the record is put again', async () => {
      await ledger.putMigration(aMigration());
      await ledger.recordAssociation(MIGRATION_ID, 'restored', anAssociation());
      await ledger.putMigration(aMigration());
      expect((await ledger.getMigration(MIGRATION_ID))?.associations.restored).toEqual([anAssociation()]);
    });
  });

  it('the snapshot is there as it was put, raw configuration and all', async () => {
    expect(await ledger.getSnapshot(MIGRATION_ID)).toBeUndefined();
    const snapshot = aSnapshot({
      associations: [anAssociation()],
      trustPolicies: { 'arn:aws:iam::111122223333:role/a.b/c': '{"Statement":[]}' },
    });
    await ledger.putSnapshot(MIGRATION_ID, snapshot);
    expect(await ledger.getSnapshot(MIGRATION_ID)).toEqual(snapshot);
  });

  describe('step lines', () => {
    const error = { name: 'AddonStillThere', message: 'still DELETING' };

    it('count attempts, from the first start to the last end', async () => {
      const [name, result] = ['await-deleted', '{"gone":true}'];
      await ledger.recordStep(MIGRATION_ID, { name, startedAt: at(10), endedAt: at(11), error });
      await ledger.recordStep(MIGRATION_ID, { name, startedAt: at(20), endedAt: at(21), error });
      const failed = { name, startedAt: at(10), endedAt: at(21), tries: 2, error };
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([failed]);
      await ledger.recordStep(MIGRATION_ID, { name, startedAt: at(30), endedAt: at(31), result });
      const done = { name, startedAt: at(10), endedAt: at(31), tries: 3, result };
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([done]);
    });
    it('keep an earlier result when a later attempt fails', async () => {
      await ledger.recordStep(MIGRATION_ID, { name: 'begin', startedAt: at(0), endedAt: at(1), result: '{"fence":1}' });
      await ledger.recordStep(MIGRATION_ID, { name: 'begin', startedAt: at(2), endedAt: at(3), error });
      expect(await ledger.listSteps(MIGRATION_ID)).toEqual([
        { name: 'begin', startedAt: at(0), endedAt: at(3), tries: 2, result: '{"fence":1}', error },
      ]);
    });
    it("stand in the order in which they started, each migration's for itself", async () => {
      for (const [name, start, end] of [
        ['verify-pods', 40, 50],
        ['plan', 0, 5],
        ['verify-pods-2', 60, 61],
        ['begin', 5, 7],
        ['quick', 5, 6],
      ] as const) {
        await ledger.recordStep(MIGRATION_ID, { name, startedAt: at(start), endedAt: at(end), result: '{}' });
      }
      const names = (await ledger.listSteps(MIGRATION_ID)).map((line) => line.name);
      expect(names).toEqual(['plan', 'quick', 'begin', 'verify-pods', 'verify-pods-2']);
      expect(await ledger.listSteps(OTHER_MIGRATION_ID)).toEqual([]);
    });
  });

  it('keeps the first snapshot', async () => {
    await ledger.putSnapshot(MIGRATION_ID, aSnapshot());
    await ledger.putSnapshot(MIGRATION_ID, aSnapshot({ namespace: 'another' }));
    expect(await ledger.getSnapshot(MIGRATION_ID)).toEqual(aSnapshot());
  });

  describe('evidence', () => {
    const pods = (count: number) =>
      Array.from({ length: count }, (__, index) => anEvidence({ name: `pod-${index}`, uid: `uid-${index}` }));

    it.each([0, 1, 100, 101, 250])('of %d pods comes back whole and in order', async (count) => {
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(count), at(0));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(count));
    });
    it.each([
      [250, 120],
      [250, 100],
      [120, 0],
      [0, 250],
    ])('of %d pods is replaced by that of %d', async (before, after) => {
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(before), at(0));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(after), at(0));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(after));
    });
    it('that was seen earlier does not take the place of what was seen since', async () => {
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(2), at(60));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(150), at(59));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(2));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(1), at(61));
      expect(await ledger.getEvidence(MIGRATION_ID, 'latest')).toEqual(pods(1));
    });
    it('is kept for each round', async () => {
      await ledger.putEvidence(MIGRATION_ID, 'before', pods(2), at(0));
      await ledger.putEvidence(MIGRATION_ID, 'latest', pods(1), at(0));
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
  const pods = Array.from({ length: 101 }, () => anEvidence());
  await ledger.putEvidence(MIGRATION_ID, 'latest', pods, at(0));
  await ledger.recordCopy(MIGRATION_ID, 'removed', addonArn(1));
  await ledger.requestCancel(MIGRATION_ID, { requestedAt: at(5) });
  await ledger.acquireLock(ADDON_LOCK, ownHolder(at(0)));
  const { Items: items = [] } = await DynamoDBDocumentClient.from(client).send(new ScanCommand({ TableName: TABLE }));
  expect(items.map((item) => `${String(item['pk'])} ${String(item['sk'])}`).sort()).toEqual([
    `LOCK#${ADDON_LOCK} LOCK`,
    ...words`
      ASSOCIATION#purged#a-1 CANCEL RECORD SNAPSHOT STEP#plan VERIFICATION#latest#00000 VERIFICATION#latest#00001
    `.map((sk) => `MIGRATION#${MIGRATION_ID} ${sk}`),
  ]);
  expect(items.find((item) => item['sk'] === 'VERIFICATION#latest#00000')?.['pods']).toHaveLength(100);
});
