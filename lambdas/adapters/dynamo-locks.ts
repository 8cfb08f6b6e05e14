/**
 * The ledger's locks. Each is an item `LOCK#<key>`/`LOCK` that is never deleted, because its fence must never restart.
 * While it is held and not parked, it has `held` = LOCK, the partition key of the sparse index `HeldLocks` (sort key
 * `pk`, all attributes). `owner` holds it exclusively. If `shared` lists several holders, `owner` is one of them, so
 * that releases without shared locks consider the lock held. Every change is a single conditional write: the condition
 * requires the owner, or for a shared lock, that the item is unchanged since it was read.
 */
import { z } from 'zod';
import { MigrationError } from '../domain/failures/errors.ts';
import {
  eachHolder,
  takeAlone,
  takeOverShare,
  takeShared,
  type Taking,
  withoutSharer,
} from '../domain/migration/locks.ts';
import type { Ledger, Lock, LockHolder, LockMode, LockResult } from '../ports/ledger.ts';
import { isConditionFailed, type DynamoTable, type Key } from './dynamo-table.ts';
import { HELD_LOCKS } from './indexes.ts';
import { stored } from './stored.ts';

const PREFIX = 'LOCK#';
/** Number of writes that may fail because of concurrent changes before the caller must retry later. */
const MOST_TRIES = 10;

const holder = z.object({ migrationId: z.string(), executionArn: z.string(), since: z.string() });
const lockItem = z.object({
  pk: z.string().startsWith(PREFIX),
  fence: z.number().int(),
  owner: holder.optional(),
  shared: z.array(holder).min(1).optional(),
  wish: holder.extend({ until: z.string() }).optional(),
});

const itemOf = (key: string): Key => ({ pk: `${PREFIX}${key}`, sk: 'LOCK' });

const lockOf = ({ pk, fence, owner, shared, wish }: z.output<typeof lockItem>): Lock => ({
  key: pk.slice(PREFIX.length),
  fence,
  ...(owner ? { holder: owner } : {}),
  ...(shared ? { shared } : {}),
  ...(wish ? { wish } : {}),
});
const toLock = (item: unknown): Lock => lockOf(stored('a lock', lockItem, item));

const changedHands = (key: string, cause?: unknown): MigrationError =>
  new MigrationError('Busy', `The lock ${key} was changed concurrently. Try again in a few seconds.`, { cause });

type Locks = Pick<
  Ledger,
  'acquireLock' | 'takeOverLock' | 'assertLock' | 'releaseLock' | 'parkLock' | 'readLock' | 'listHeldLocks'
>;

export class DynamoLocks implements Locks {
  protected readonly table: DynamoTable;

  constructor(table: DynamoTable) {
    this.table = table;
  }

  async acquireLock(key: string, owner: LockHolder, mode: LockMode = 'exclusive'): Promise<LockResult> {
    // The lock is usually free, and a single write acquires it.
    return mode === 'exclusive'
      ? this.pass(key, owner, 'attribute_not_exists(#owner)', {}, (lock) => takeAlone(lock, owner))
      : this.decide(key, (lock) => takeShared(lock, owner));
  }

  takeOverLock(key: string, from: { executionArn: string; fence: number }, owner: LockHolder): Promise<LockResult> {
    return this.pass(
      key,
      owner,
      '#owner.executionArn = :from AND fence = :fence AND attribute_not_exists(#shared)',
      { ':from': from.executionArn, ':fence': from.fence },
      (lock) => {
        const taking = takeOverShare(lock, from.executionArn, owner);
        if (taking) return taking;
        throw changedHands(key);
      },
    );
  }

  /**
   * Acquires the lock exclusively if the condition holds, and returns its fence, or otherwise the holder. `ofShared`
   * decides if the lock is shared.
   */
  private async pass(
    key: string,
    owner: LockHolder,
    condition: string,
    values: Record<string, string | number>,
    ofShared: (lock: Lock) => Taking,
  ): Promise<LockResult> {
    try {
      const after = await this.table.update(itemOf(key), {
        UpdateExpression: 'SET #owner = :owner, held = :held REMOVE wish ADD fence :one',
        ConditionExpression: condition,
        ExpressionAttributeNames: {
          '#owner': 'owner',
          ...(condition.includes('#shared') ? { '#shared': 'shared' } : {}),
        },
        ExpressionAttributeValues: { ':owner': owner, ':held': 'LOCK', ':one': 1, ...values },
        ReturnValues: 'ALL_NEW',
      });
      return { acquired: true, fence: toLock(after).fence };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const lock = await this.readLock(key);
      // The lock was released after the refusal; the next try will acquire it.
      if (!lock?.holder) throw changedHands(key, error);
      if (lock.shared) return this.decide(key, ofShared);
      // This execution already holds the lock: the response to an earlier try was lost.
      return lock.holder.executionArn === owner.executionArn
        ? { acquired: true, fence: lock.fence }
        : { acquired: false, holder: lock.holder };
    }
  }

