/**
 * What the ledger keeps for those who ask, approve and are notified: held by DynamoDB (in process) and by the fake that the
 * steps' tests use.
 */
import { DynamoDBDocumentClient, ScanCommand, UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { ulid } from 'ulid';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { Approval } from '../../../lambdas/domain/approval/approval.ts';
import type { Claim, Ledger } from '../../../lambdas/ports/ledger.ts';
import { aMigration, aPlan, at, MIGRATION_ID, NOW, OTHER_MIGRATION_ID } from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';

const anApproval = (change: Partial<Approval> = {}): Approval => ({
  round: 1,
  planHash: 'a'.repeat(64),
  state: 'pending',
  requestedAt: at(1),
  expiresAt: at(3600),
  ...change,
});
const tokenAt = (taskToken: string, seconds = 0): { taskToken: string; at: number } => ({
  taskToken,
  at: NOW + seconds * 1000,
});
const aClaim = (change: Partial<Claim> = {}): Claim => ({
  migrationId: MIGRATION_ID,
  fingerprint: 'f',
  at: at(0),
  input: '{}',
  ...change,
});

describe.each(LEDGERS)('the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await open();
    await ledger.putMigration(aMigration());
  });

  describe('what is to be told', () => {
    it('is noted once, listed until it is sent, and then gone', async () => {
      expect(await ledger.unsent(MIGRATION_ID)).toEqual([]);
      await ledger.addOutboxEvent(MIGRATION_ID, 'started');
      await ledger.addOutboxEvent(MIGRATION_ID, 'started');
      await ledger.addOutboxEvent(MIGRATION_ID, 'approval-needed.2');
      expect(await ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed.2', 'started']);
      expect(await ledger.listUnsent()).toEqual([MIGRATION_ID]);
      await ledger.markSent(MIGRATION_ID, ['started']);
      expect(await ledger.unsent(MIGRATION_ID)).toEqual(['approval-needed.2']);
      expect(await ledger.listUnsent()).toEqual([MIGRATION_ID]);
      await ledger.markSent(MIGRATION_ID, ['approval-needed.2', 'started']);
      expect([await ledger.unsent(MIGRATION_ID), await ledger.listUnsent()]).toEqual([[], []]);
    });
    it('comes with the end that it tells of', async () => {
      await ledger.updateMigration(MIGRATION_ID, { outcome: 'migrated', status: 'ended' }, 'migrated');
      expect(await ledger.unsent(MIGRATION_ID)).toEqual(['migrated']);
      expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ outcome: 'migrated', status: 'ended' });
    });
    it('comes with a plan that is the end', async () => {
      await ledger.putMigration(aMigration({ migrationId: OTHER_MIGRATION_ID }));
      await ledger.recordPlan(MIGRATION_ID, aPlan());
      await ledger.recordPlan(OTHER_MIGRATION_ID, aPlan(), { outcome: 'planned', endedAt: at(1) });
      expect([await ledger.unsent(MIGRATION_ID), await ledger.unsent(OTHER_MIGRATION_ID)]).toEqual([[], ['planned']]);
      expect(await ledger.listUnsent()).toEqual([OTHER_MIGRATION_ID]);
    });
    it('is not that of a plan whose invocation was replaced by another', async () => {
      await ledger.putMigration({ ...aMigration(), planningSince: at(0) });
      await ledger.putMigration({ ...aMigration(), planningSince: at(60) });
      const end = { outcome: 'blocked', endedAt: at(1) } as const;
      await expectError(ledger.recordPlan(MIGRATION_ID, aPlan(), end, at(0)), 'BadInput');
      await ledger.recordPlan(MIGRATION_ID, aPlan(), undefined, at(60));
      expect(await ledger.getMigration(MIGRATION_ID)).toMatchObject({ status: 'running', plan: aPlan() });
      expect(await ledger.unsent(MIGRATION_ID)).toEqual([]);
    });
    it('is marked as sent where nothing is left, as a call that comes late does', async () => {
      await ledger.addOutboxEvent(MIGRATION_ID, 'started');
      await ledger.markSent(MIGRATION_ID, ['started']);
      await ledger.markSent(MIGRATION_ID, ['started']);
      await ledger.markSent(MIGRATION_ID, []);
      expect([await ledger.listUnsent(), await ledger.getMigration(MIGRATION_ID)]).toEqual([[], aMigration()]);
    });
  });

  describe('an approval', () => {
    it('is part of the record, its token is not', async () => {
      await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('secret'));
      expect((await ledger.getMigration(MIGRATION_ID))?.approvals).toEqual([anApproval()]);
      expect(JSON.stringify(await ledger.getFile(MIGRATION_ID))).not.toContain('secret');
      expect(await ledger.approvalToken(MIGRATION_ID, 1)).toBe('secret');
      expect(await ledger.approvalToken(MIGRATION_ID, 2)).toBeUndefined();
      expect(await ledger.listPendingApprovals()).toEqual([at(1)]);
    });
    it('takes a new token while it is pending, and stands once it is decided', async () => {
      await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('first'));
      expect(await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('second'))).toEqual(anApproval());
      expect(await ledger.approvalToken(MIGRATION_ID, 1)).toBe('second');
      const decided = {
        round: 1,
        planHash: anApproval().planHash,
        state: 'approved',
        decidedBy: 'me',
        decidedAt: at(2),
        reason: 'fine',
      } as const;
      expect(await ledger.decideApproval(MIGRATION_ID, decided)).toEqual({
        approval: anApproval(decided),
        first: true,
      });
      expect(await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('third'))).toEqual(anApproval(decided));
      expect((await ledger.getMigration(MIGRATION_ID))?.approvals).toEqual([anApproval(decided)]);
      expect(await ledger.listPendingApprovals()).toEqual([]);
    });
    it('keeps its token where a call of an earlier try arrives late', async () => {
      await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('second', 60));
      expect(await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('first'))).toEqual(anApproval());
      expect(await ledger.approvalToken(MIGRATION_ID, 1)).toBe('second');
    });
    it('is decided once, and about its own plan alone', async () => {
      await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('token'));
      const no = { round: 1, planHash: 'b'.repeat(64), state: 'rejected', decidedBy: 'me', decidedAt: at(2) } as const;
      expect(await ledger.decideApproval(MIGRATION_ID, no)).toEqual({ approval: anApproval(), first: false });
      expect(await ledger.decideApproval(MIGRATION_ID, { ...no, round: 2 })).toBeUndefined();
      const right = { ...no, planHash: anApproval().planHash };
      // A decision needs no reason.
      const answers = await Promise.all(
        ['me', 'you', 'they'].map((decidedBy) =>
          ledger.decideApproval(MIGRATION_ID, { ...right, decidedBy, reason: undefined }),
        ),
      );
      expect(new Set(answers.map((one) => one?.approval.decidedBy)).size).toBe(1);
      expect(answers.filter((one) => one?.first)).toHaveLength(1);
      expect(answers[0]).toMatchObject({ approval: { state: 'rejected' } });
    });
    it('of each round has its own place', async () => {
      for (const round of [2, 11, 1])
        await ledger.putApproval(MIGRATION_ID, anApproval({ round }), tokenAt(`token ${round}`));
      expect(new Set((await ledger.getMigration(MIGRATION_ID))?.approvals.map(({ round }) => round))).toEqual(
        new Set([1, 2, 11]),
      );
      expect(await ledger.approvalToken(MIGRATION_ID, 11)).toBe('token 11');
    });
  });

  describe('a claim', () => {
    it('is the first one’s, however many come at once', async () => {
      const ids = Array.from({ length: 20 }, (_one, index) => ulid(NOW + index));
      const answers = await Promise.all(ids.map((migrationId) => ledger.claim('key', aClaim({ migrationId }))));
      expect(new Set(answers.map(({ migrationId }) => migrationId)).size).toBe(1);
      expect(await ledger.claim('other', aClaim())).toEqual(aClaim());
    });
    it('passes on where the one before still stands', async () => {
      const [first, second, third] = [
        aClaim(),
        aClaim({ migrationId: OTHER_MIGRATION_ID }),
        aClaim({ migrationId: ulid(NOW) }),
      ];
      await ledger.claim('key', first);
      expect(await ledger.reclaim('key', first, second)).toEqual(second);
      expect([await ledger.reclaim('key', first, third), await ledger.claim('key', first)]).toEqual([second, second]);
    });
  });
});

