/**
 * The last retirement of a migration, as a separate item (`sk` = RETIREMENT), so that a concurrent rollback and
 * retirement do not conflict. Each change is a single conditional write: the retirement must be unchanged since it was
 * read. While it is requested and has not begun, the item has `held` = RETIREMENT, so that the index `HeldLocks` lists
 * it: the caller that accepted it may have failed before it started the execution.
 */
import { z } from 'zod';
import type { Migration } from '../domain/record/migration.ts';
import { retirement, type Retirement } from '../domain/record/retirement.ts';
import { stillAs } from './dynamo-operations.ts';
import { DynamoRollbacks } from './dynamo-rollbacks.ts';
import { isConditionFailed, itemOf, type Item } from './dynamo-table.ts';
import { stored } from './stored.ts';

const ITEM = 'RETIREMENT';
const REQUESTED = 'RETIREMENT';

const retirementItem = z.object({ retirement });

const read = (item: Item): Retirement => stored('the last retirement', retirementItem, item).retirement;

/** Returns the last retirement among a migration's items. */
export const retirementOf = (items: Item[]): Pick<Migration, 'retirement'> => {
  const item = items.find(({ sk }) => sk === ITEM);
  return item ? { retirement: read(item) } : {};
};

export class DynamoRetirements extends DynamoRollbacks {
  async changeRetirement(migrationId: string, before: Retirement | undefined, after: Retirement): Promise<boolean> {
    const isRequested = after.state === 'requested';
    const { condition, names, values } = stillAs('retirement', before);
    try {
      await this.table.update(itemOf(migrationId, ITEM), {
        UpdateExpression: `SET #operation = :after, migrationId = :migration${isRequested ? ', held = :held' : ' REMOVE held'}`,
        ConditionExpression: condition,
        ExpressionAttributeNames: names,
        ExpressionAttributeValues: {
          ...values,
          ':after': after,
          ':migration': migrationId,
          ...(isRequested ? { ':held': REQUESTED } : {}),
        },
      });
      return true;
    } catch (error) {
      if (isConditionFailed(error)) return false;
      throw error;
    }
  }

  async getRetirement(migrationId: string): Promise<Retirement | undefined> {
    const item = await this.table.get(itemOf(migrationId, ITEM));
    return item && read(item);
  }

  listRequestedRetirements(): Promise<string[]> {
    return this.listRequested(REQUESTED);
  }
}
