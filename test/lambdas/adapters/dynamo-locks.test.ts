/** The locks' promises, held by DynamoDB (in process) and by the fake that the steps' tests use. */
import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { beforeEach, describe, expect, it } from 'vitest';
import { createDynamoLedger } from '../../../lambdas/adapters/dynamo-ledger.ts';
import type { Ledger, LockHolder } from '../../../lambdas/ports/ledger.ts';
import {
  ADDON_LOCK as KEY,
  at,
  EXECUTION,
  executionArn,
  MIGRATION_ID,
  OTHER_EXECUTION,
  RECOVERY_EXECUTION,
  ROLE_LOCK,
  ownHolder,
  otherHolder,
} from '../fixtures.ts';
import { expectError } from '../matchers.ts';
import { LEDGERS, newDynamoDb, TABLE } from './ledgers.ts';

const ME: LockHolder = ownHolder(at(0));
/** What ME has of the first lock. */
const MINE = { executionArn: EXECUTION, fence: 1 };
const OTHER: LockHolder = otherHolder(at(5));
/** Takes over what ME left. */
const RECOVERY: LockHolder = { migrationId: MIGRATION_ID, executionArn: RECOVERY_EXECUTION, since: at(600) };

describe.each(LEDGERS)('a lock of the ledger on %s', (_, open) => {
  let ledger: Ledger;
  beforeEach(async () => void (ledger = await open()));

  describe('taken', () => {
    it('is held by one execution until that lets go', async () => {
      expect(await ledger.acquireLock(KEY, ME)).toEqual({ acquired: true, fence: 1 });
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: false, holder: ME });
      await ledger.releaseLock(KEY, OTHER_EXECUTION);
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: false, holder: ME });
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: true, fence: 2 });
    });
    it('is answered again to its own execution, under the fence that it has', async () => {
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.acquireLock(KEY, { ...ME, since: at(9) })).toEqual({ acquired: true, fence: 1 });
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 1, holder: ME });
    });
    it('is refused to another execution of the same migration', async () => {
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.acquireLock(KEY, RECOVERY)).toEqual({ acquired: false, holder: ME });
    });
    it('has a fence that grows for ever, over every release', async () => {
      for (let fence = 1; fence <= 6; fence += 1) {
        const who = fence % 2 ? ME : OTHER;
        expect(await ledger.acquireLock(KEY, who)).toEqual({ acquired: true, fence });
        await ledger.releaseLock(KEY, who.executionArn);
      }
    });
    it('is one for each key', async () => {
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.acquireLock(ROLE_LOCK, OTHER)).toEqual({ acquired: true, fence: 1 });
    });
    it('goes to one of many who ask at once', async () => {
      const asking = ['a', 'b', 'c', 'd'].map((name) => ({ ...ME, executionArn: executionArn(name) }));
      const asked = await Promise.all(asking.map((who) => ledger.acquireLock(KEY, who)));
      expect(asked.filter((one) => one.acquired)).toEqual([{ acquired: true, fence: 1 }]);
    });
    it('is released as often as one likes, also before it was ever taken', async () => {
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await ledger.readLock(KEY)).toBeUndefined();
      await ledger.acquireLock(KEY, ME);
      await ledger.releaseLock(KEY, EXECUTION);
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: true, fence: 2 });
    });
  });

  describe('taken over', () => {
    beforeEach(async () => {
      await ledger.acquireLock(KEY, ME);
    });

    it('passes on under the next fence, and the one before has lost it', async () => {
      expect(await ledger.takeOverLock(KEY, MINE, RECOVERY)).toEqual({ acquired: true, fence: 2 });
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 2, holder: RECOVERY });
      await expectError(ledger.assertLock(KEY, MIGRATION_ID, 1), 'LockLost');
      await ledger.assertLock(KEY, MIGRATION_ID, 2);
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await ledger.readLock(KEY)).toMatchObject({ holder: RECOVERY });
    });
    it('is answered again to who took it over, after a lost reply', async () => {
      await ledger.takeOverLock(KEY, MINE, RECOVERY);
      expect(await ledger.takeOverLock(KEY, MINE, RECOVERY)).toEqual({ acquired: true, fence: 2 });
    });
    it.each([
      ['another execution', { executionArn: OTHER_EXECUTION, fence: 1 }],
      ['another fence', { executionArn: EXECUTION, fence: 2 }],
    ])('stays where it is when it was expected under %s', async (__, from) => {
      expect(await ledger.takeOverLock(KEY, from, RECOVERY)).toEqual({ acquired: false, holder: ME });
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 1, holder: ME });
    });
    it('comes again when it was let go meanwhile', async () => {
      await ledger.releaseLock(KEY, EXECUTION);
      await expectError(ledger.takeOverLock(KEY, MINE, RECOVERY), 'Busy');
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 1 });
    });
    it('goes to one of two who ask at once', async () => {
      const asked = await Promise.all(
        [RECOVERY, { ...RECOVERY, executionArn: executionArn('second', 'Recover') }].map((who) =>
          ledger.takeOverLock(KEY, MINE, who),
        ),
      );
      expect(asked.filter((one) => one.acquired)).toEqual([{ acquired: true, fence: 2 }]);
    });
  });

  describe('shared', () => {
    const share = (who: LockHolder) => ledger.acquireLock(KEY, who, 'shared');
    const alone = (who: LockHolder) => ledger.acquireLock(KEY, who, 'exclusive');
    const sharers = async (): Promise<string[]> =>
      ((await ledger.readLock(KEY))?.shared ?? []).map(({ executionArn: arn }) => arn).sort();

    it('is held by several, each of which lets go for itself', async () => {
      expect([await share(ME), await share(OTHER)]).toMatchObject([{ acquired: true }, { acquired: true }]);
      expect([await share(ME), await alone(RECOVERY)]).toMatchObject([{ acquired: true }, { acquired: false }]);
      await ledger.releaseLock(KEY, EXECUTION);
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await sharers()).toEqual([OTHER_EXECUTION]);
      await ledger.releaseLock(KEY, OTHER_EXECUTION);
      expect(await alone(RECOVERY)).toMatchObject({ acquired: true });
    });
    it('is held by all of many who ask at once, or who can ask again', async () => {
      const asking = Array.from({ length: 8 }, (__, index) => ({
        migrationId: `m${index}`,
        executionArn: executionArn(`m${index}`),
        since: at(0),
      }));
      await Promise.all(asking.map((who) => share(who).catch(() => undefined)));
      for (const who of asking) expect(await share(who)).toMatchObject({ acquired: true });
      expect(await sharers()).toEqual(asking.map((who) => who.executionArn).sort());
      await Promise.all(asking.map((who) => ledger.releaseLock(KEY, who.executionArn).catch(() => undefined)));
      for (const who of asking) await ledger.releaseLock(KEY, who.executionArn);
      expect([await sharers(), await ledger.listHeldLocks()]).toEqual([[], []]);
    });
    it('is listed once for each that shares it', async () => {
      await share(ME);
      await share(OTHER);
      const listed = (await ledger.listHeldLocks()).map(({ holder }) => holder?.executionArn ?? '');
      expect(listed.sort()).toEqual([EXECUTION, OTHER_EXECUTION].sort());
    });
    it('is refused to new holders while another waits for exclusive access, until that request expires', async () => {
      await share(ME);
      expect(await alone(OTHER)).toEqual({ acquired: false, holder: ME });
      expect(await share({ ...RECOVERY, since: at(30) })).toMatchObject({ acquired: false });
      expect(await share({ ...RECOVERY, since: at(600) })).toMatchObject({ acquired: true });
    });
    it('passes to who takes one share over, and the others keep theirs', async () => {
      await share(ME);
      await share(OTHER);
      expect(await ledger.takeOverLock(KEY, MINE, RECOVERY)).toMatchObject({ acquired: true });
      expect(await ledger.takeOverLock(KEY, MINE, RECOVERY)).toMatchObject({ acquired: true });
      expect(await sharers()).toEqual([OTHER_EXECUTION, RECOVERY_EXECUTION].sort());
      const second = { ...RECOVERY, executionArn: executionArn('second', 'Recover') };
      expect(await ledger.takeOverLock(KEY, MINE, second)).toEqual({ acquired: false, holder: RECOVERY });
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await sharers()).toHaveLength(2);
    });
    it('is neither asserted nor parked: that is for who has it alone', async () => {
      const taken = await share(ME);
      const fence = taken.acquired ? taken.fence : 0;
      await expectError(ledger.assertLock(KEY, MIGRATION_ID, fence), 'LockLost');
      await ledger.parkLock(KEY, EXECUTION);
      expect(await ledger.listHeldLocks()).toHaveLength(1);
    });
    it('is had alone by the last of those that shared it', async () => {
      await share(ME);
      expect(await alone(ME)).toMatchObject({ acquired: true });
      expect(await share(OTHER)).toEqual({ acquired: false, holder: ME });
    });
  });

  describe('asserted', () => {
    const lent = async () => (await ledger.acquireLock(KEY, OTHER), ledger.releaseLock(KEY, OTHER_EXECUTION));
    it.each<[string, () => Promise<unknown>]>([
      ['was never taken', async () => undefined],
      ['was let go', async () => (await ledger.acquireLock(KEY, ME), ledger.releaseLock(KEY, EXECUTION))],
      ["is another's", () => ledger.acquireLock(KEY, OTHER)],
      ["was another's meanwhile", async () => (await lent(), ledger.acquireLock(KEY, ME))],
    ])('is lost where it %s', async (__, prepare) => {
      await prepare();
      await expectError(ledger.assertLock(KEY, MIGRATION_ID, 1), 'LockLost', `${MIGRATION_ID} (fence 1)`);
    });
  });

  describe('read', () => {
    it('shows its holder, or that it is free; one that was never held is not there', async () => {
      expect(await ledger.readLock(KEY)).toBeUndefined();
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 1, holder: ME });
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await ledger.readLock(KEY)).toEqual({ key: KEY, fence: 1 });
    });
  });

  describe('listed', () => {
    const heldKeys = async (): Promise<string[]> => (await ledger.listHeldLocks()).map((lock) => lock.key);

    it('is there with fence and holder while it is held', async () => {
      expect(await ledger.listHeldLocks()).toEqual([]);
      await ledger.acquireLock(ROLE_LOCK, OTHER);
      await ledger.acquireLock(KEY, ME);
      expect(await ledger.listHeldLocks()).toEqual([
        { key: KEY, fence: 1, holder: ME },
        { key: ROLE_LOCK, fence: 1, holder: OTHER },
      ]);
      await ledger.releaseLock(KEY, EXECUTION);
      expect(await heldKeys()).toEqual([ROLE_LOCK]);
    });
    it('is not there while it is parked, though it stays held', async () => {
      await ledger.acquireLock(KEY, ME);
      await ledger.parkLock(KEY, EXECUTION);
      await ledger.parkLock(KEY, EXECUTION);
      expect([await heldKeys(), await ledger.readLock(KEY)]).toEqual([[], { key: KEY, fence: 1, holder: ME }]);
      expect(await ledger.acquireLock(KEY, OTHER)).toEqual({ acquired: false, holder: ME });
      await ledger.assertLock(KEY, MIGRATION_ID, 1);
    });
    it('is parked by its own execution alone, and only where it is held', async () => {
      await ledger.parkLock(KEY, EXECUTION);
      expect(await ledger.readLock(KEY)).toBeUndefined();
      await ledger.acquireLock(KEY, ME);
      await ledger.parkLock(KEY, OTHER_EXECUTION);
      expect(await heldKeys()).toEqual([KEY]);
    });
    it.each<[string, () => Promise<unknown>]>([
      ['taken over', () => ledger.takeOverLock(KEY, MINE, RECOVERY)],
      ['let go and taken', async () => (await ledger.releaseLock(KEY, EXECUTION), ledger.acquireLock(KEY, OTHER))],
    ])('is there again when it was parked and is %s', async (__, then) => {
      await ledger.acquireLock(KEY, ME);
      await ledger.parkLock(KEY, EXECUTION);
      await then();
      expect(await heldKeys()).toEqual([KEY]);
    });
    it('stays parked when its own execution asks for it again', async () => {
      await ledger.acquireLock(KEY, ME);
      await ledger.parkLock(KEY, EXECUTION);
      expect([await ledger.acquireLock(KEY, ME), await heldKeys()]).toEqual([{ acquired: true, fence: 1 }, []]);
    });
  });
});

