/**
 * The rollback of a migration, `rollback` of its record. Each change is one conditional write: the status and the
 * rollback must still be as they were read. While it is requested and not begun, the record carries `held` = ROLLBACK,
 * so that the index `HeldLocks` lists it: whoever accepted it may have stopped before its execution was started.
 */
import type { Migration } from '../domain/model.ts';
import { requestedRollback, type Rollback, type RollbackStanding } from '../domain/rollback.ts';
import { isConditionFailed, itemOf, setting } from './dynamo-table.ts';
import { DynamoWaiting } from './dynamo-waiting.ts';
import { HELD_LOCKS } from './indexes.ts';

const REQUESTED = 'ROLLBACK';

/** What must be so for a change: names and values of `setting` begin with `n` and `v`. */
function stillAs({ status, rollback }: RollbackStanding): {
  ConditionExpression: string;
  names: Record<string, string>;
  values: Record<string, unknown>;
} {
  const names: Record<string, string> = { '#status': 'status', '#rollback': 'rollback' };
  const values: Record<string, unknown> = { ':status': status };
  const conditions = ['#status = :status'];
  if (!rollback) conditions.push('attribute_not_exists(#rollback)');
  else
    for (const name of ['id', 'state', 'executionArn'] as const) {
      names[`#${name}`] = name;
      if (rollback[name] === undefined) conditions.push(`attribute_not_exists(#rollback.#${name})`);
      else {
        conditions.push(`#rollback.#${name} = :${name}`);
        values[`:${name}`] = rollback[name];
      }
    }
  return { ConditionExpression: conditions.join(' AND '), names, values };
}

export class DynamoRollbacks extends DynamoWaiting {
  async changeRollback(
    migrationId: string,
    before: RollbackStanding,
    after: RollbackStanding & { rollback: Rollback } & Partial<Migration>,
  ): Promise<boolean> {
    const isRequested = requestedRollback(after) !== undefined;
    const entries: [string, unknown][] = Object.entries(after).filter(([, value]) => value !== undefined);
    const change = setting(isRequested ? [...entries, ['held', REQUESTED]] : entries);
    const { ConditionExpression, names, values } = stillAs(before);
    // What it has waited for so far has no bearing on what it waits for now.
    const removed = [...(isRequested ? [] : ['held']), ...(after.rollback.state === 'running' ? [] : ['waitingFor'])];
    try {
      await this.table.update(itemOf(migrationId, 'RECORD'), {
        UpdateExpression: `${change.UpdateExpression} REMOVE ${removed.join(', ')}`,
        ConditionExpression,
        ExpressionAttributeNames: { ...change.ExpressionAttributeNames, ...names },
        ExpressionAttributeValues: { ...change.ExpressionAttributeValues, ...values },
      });
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async listRequestedRollbacks(): Promise<string[]> {
    const items = await this.table.query(`${HELD_LOCKS} ${REQUESTED}`, {
      IndexName: HELD_LOCKS,
      KeyConditionExpression: 'held = :held',
      ExpressionAttributeValues: { ':held': REQUESTED },
    });
    return items.flatMap(({ migrationId }) => (typeof migrationId === 'string' ? [migrationId] : []));
  }
}
