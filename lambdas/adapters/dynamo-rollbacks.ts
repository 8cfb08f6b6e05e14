/**
 * The rollback of a migration, `rollback` of its record. Each change is one conditional write: the status and the
 * rollback must still be as they were read. While it is requested and not begun, the record carries `held` = ROLLBACK,
 * so that the index `HeldLocks` lists it: whoever accepted it may have stopped before its execution was started.
 */
import type { Migration } from '../domain/migration/model.ts';
import { requestedRollback, type Rollback, type RollbackStanding } from '../domain/rollback/rollback.ts';
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
    // What it has waited for so far has no bearing on what it waits for now.
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

  /** Ids of migrations with an item that has that `held`, in the index of held locks. */
  protected async listRequested(held: string): Promise<string[]> {
    const items = await this.table.query(`${HELD_LOCKS} ${held}`, {
      IndexName: HELD_LOCKS,
      KeyConditionExpression: 'held = :held',
      ExpressionAttributeValues: { ':held': held },
    });
    return items.flatMap(({ migrationId }) => (typeof migrationId === 'string' ? [migrationId] : []));
  }
}
