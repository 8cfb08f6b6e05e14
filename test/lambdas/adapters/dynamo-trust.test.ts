/** What the ledger notes of trust policies, on DynamoDB (in process) and by the fake that the steps' tests use. */
import { DynamoDBDocumentClient, ScanCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { TrustChange, TrustRetirement } from '../../../lambdas/domain/terms/trust.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import {
  aMigration,
  at,
  bothWays,
  irsaStatement,
  MIGRATION_ID,
  OTHER_MIGRATION_ID,
  OTHER_ROLE,
  podIdentityStatement,
  policyText,
  ROLE,
} from '../fixtures.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';

const aChange = (change: Partial<TrustChange> = {}): TrustChange => ({
  roleArn: ROLE,
  before: policyText(irsaStatement),
  after: bothWays,
  statement: podIdentityStatement,
  notedAt: at(0),
  ...change,
});
const aRetirement = (change: Partial<TrustRetirement> = {}): TrustRetirement => ({
  roleArn: ROLE,
  before: bothWays,
  after: policyText(podIdentityStatement),
  removed: [{ statement: irsaStatement }, { statement: irsaStatement, kept: { ...irsaStatement, Sid: 'Kept' } }],
  notedAt: at(0),
  requestedBy: 'me',
  reason: 'soaked',
  ...change,
});

describe.each(LEDGERS)('the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => {
    ledger = await open();
    await ledger.putMigration(aMigration());
  });
  const noted = async () => (await ledger.getMigration(MIGRATION_ID))!;

  it('has changes and retirements in its record, whole, in the order in which they were noted', async () => {
    const [late, early] = [
      aChange({ notedAt: at(5) }),
      aChange({ roleArn: OTHER_ROLE, notedAt: at(1), writtenAt: at(2) }),
    ];
    for (const change of [late, early]) await ledger.recordTrustChange(MIGRATION_ID, change);
    await ledger.recordRetirement(MIGRATION_ID, aRetirement());
    expect(await noted()).toEqual(aMigration({ trustChanges: [early, late], retirements: [aRetirement()] }));
    expect((await ledger.getFile(MIGRATION_ID)).migration).toEqual(await noted());
    expect(await ledger.getMigration(OTHER_MIGRATION_ID)).toBeUndefined();
  });

  it.each([
    ['recordTrustChange', 'trustChanges', aChange],
    ['recordRetirement', 'retirements', aRetirement],
  ] as const)('%s keeps one for each role: what became of it replaces what was noted', async (record, kept, make) => {
    const steps = [make(), make(), make({ writtenAt: at(1) }), make({ writtenAt: at(1), undoneAt: at(9) })];
    for (const step of steps) {
      await ledger[record](MIGRATION_ID, step as TrustChange & TrustRetirement);
      expect((await noted())[kept]).toEqual([step]);
    }
    // Once more from the start, later.
    const again = make({ notedAt: at(20) });
    await ledger[record](MIGRATION_ID, again as TrustChange & TrustRetirement);
    expect((await noted())[kept]).toEqual([again]);
  });

  it.each([
    ['an earlier note', aChange({ notedAt: at(5) }), aChange({ notedAt: at(4), writtenAt: at(6) })],
    ['the note without what has become of it', aChange({ writtenAt: at(1) }), aChange()],
    ['the writing without the undoing', aChange({ writtenAt: at(1), undoneAt: at(2) }), aChange({ writtenAt: at(1) })],
  ])('a call that arrives late changes nothing: %s', async (_what, since, late) => {
    await ledger.recordTrustChange(MIGRATION_ID, since);
    await ledger.recordTrustChange(MIGRATION_ID, late);
    expect((await noted()).trustChanges).toEqual([since]);
  });

  it('keeps them when the record is put again or changed, with others or none in it', async () => {
    await ledger.recordTrustChange(MIGRATION_ID, aChange());
    await ledger.recordRetirement(MIGRATION_ID, aRetirement());
    await ledger.putMigration(aMigration({ startedAt: at(1), trustChanges: [aChange({ roleArn: OTHER_ROLE })] }));
    await ledger.updateMigration(MIGRATION_ID, { status: 'ended', trustChanges: [], retirements: [] });
    expect(await noted()).toMatchObject({
      startedAt: at(1),
      status: 'ended',
      trustChanges: [aChange()],
      retirements: [aRetirement()],
    });
  });
});

it('keeps them on DynamoDB as items of their own, by role, before those that a step does not read', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  await ledger.putMigration(aMigration());
  await ledger.recordTrustChange(MIGRATION_ID, aChange());
  await ledger.recordRetirement(MIGRATION_ID, aRetirement());
  const { Items: items = [] } = await DynamoDBDocumentClient.from(client).send(new ScanCommand({ TableName: TABLE }));
  expect(items.map((item) => String(item['sk'])).sort()).toEqual(['RECORD', `REPAIR#${ROLE}`, `RETIREMENT#${ROLE}`]);
  expect(items.find((item) => item['sk'] === 'RECORD')).not.toHaveProperty('trustChanges');
});
