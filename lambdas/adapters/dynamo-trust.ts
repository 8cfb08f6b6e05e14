/** Changes of trust policies in the ledger: an item for each role of a migration and kind of change. */
import { z } from 'zod';
import type { Migration } from '../domain/record/migration.ts';
import { trustChange, trustRetirement, type TrustChange, type TrustRetirement } from '../domain/terms/trust.ts';
import { DynamoLocks } from './dynamo-locks.ts';
import { isConditionFailed, itemOf, type Item } from './dynamo-table.ts';
import { stored } from './stored.ts';

const REPAIR = 'REPAIR#';
const RETIREMENT = 'RETIREMENT#';

const changeItem = z.object({ entry: trustChange });
const retirementItem = z.object({ entry: trustRetirement });

interface Entry {
  roleArn: string;
  notedAt: string;
  writtenAt?: string | undefined;
  undoneAt?: string | undefined;
}

/** Returns the progress of a change: recorded, written or undone. */
const progressOf = ({ writtenAt, undoneAt }: Entry): number => {
  if (undoneAt !== undefined) return 2;
  return writtenAt === undefined ? 0 : 1;
};

const inOrder = <T extends Entry>(entries: T[]): T[] => entries.sort((a, b) => a.notedAt.localeCompare(b.notedAt));

/** Returns the changes of trust policies among a migration's items, in the order in which they were recorded. */
export const trustOf = (items: Item[]): Pick<Migration, 'trustChanges' | 'retirements'> => {
  const under = (prefix: string): Item[] => items.filter((item) => String(item['sk']).startsWith(prefix));
  return {
    trustChanges: inOrder(under(REPAIR).map((item) => stored('a change of a trust policy', changeItem, item).entry)),
    retirements: inOrder(under(RETIREMENT).map((item) => stored('a retirement', retirementItem, item).entry)),
  };
};

export class DynamoTrust extends DynamoLocks {
  recordTrustChange(migrationId: string, change: TrustChange): Promise<void> {
    return this.note(migrationId, REPAIR, change);
  }

  recordRetirement(migrationId: string, retirement: TrustRetirement): Promise<void> {
    return this.note(migrationId, RETIREMENT, retirement);
  }

  /** Puts a change. A late call replaces neither a newer change nor later progress of the same change. */
  private async note(migrationId: string, prefix: string, entry: Entry): Promise<void> {
    const { roleArn, notedAt } = entry;
    try {
      await this.table.put(
        itemOf(migrationId, `${prefix}${roleArn}`),
        { notedAt, progress: progressOf(entry), entry },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR notedAt < :at OR (notedAt = :at AND progress <= :progress)',
          ExpressionAttributeValues: { ':at': notedAt, ':progress': progressOf(entry) },
        },
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }
}