it('leaves nothing in the index of what is pending once all is sent and decided', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  await ledger.putMigration(aMigration());
  await ledger.putApproval(MIGRATION_ID, anApproval(), tokenAt('token'));
  await ledger.addOutboxEvent(MIGRATION_ID, 'approval-needed');
  const pending = async (): Promise<number> =>
    (await DynamoDBDocumentClient.from(client).send(new ScanCommand({ TableName: TABLE, IndexName: 'Pending' })))
      .Count ?? 0;
  expect(await pending()).toBe(2);
  await ledger.decideApproval(MIGRATION_ID, {
    round: 1,
    planHash: anApproval().planHash,
    state: 'rejected',
    decidedBy: 'me',
    decidedAt: at(2),
  });
  await ledger.markSent(MIGRATION_ID, ['approval-needed']);
  expect(await pending()).toBe(0);
});

it('makes no record by marking what is not there', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  await ledger.markSent(MIGRATION_ID, []);
  expect((await DynamoDBDocumentClient.from(client).send(new ScanCommand({ TableName: TABLE }))).Count).toBe(0);
});
it('lets go of one whose events were sent, and whose place in the index was left', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  await ledger.putMigration(aMigration());
  await ledger.addOutboxEvent(MIGRATION_ID, 'started');
  await DynamoDBDocumentClient.from(client).send(
    new UpdateCommand({
      TableName: TABLE,
      Key: { pk: `MIGRATION#${MIGRATION_ID}`, sk: 'RECORD' },
      UpdateExpression: 'REMOVE outbox',
    }),
  );
  expect(await ledger.listUnsent()).toEqual([MIGRATION_ID]);
  await ledger.markSent(MIGRATION_ID, []);
  expect(await ledger.listUnsent()).toEqual([]);
});
