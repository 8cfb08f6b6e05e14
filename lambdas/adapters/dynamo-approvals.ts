/** Approvals in the ledger: an item for each request for an approval, with the task token, which no answer contains. */
import { approval, type Approval } from '../domain/approval/approval.ts';
import { isConditionFailed, itemOf, partition, setting, type Item } from './dynamo-table.ts';
import { DynamoTrust } from './dynamo-trust.ts';
import { PENDING } from './indexes.ts';
import { stored } from './stored.ts';

const APPROVAL = 'APPROVAL#';
/** Partition key of pending approvals in the index `pending`. */
const WAITED_FOR = 'APPROVAL';

/**
 * Returns the sort key. Two digits are enough to keep rounds in order: a migration has a deadline, and a person takes
 * minutes.
 */
const sortKey = (round: number): string => `${APPROVAL}${String(round).padStart(2, '0')}`;

/** Queries the index of pending items for a kind. */
export const pendingOf = (
  what: string,
): { IndexName: string; KeyConditionExpression: string; ExpressionAttributeValues: Record<string, string> } => ({
  IndexName: PENDING,
  KeyConditionExpression: 'pending = :what',
  ExpressionAttributeValues: { ':what': what },
});

/** Returns the approvals among a migration's items, in order. */
export const approvalsOf = (items: Item[]): Approval[] =>
  items
    .filter((item) => String(item['sk']).startsWith(APPROVAL))
    .map((item) => stored('an approval', approval, item))
    .sort((a, b) => a.round - b.round);

export class DynamoApprovals extends DynamoTrust {
  async putApproval(
    migrationId: string,
    asked: Approval,
    { taskToken, at }: { taskToken: string; at: number },
  ): Promise<Approval> {
    try {
      await this.table.put(
        itemOf(migrationId, sortKey(asked.round)),
        { ...asked, taskToken, tokenAt: at, pending: WAITED_FOR },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR (#state = :pending AND tokenAt <= :at)',
          ExpressionAttributeNames: { '#state': 'state' },
          ExpressionAttributeValues: { ':pending': 'pending' satisfies Approval['state'], ':at': at },
        },
      );
      return asked;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return (await this.approvalAt(migrationId, asked.round)) ?? asked;
    }
  }

  async approvalToken(migrationId: string, round: number): Promise<string | undefined> {
    const token = (await this.itemAt(migrationId, round))?.['taskToken'];
    return typeof token === 'string' ? token : undefined;
  }

  async decideApproval(
    migrationId: string,
    {
      round,
      planHash,
      ...decided
    }: Pick<Approval, 'round' | 'planHash' | 'state' | 'decidedBy' | 'decidedAt' | 'reason'>,
  ): Promise<{ approval: Approval; first: boolean } | undefined> {
    const change = setting(Object.entries(decided).filter(([, value]) => value !== undefined));
    try {
      const after = await this.table.update(itemOf(migrationId, sortKey(round)), {
        UpdateExpression: `${change.UpdateExpression} REMOVE pending`,
        ConditionExpression: '#state = :pending AND planHash = :hash',
        ExpressionAttributeNames: { ...change.ExpressionAttributeNames, '#state': 'state' },
        ExpressionAttributeValues: {
          ...change.ExpressionAttributeValues,
          ':pending': 'pending' satisfies Approval['state'],
          ':hash': planHash,
        },
        ReturnValues: 'ALL_NEW',
      });
      return { approval: stored('an approval', approval, after), first: true };
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const standing = await this.approvalAt(migrationId, round);
      return standing && { approval: standing, first: false };
    }
  }

  async listPendingApprovals(): Promise<string[]> {
    return (await this.table.query(PENDING, pendingOf(WAITED_FOR))).flatMap((item) =>
      typeof item['requestedAt'] === 'string' ? [item['requestedAt']] : [],
    );
  }

  private async approvalAt(migrationId: string, round: number): Promise<Approval | undefined> {
    const item = await this.itemAt(migrationId, round);
    return item && stored('an approval', approval, item);
  }

  /** Reads the item with a query, because most callers only have the right to query. */
  private async itemAt(migrationId: string, round: number): Promise<Item | undefined> {
    return (await this.table.under(partition(migrationId), sortKey(round)))[0];
  }
}