  /** Reads the lock, decides, and writes, until there was no concurrent change in between. */
  private async decide(key: string, decision: (lock: Lock) => Taking): Promise<LockResult> {
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const lock = (await this.readLock(key)) ?? { key, fence: 0 };
      const taking = decision(lock);
      if (taking.do === 'has') return { acquired: true, fence: taking.fence };
      const { next } = taking;
      if (next && !(await this.replace(lock, next))) continue;
      return taking.do === 'take'
        ? { acquired: true, fence: taking.next.fence }
        : { acquired: false, holder: taking.holder };
    }
    throw changedHands(key);
  }

  /**
   * Returns false if the lock was changed in the meantime. Each write except for the release of an exclusive lock
   * changes the fence.
   */
  private async replace(before: Lock, next: Lock): Promise<boolean> {
    const { holder: owner, shared, wish, fence } = next;
    const parts = { '#owner': owner, '#held': owner && 'LOCK', '#shared': shared, '#wish': wish };
    const names = Object.keys(parts) as (keyof typeof parts)[];
    const set = names.filter((name) => parts[name] !== undefined);
    const removed = names.filter((name) => parts[name] === undefined);
    const asBefore = before.fence === 0 ? 'attribute_not_exists(fence)' : 'fence = :before';
    try {
      await this.table.update(itemOf(before.key), {
        UpdateExpression: `SET fence = :fence${set.map((name) => `, ${name} = :${name.slice(1)}`).join('')}${removed.length > 0 ? ` REMOVE ${removed.join(', ')}` : ''}`,
        ConditionExpression: `${asBefore} AND ${before.holder ? 'attribute_exists' : 'attribute_not_exists'}(#owner)`,
        ExpressionAttributeNames: Object.fromEntries(names.map((name) => [name, name.slice(1)])),
        ExpressionAttributeValues: {
          ':fence': fence,
          ...(before.fence === 0 ? {} : { ':before': before.fence }),
          ...Object.fromEntries(set.map((name) => [`:${name.slice(1)}`, parts[name]])),
        },
      });
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async assertLock(key: string, migrationId: string, fence: number): Promise<void> {
    const lock = await this.readLock(key);
    if (lock?.holder?.migrationId === migrationId && lock.fence === fence && !lock.shared) return;
    const now = lock?.holder
      ? `migration ${lock.holder.migrationId} (fence ${lock.fence}) since ${lock.holder.since}`
      : 'nobody';
    throw new MigrationError(
      'LockLost',
      `The lock ${key} is no longer held by migration ${migrationId} (fence ${fence}) but by ${now}. Nothing more is changed.`,
    );
  }

  async releaseLock(key: string, executionArn: string): Promise<void> {
    if (await this.removeWhereHeld(key, executionArn, '#owner, held')) return;
    const { pk, sk } = itemOf(key);
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      // With a query, because some callers only have the right to query.
      const [item] = await this.table.under(pk, sk);
      const lock = item && toLock(item);
      const next = lock && withoutSharer(lock, executionArn);
      if (!next || (await this.replace(lock, next))) return;
    }
    throw changedHands(key);
  }

  async parkLock(key: string, executionArn: string): Promise<void> {
    await this.removeWhereHeld(key, executionArn, 'held');
  }

  /** Changes a lock that this execution holds exclusively. Returns false if it does not hold it. */
  private async removeWhereHeld(key: string, executionArn: string, attributes: string): Promise<boolean> {
    try {
      await this.table.update(itemOf(key), {
        UpdateExpression: `REMOVE ${attributes}`,
        ConditionExpression: '#owner.executionArn = :me AND attribute_not_exists(#shared)',
        ExpressionAttributeNames: { '#owner': 'owner', '#shared': 'shared' },
        ExpressionAttributeValues: { ':me': executionArn },
      });
      return true;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return false;
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
    // An item that this service did not write must not hide the others: it is listed without a holder.
    return items.flatMap((item) => {
      const { data } = lockItem.safeParse(item);
      return data ? eachHolder(lockOf(data)) : [{ key: String(item['pk']).slice(PREFIX.length), fence: 0 }];
    });
  }
}
