/**
 * The outbox events of a migration: the set `outbox` of its record. The write that changes the record also adds the
 * event, so that neither exists without the other. While there are events, `pending` puts the record into an index.
 */
import { z } from 'zod';
import { outboxEvent, type OutboxEvent } from '../domain/events/outbox-events.ts';
import { migrationId as migrationIdSchema } from '../domain/text/names.ts';
import { DynamoApprovals, pendingOf } from './dynamo-approvals.ts';
import { type DynamoTable, isConditionFailed, itemOf, type Key } from './dynamo-table.ts';
import { PENDING } from './indexes.ts';

const RECORD = 'RECORD';
/** Value of `pending` for a record with unsent events. */
export const UNSENT = 'EVENT';

/** Key of the item with the position at which the next run continues. */
const MARK: Key = { pk: 'OUTBOX', sk: 'MARK' };
const mark = z.object({ after: migrationIdSchema.optional() });
/** Number of records in a page. */
const UNSENT_PAGE = 200;

interface Change {
  UpdateExpression: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues?: Record<string, unknown>;
}

/** Extends an update of a record, whose expression begins with SET, by adding outbox events. */
export const withOutboxEvents = (change: Change, ...events: OutboxEvent[]): Change =>
  events.length === 0
    ? change
    : {
        ...change,
        UpdateExpression: `${change.UpdateExpression}, pending = :unsent ADD outbox :events`,
        ExpressionAttributeValues: {
          ...change.ExpressionAttributeValues,
          ':unsent': UNSENT,
          ':events': new Set(events),
        },
      };

export class DynamoOutbox extends DynamoApprovals {
  async addOutboxEvent(migrationId: string, event: OutboxEvent): Promise<void> {
    await this.table.update(itemOf(migrationId, RECORD), {
      UpdateExpression: 'SET pending = :unsent ADD outbox :events',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':unsent': UNSENT, ':events': new Set([event]) },
    });
  }

  async unsent(migrationId: string): Promise<OutboxEvent[]> {
    const outbox = (await this.table.get(itemOf(migrationId, RECORD)))?.['outbox'];
    if (!(outbox instanceof Set)) return [];
    // Events that this version does not know are left for the version that wrote them.
    return [...outbox]
      .flatMap((events) => (outboxEvent.safeParse(events).success ? [events as OutboxEvent] : []))
      .sort();
  }

  async listUnsent(after?: string): Promise<string[]> {
    const { items } = await this.table.page(PENDING, {
      ...pendingOf(UNSENT),
      Limit: UNSENT_PAGE,
      ...(after === undefined ? {} : { ExclusiveStartKey: { ...itemOf(after, RECORD), pending: UNSENT } }),
    });
    return items.map((item) => String(item['pk']).slice('MIGRATION#'.length));
  }

  async unsentMark(): Promise<string | undefined> {
    const { data } = mark.safeParse(await this.table.get(MARK));
    return data?.after;
  }

  async setUnsentMark(migrationId: string | undefined): Promise<void> {
    await this.table.update(MARK, {
      UpdateExpression: migrationId === undefined ? 'REMOVE #after' : 'SET #after = :id',
      ExpressionAttributeNames: { '#after': 'after' },
      ...(migrationId === undefined ? {} : { ExpressionAttributeValues: { ':id': migrationId } }),
    });
  }

  async markSent(migrationId: string, events: OutboxEvent[]): Promise<void> {
    const key = itemOf(migrationId, RECORD);
    if (events.length > 0)
      await this.updateWhere(key, {
        UpdateExpression: 'DELETE outbox :events',
        ConditionExpression: 'attribute_exists(outbox)',
        ExpressionAttributeValues: { ':events': new Set(events) },
      });
    // Unless another event was added since.
    await this.updateWhere(key, {
      UpdateExpression: 'REMOVE pending',
      ConditionExpression: 'attribute_exists(pk) AND attribute_not_exists(outbox)',
    });
  }

  /** Updates a record, or does nothing if the condition does not hold. */
  private async updateWhere(key: Key, change: Parameters<DynamoTable['update']>[1]): Promise<void> {
    try {
      await this.table.update(key, change);
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }
}
