/**
 * What a migration waits for, `waitingFor` of its record, and the slots of migrations that wait before they begin:
 * items `SLOT#<number>` of the partition `WAITING#DEPLOYMENT`, and of a partition for each principal. A scope with a
 * cap of n has the slots 0 to n - 1. Each is taken by a single conditional write, so that concurrent requests cannot
 * exceed the cap. A slot counts until `expires`, which is also the table's time to live.
 */
import { z } from 'zod';
import { type OutboxEvent } from '../domain/events/outbox-events.ts';
import type { Status } from '../domain/terms/outcome.ts';
import {
  type SlotResult,
  type WaitingCaps,
  type WaitingMigration,
  LONGEST_WAIT_MS,
} from '../domain/waiting/waiting.ts';
import type { NotedWait } from '../domain/waiting/waiting-for.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import { DynamoLists } from './dynamo-lists.ts';
import { withOutboxEvents, UNSENT } from './dynamo-outbox.ts';
import { isConditionFailed, itemOf, type Item } from './dynamo-table.ts';

const DEPLOYMENT = 'WAITING#DEPLOYMENT';
const scopeOf = (principal: string): string => `WAITING#PRINCIPAL#${principal}`;
const SLOT = 'SLOT#';
const sortKey = (slot: number): string => `${SLOT}${String(slot).padStart(4, '0')}`;

const slotItem = z.object({
  sk: z.string(),
  expires: z.number(),
  waiter: z.object({ migrationId: z.string(), principal: z.string(), subject: z.string(), since: z.string() }),
});
type TakenSlot = z.output<typeof slotItem>;

/** Number of slots that may be lost to concurrent requests before the caller must retry later. */
const MOST_TRIES = 20;

/** Spreads simultaneous requests over the free slots. */
const spreadOf = (migrationId: string): number =>
  Array.from(migrationId).reduce((sum, character) => (sum * 31 + character.charCodeAt(0)) % 1_000_003, 7);

export class DynamoWaiting extends DynamoLists {
  async noteWait(migrationId: string, wait: NotedWait, events: OutboxEvent[]): Promise<void> {
    const change = {
      UpdateExpression: 'SET waitingFor = :wait',
      ExpressionAttributeValues: { ':wait': wait, ':ended': 'ended' satisfies Status },
    };
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        ...withOutboxEvents(change, ...events),
        ConditionExpression: 'attribute_exists(pk) AND #status <> :ended',
        ExpressionAttributeNames: { '#status': 'status' },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async endWait(migrationId: string, { what, since }: NotedWait, events: OutboxEvent[]): Promise<void> {
    const tells = events.length > 0;
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        UpdateExpression: tells ? 'SET pending = :unsent REMOVE waitingFor ADD outbox :events' : 'REMOVE waitingFor',
        ConditionExpression: 'waitingFor.#what = :what AND waitingFor.#since = :since',
        ExpressionAttributeNames: { '#what': 'what', '#since': 'since' },
        ExpressionAttributeValues: {
          ':what': what,
          ':since': since,
          ...(tells ? { ':unsent': UNSENT, ':events': new Set(events) } : {}),
        },
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async takeWaitingSlot(waiter: WaitingMigration, caps: WaitingCaps): Promise<SlotResult> {
    // The deployment's slot first, so that `listWaiting` finds a migration that failed after it.
    const ofDeployment = await this.takeIn(DEPLOYMENT, caps.perDeployment, waiter);
    if (ofDeployment !== undefined) return { taken: false, full: 'deployment', waiting: ofDeployment };
    const ofPrincipal = await this.takeIn(scopeOf(waiter.principal), caps.perPrincipal, waiter);
    if (ofPrincipal === undefined) return { taken: true };
    await this.free(DEPLOYMENT, waiter.migrationId);
    return { taken: false, full: 'principal', waiting: ofPrincipal };
  }

  async freeWaitingSlots(migrationId: string, principal: string): Promise<void> {
    // The deployment's slot is taken first and freed last: a migration without it has no other slot.
    const waits = (await this.listWaiting()).some((one) => one.migrationId === migrationId);
    if (!waits) return;
    await this.free(scopeOf(principal), migrationId);
    await this.free(DEPLOYMENT, migrationId);
  }

  async listWaiting(): Promise<WaitingMigration[]> {
    return (await this.slotsOf(DEPLOYMENT)).map(({ waiter }) => waiter);
  }

  /** Takes a slot. Returns undefined if the migration has one now, and otherwise the number of slots taken. */
  private async takeIn(scope: string, cap: number, waiter: WaitingMigration): Promise<number | undefined> {
    const now = Date.parse(waiter.since) / 1000;
    for (let tries = 0; tries < MOST_TRIES; tries += 1) {
      const taken = (await this.slotsOf(scope)).filter(({ expires }) => expires > now);
      if (taken.some((one) => one.waiter.migrationId === waiter.migrationId)) return undefined;
      if (taken.length >= cap) return taken.length;
      const used = new Set(taken.map(({ sk }) => sk));
      const free = Array.from({ length: cap }, (_, slot) => sortKey(slot)).filter((sk) => !used.has(sk));
      const sk = free[(spreadOf(waiter.migrationId) + tries) % free.length];
      // After the cap was lowered, slots above it may still be taken.
      if (sk === undefined) return taken.length;
      if (await this.takeSlot({ pk: scope, sk }, waiter, now)) return undefined;
    }
    throw new MigrationError(
      'Busy',
      `Too many migrations began to wait at the same time, and migration ${waiter.migrationId} got no slot. Nothing was changed. Try again in a few seconds.`,
    );
  }

  private async takeSlot(key: { pk: string; sk: string }, waiter: WaitingMigration, now: number): Promise<boolean> {
    try {
      await this.table.update(key, {
        UpdateExpression: 'SET waiter = :waiter, expires = :expires',
        ConditionExpression: 'attribute_not_exists(waiter) OR expires <= :now',
        ExpressionAttributeValues: {
          ':waiter': waiter,
          ':expires': Math.ceil(now + LONGEST_WAIT_MS / 1000),
          ':now': now,
        },
      });
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  private async free(scope: string, migrationId: string): Promise<void> {
    for (const { sk, waiter } of await this.slotsOf(scope)) {
      if (waiter.migrationId !== migrationId) continue;
      try {
        // The item is deleted when it expires.
        await this.table.update(
          { pk: scope, sk },
          {
            UpdateExpression: 'REMOVE waiter',
            ConditionExpression: 'waiter.migrationId = :id',
            ExpressionAttributeValues: { ':id': migrationId },
          },
        );
      } catch (error) {
        if (!isConditionFailed(error)) throw error;
      }
    }
  }

  /** Returns the slots that are taken. Items that this service did not write are ignored. */
  private async slotsOf(scope: string): Promise<TakenSlot[]> {
    return (await this.table.under(scope, SLOT)).flatMap((item: Item) => {
      const { data } = slotItem.safeParse(item);
      return data ? [data] : [];
    });
  }
}
