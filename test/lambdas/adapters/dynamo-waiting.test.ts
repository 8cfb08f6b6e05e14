/** The promises of the slots of migrations that wait, held by DynamoDB (in process) and by the fake of the steps' tests. */
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import { documentsOf } from '../../../lambdas/adapters/dynamo-table.ts';
import { LONGEST_WAIT_MS, type WaitingMigration } from '../../../lambdas/domain/waiting/waiting.ts';
import type { Ledger } from '../../../lambdas/ports/ledger.ts';
import { at } from '../fixtures.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';

const waiter = (migrationId: string, change: Partial<WaitingMigration> = {}): WaitingMigration => ({
  migrationId,
  principal: 'ann',
  subject: 'addon',
  since: at(0),
  ...change,
});
const CAPS = { perPrincipal: 3, perDeployment: 5 };
const taken = { taken: true };
const names = Array.from({ length: 40 }, (_, index) => `m${index}`);

describe.each(LEDGERS)('the slots of migrations that wait, on %s', (_, open) => {
  let ledger: Ledger;
  const take = (id: string, change: Partial<WaitingMigration> = {}, caps = CAPS) =>
    ledger.takeWaitingSlot(waiter(id, change), caps);
  const ids = async (): Promise<string[]> => (await ledger.listWaiting()).map(({ migrationId }) => migrationId).sort();
  beforeEach(async () => void (ledger = await open()));

  it('are as many as a principal may have, and as the deployment may have', async () => {
    for (const id of ['a', 'b', 'c']) expect(await take(id)).toEqual(taken);
    expect(await take('d')).toEqual({ taken: false, full: 'principal', waiting: 3 });
    for (const id of ['e', 'f']) expect(await take(id, { principal: 'bob' })).toEqual(taken);
    expect(await take('g', { principal: 'eve' })).toEqual({ taken: false, full: 'deployment', waiting: 5 });
    expect(await ids()).toEqual(['a', 'b', 'c', 'e', 'f']);
  });

  it('are never more, however many ask at once', async () => {
    const caps = { perPrincipal: 7, perDeployment: 10 };
    const asked = await Promise.all(
      names.map((id, index) =>
        take(id, { principal: index % 2 ? 'ann' : 'bob' }, caps).catch(() => ({ taken: false, full: 'busy' })),
      ),
    );
    expect(asked.filter((one) => one.taken).length).toBeLessThanOrEqual(10);
    // Each refused one can ask again; then they are full.
    for (const [index, id] of names.entries()) await take(id, { principal: index % 2 ? 'ann' : 'bob' }, caps);
    expect(await ids()).toHaveLength(10);
  });

  it('are kept by their holders, and count once', async () => {
    for (const id of ['a', 'a', 'b', 'a', 'c', 'c']) expect(await take(id)).toEqual(taken);
    expect([await ids(), await take('a', { since: at(60) })]).toEqual([['a', 'b', 'c'], taken]);
  });

  it('are free again once they are let go, as often as that is said', async () => {
    for (const id of ['a', 'b', 'c']) await take(id);
    await ledger.freeWaitingSlots('b', 'ann');
    await ledger.freeWaitingSlots('b', 'ann');
    await ledger.freeWaitingSlots('never', 'ann');
    expect([await ids(), await take('d')]).toEqual([['a', 'c'], taken]);
    expect(await take('e')).toMatchObject({ taken: false });
  });

  it('are free again when nothing can wait so long', async () => {
    for (const id of ['a', 'b', 'c']) await take(id);
    expect(await take('d', { since: at(LONGEST_WAIT_MS / 1000 - 1) })).toMatchObject({ taken: false });
    expect(await take('d', { since: at(LONGEST_WAIT_MS / 1000 + 1) })).toEqual(taken);
  });

  it('that are refused to a principal take none of the deployment', async () => {
    for (const id of ['a', 'b', 'c']) await take(id);
    for (const id of names) await take(id);
    expect(await take('bob-1', { principal: 'bob' })).toEqual(taken);
    expect(await take('bob-2', { principal: 'bob' })).toEqual(taken);
  });

  it('stay taken above a cap that was lowered', async () => {
    for (const id of ['a', 'b', 'c']) await take(id);
    expect(await take('d', { principal: 'bob' }, { perPrincipal: 1, perDeployment: 2 })).toMatchObject({ waiting: 3 });
    expect(await take('b', {}, { perPrincipal: 1, perDeployment: 2 })).toEqual(taken);
  });
});

it('a slot in DynamoDB counts for no migration if another program wrote it', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  const Item = { pk: 'WAITING#DEPLOYMENT', sk: 'SLOT#0000', waiter: 'me', expires: 'never' };
  await documentsOf(client).send(new PutCommand({ TableName: TABLE, Item }));
  expect(await ledger.listWaiting()).toEqual([]);
  // It delays a migration only by the time that it takes to try the next slot.
  expect(await ledger.takeWaitingSlot(waiter('a'), CAPS)).toEqual(taken);
});