/** The item of the lock. */
const item = async (client: Awaited<ReturnType<typeof newDynamoDb>>) => {
  const get = new GetCommand({ TableName: TABLE, Key: { pk: `LOCK#${KEY}`, sk: 'LOCK' } });
  return (await DynamoDBDocumentClient.from(client).send(get)).Item;
};

it('is one item that says by `held` whether the sparse index has it', async () => {
  const client = await newDynamoDb();
  const ledger = createDynamoLedger({ client, tableName: TABLE });
  const free = { pk: `LOCK#${KEY}`, sk: 'LOCK', fence: 1 };
  await ledger.acquireLock(KEY, ME);
  expect(await item(client)).toEqual({ ...free, owner: ME, held: 'LOCK' });
  await ledger.parkLock(KEY, EXECUTION);
  expect(await item(client)).toEqual({ ...free, owner: ME });
  await ledger.releaseLock(KEY, EXECUTION);
  expect(await item(client)).toEqual(free);
});

describe('a shared lock in DynamoDB', () => {
  it('looks held by one of its holders to a release that knows no shared locks, and never by one that has let go', async () => {
    const client = await newDynamoDb();
    const ledger = createDynamoLedger({ client, tableName: TABLE });
    await ledger.acquireLock(KEY, ME, 'shared');
    await ledger.acquireLock(KEY, OTHER, 'shared');
    expect(await item(client)).toMatchObject({ owner: ME, held: 'LOCK' });
    await ledger.releaseLock(KEY, EXECUTION);
    expect(await item(client)).toMatchObject({ owner: OTHER, held: 'LOCK' });
    await ledger.releaseLock(KEY, OTHER_EXECUTION);
    const { pk, sk, fence, ...rest } = (await item(client))!;
    expect([pk, sk, typeof fence, rest]).toEqual([`LOCK#${KEY}`, 'LOCK', 'number', {}]);
  });
});
