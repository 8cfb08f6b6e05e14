/**
 * The ledger's locks. One item each, `LOCK#<key>`/`LOCK`, that is never deleted: its fence must never start again.
 * While it is held, and not parked, it carries `held` = LOCK, the partition key of the sparse index `HeldLocks` (sort
 * key `pk`, all attributes). Every change is one conditional write: the condition says whose lock it must be.
 */
import { z } from 'zod';
import { MigrationError } from '../domain/errors.ts';
import type { Ledger, Lock, LockHolder, LockResult } from '../ports/ledger.ts';
import { isConditionFailed, type DynamoTable, type Key } from './dynamo-table.ts';
import { HELD_LOCKS } from './indexes.ts';
import { stored } from './stored.ts';

const PREFIX = 'LOCK#';

const lockItem = z.object({
  pk: z.string().startsWith(PREFIX),
  fence: z.number().int(),
  owner: z.object({ migrationId: z.string(), executionArn: z.string(), since: z.string() }).optional(),
});

const itemOf = (key: string): Key => ({ pk: `${PREFIX}${key}`, sk: 'LOCK' });

const lockOf = ({ pk, fence, owner }: z.output<typeof lockItem>): Lock => ({
  key: pk.slice(PREFIX.length),
  fence,
  ...(owner ? { holder: owner } : {}),
});
const toLock = (item: unknown): Lock => lockOf(stored('a lock', lockItem, item));

type Locks = Pick<
  Ledger,
  'acquireLock' | 'takeOverLock' | 'assertLock' | 'releaseLock' | 'parkLock' | 'readLock' | 'listHeldLocks'
>;

export class DynamoLocks implements Locks {
  protected readonly table: DynamoTable;

  constructor(table: DynamoTable) {
    this.table = table;
  }

  acquireLock(key: string, owner: LockHolder): Promise<LockResult> {
    return this.pass(key, owner, 'attribute_not_exists(#owner)');
  }

  takeOverLock(key: string, from: { executionArn: string; fence: number }, owner: LockHolder): Promise<LockResult> {
    return this.pass(key, owner, '#owner.executionArn = :from AND fence = :fence', {
      ':from': from.executionArn,
      ':fence': from.fence,
    });
  }

  /** Gives the lock to that owner where the condition holds, and answers under which fence, or who has it instead. */
  private async pass(
    key: string,
    owner: LockHolder,
    condition: string,
    values: Record<string, string | number> = {},
  ): Promise<LockResult> {
    try {
      const after = await this.table.update(itemOf(key), {
        UpdateExpression: 'SET #owner = :owner, held = :held ADD fence :one',
        ConditionExpression: condition,
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':owner': owner, ':held': 'LOCK', ':one': 1, ...values },
        ReturnValues: 'ALL_NEW',
      });
      return { acquired: true, fence: toLock(after).fence };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const lock = await this.readLock(key);
      // Let go between the refusal and this look: the next try will get it.
      if (!lock?.holder) throw new MigrationError('Busy', `The lock ${key} changed hands just now.`, { cause: error });
      // Its own already: the reply to an earlier try was lost.
      return lock.holder.executionArn === owner.executionArn
        ? { acquired: true, fence: lock.fence }
        : { acquired: false, holder: lock.holder };
    }
  }

  async assertLock(key: string, migrationId: string, fence: number): Promise<void> {
    const lock = await this.readLock(key);
    if (lock?.holder?.migrationId === migrationId && lock.fence === fence) return;
    const now = lock?.holder
      ? `migration ${lock.holder.migrationId} (fence ${lock.fence}) since ${lock.holder.since}`
      : 'nobody';
    throw new MigrationError(
      'LockLost',
      `The lock ${key} is no longer held by migration ${migrationId} (fence ${fence}) but by ${now}; nothing more is changed.`,
    );
  }

  releaseLock(key: string, executionArn: string): Promise<void> {
    return this.removeWhereHeld(key, executionArn, '#owner, held');
  }

  parkLock(key: string, executionArn: string): Promise<void> {
    return this.removeWhereHeld(key, executionArn, 'held');
  }

  private async removeWhereHeld(key: string, executionArn: string, attributes: string): Promise<void> {
    try {
      await this.table.update(itemOf(key), {
        UpdateExpression: `REMOVE ${attributes}`,
        ConditionExpression: '#owner.executionArn = :me',
        ExpressionAttributeNames: { '#owner': 'owner' },
        ExpressionAttributeValues: { ':me': executionArn },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async readLock(key: string): Promise<Lock | undefined> {
    const item = await this.table.get(itemOf(key));
    return item && toLock(item);
  }

  async listHeldLocks(): Promise<Lock[]> {
    const items = await this.table.query(HELD_LOCKS, {
      IndexName: HELD_LOCKS,
      KeyConditionExpression: 'held = :held',
      ExpressionAttributeValues: { ':held': 'LOCK' },
    });
    // One that somebody else wrote must not keep the others from being looked after: it is listed as held by nobody.
    return items.map((item) => {
      const { data } = lockItem.safeParse(item);
      return data ? lockOf(data) : { key: String(item['pk']).slice(PREFIX.length), fence: 0 };
    });
  }
}
