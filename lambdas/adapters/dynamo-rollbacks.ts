/**
 * The rollback of a migration, `rollback` of its record. Each change is a single conditional write: the status and the
 * rollback must be unchanged since they were read. While it is requested and has not begun, the record has `held` =
 * ROLLBACK, so that the index `HeldLocks` lists it: the caller that accepted it may have failed before it started the
 * execution.
 */
import type { Migration } from '../domain/record/migration.ts';
import { requestedRollback, type Rollback, type RollbackStanding } from '../domain/record/rollback.ts';
import { stillAs } from './dynamo-operations.ts';
import { isConditionFailed, itemOf, setting } from './dynamo-table.ts';
import { DynamoWaiting } from './dynamo-waiting.ts';
import { HELD_LOCKS } from './indexes.ts';

const REQUESTED = 'ROLLBACK';

export class DynamoRollbacks extends DynamoWaiting {
  async changeRollback(
    migrationId: string,
    before: RollbackStanding,
    after: RollbackStanding & { rollback: Rollback } & Partial<Migration>,
  ): Promise<boolean> {
    const isRequested = requestedRollback(after) !== undefined;
    const entries: [string, unknown][] = Object.entries(after).filter(([, value]) => value !== undefined);
    const change = setting(isRequested ? [...entries, ['held', REQUESTED]] : entries);
    const { condition, names, values } = stillAs('rollback', before.rollback);
    // The new phase starts without the previous wait.
    const removed = [...(isRequested ? [] : ['held']), ...(after.rollback.state === 'running' ? [] : ['waitingFor'])];
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        UpdateExpression: `${change.UpdateExpression} REMOVE ${removed.join(', ')}`,
        ConditionExpression: `#status = :status AND ${condition}`,
        ExpressionAttributeNames: { ...change.ExpressionAttributeNames, ...names, '#status': 'status' },
        ExpressionAttributeValues: { ...change.ExpressionAttributeValues, ...values, ':status': before.status },
      });
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  listRequestedRollbacks(): Promise<string[]> {
    return this.listRequested(REQUESTED);
  }

  /** Returns ids of migrations that have an item with the given `held` in the index of held locks. */
  protected async listRequested(held: string): Promise<string[]> {
    const items = await this.table.query(`${HELD_LOCKS} ${held}`, {
      IndexName: HELD_LOCKS,
      KeyConditionExpression: 'held = :held',
      ExpressionAttributeValues: { ':held': held },
    });
    return items.flatMap(({ migrationId }) => (typeof migrationId === 'string' ? [migrationId] : []));
  }
}
