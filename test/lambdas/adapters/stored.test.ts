/** What is in the ledger's table that the service did not write, and a plan's hash after it was there. */
import { DynamoDBDocumentClient, PutCommand } from '@aws-sdk/lib-dynamodb';
import { parseTrust } from '../../../lambdas/domain/trust/policy.ts';
import { describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import { hashOf } from '../../../lambdas/domain/plan/hash.ts';
import { planMigration } from '../../../lambdas/domain/plan/plan.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import {
  addonArn,
  aMigration,
  anAddon,
  anAssociation,
  aRequest,
  at,
  bothWays,
  irsaStatement,
  MIGRATION_ID,
  OTHER_ROLE,
  policyText,
  ROLE,
  someFacts,
  ownHolder,
} from '../fixtures.ts';
import { anError, expectError } from '../matchers.ts';
import { newDynamoDb, TABLE } from './ledgers.ts';

const SECRET = 'SECRET-MARKER-6f1c2d';
const PARTITION = `MIGRATION#${MIGRATION_ID}`;

async function open(): Promise<{ ledger: Ledger; put: (pk: string, sk: string, item: object) => Promise<unknown> }> {
  const client = await newDynamoDb();
  const documents = DynamoDBDocumentClient.from(client);
  return {
    ledger: createDynamoLedger({ client, tableName: TABLE }),
    put: (pk, sk, item) => documents.send(new PutCommand({ TableName: TABLE, Item: { ...item, pk, sk } })),
  };
}

describe('an item that is not of the schema', () => {
  const fileOf = async (ledger: Ledger) => (await ledger.putMigration(aMigration()), ledger.getFile(MIGRATION_ID));
  const reads: [string, string, object, (ledger: Ledger) => Promise<unknown>][] = [
    ['a migration', 'RECORD', { status: SECRET }, (ledger) => ledger.getMigration(MIGRATION_ID)],
    ['a snapshot', 'SNAPSHOT', { snapshot: { addon: SECRET } }, (ledger) => ledger.getSnapshot(MIGRATION_ID)],
    ['an association', 'ASSOCIATION#purged#a-1', { what: SECRET }, (ledger) => ledger.getFile(MIGRATION_ID)],
    ['a change of a trust policy', `REPAIR#${ROLE}`, { entry: { roleArn: SECRET } }, fileOf],
    ['a retirement', `RETIREMENT#${ROLE}`, { entry: SECRET }, fileOf],
    ['the line of a step', 'STEP#plan', { name: 7, startedAt: SECRET }, (ledger) => ledger.listSteps(MIGRATION_ID)],
    [
      'evidence',
      'VERIFICATION#before#00000',
      { chunks: 1, pods: SECRET },
      (ledger) => ledger.getEvidence(MIGRATION_ID, 'before'),
    ],
  ];
  it.each(reads)('%s is told of by its fields, not by what they say', async (what, sk, item, read) => {
    const { ledger, put } = await open();
    await put(PARTITION, sk, item);
    const error: unknown = await read(ledger).catch((thrown: unknown) => thrown);
    expect(error).toMatchObject(
      anError('BadInput', `The ledger has ${what} in a format that this version of the service does not write: `),
    );
    expect((error as Error).message).not.toContain(SECRET);
  });

  it('a lock that is held so is told of; in the list it keeps no other one back', async () => {
    const { ledger, put } = await open();
    await put('LOCK#garbage', 'LOCK', { held: 'LOCK', fence: SECRET, owner: { migrationId: 7 } });
    await ledger.acquireLock('mine', ownHolder(at(0)));
    await expectError(ledger.readLock('garbage'), 'BadInput');
    const holder = expect.objectContaining({ migrationId: MIGRATION_ID }) as unknown;
    const mine = expect.objectContaining({ key: 'mine', fence: 1, holder }) as unknown;
    expect(await ledger.listHeldLocks()).toEqual([{ key: 'garbage', fence: 0 }, mine]);
  });

  it.each([{ requestedAt: 7 }, { requestedAt: at(0), requestedBy: `\u001b]0;${SECRET}\u0007` }])(
    'a cancel (%j) is a cancel nevertheless',
    async (item) => {
      const { ledger, put } = await open();
      await ledger.putMigration(aMigration());
      await put(PARTITION, 'CANCEL', item);
      expect(await ledger.getCancel(MIGRATION_ID)).toEqual({ requestedAt: 'a time that is not noted' });
      expect((await ledger.getFile(MIGRATION_ID)).cancel).toEqual({ requestedAt: 'a time that is not noted' });
    },
  );
});

describe("a plan's hash", () => {
  const carried = anAssociation({ targetRoleArn: OTHER_ROLE, disableSessionTags: undefined, tags: { b: '2', a: '1' } });
  it.each([
    ['as it is', someFacts()],
    [
      'with fields that are not there',
      someFacts({
        addon: anAddon({ serviceAccountRoleArn: ROLE, configurationValues: undefined, namespace: undefined }),
        request: aRequest({ roleArn: undefined, reason: undefined }),
      }),
    ],
    ['with what is carried over', someFacts({ associations: [carried] })],
    [
      'with a repair',
      someFacts({
        request: aRequest({ trust: 'repair' }),
        repairableRoleArns: [ROLE],
        roles: { [ROLE]: { trustPolicy: parseTrust(policyText(irsaStatement)) } },
      }),
    ],
    [
      'with odd text',
      someFacts({
        addon: anAddon({ configurationValues: '"\u2028 \u0000 {% $x %} 日本', tags: { 'ü ': '' } }),
        roles: { [ROLE]: { trustPolicy: parseTrust(bothWays) } },
      }),
    ],
    [
      'with nothing to do',
      someFacts({ addon: anAddon({ serviceAccountRoleArn: undefined, podIdentityAssociations: [addonArn(1)] }) }),
    ],
  ])('%s comes out the same after the ledger, and after JSON', async (_, facts) => {
    const { ledger } = await open();
    const plan = planMigration(facts);
    await ledger.putMigration(aMigration({ request: facts.request, plan: undefined }));
    await ledger.recordPlan(MIGRATION_ID, plan);
    const { plan: stored, request } = (await ledger.getMigration(MIGRATION_ID))!;
    expect(hashOf(stored!, request)).toBe(plan.hash);
    const [again, asked] = JSON.parse(JSON.stringify([plan, facts.request])) as [typeof plan, typeof request];
    expect(hashOf(again, asked)).toBe(plan.hash);
  });
});
