/** Claims, by which a request that comes again finds its first run, and the lists of migrations. */
import { z } from 'zod';
import { migration } from '../domain/model.ts';
import { summaryOf } from '../domain/summary.ts';
import type { Claim, MigrationFilter, MigrationPage } from '../ports/ledger.ts';
import { DynamoOutbox } from './dynamo-outbox.ts';
import { isConditionFailed, partition, type Item, type Key } from './dynamo-table.ts';
import { BY_CLUSTER, BY_TIME } from './indexes.ts';
import { stored } from './stored.ts';

const claimItem = z.object({ migrationId: z.string(), fingerprint: z.string(), at: z.string(), input: z.string() });
/** Seconds. Longer than any migration takes, waits included: until then the same request finds it. */
const CLAIM_LASTS = 45 * 24 * 3600;
const secondsOf = (at: string): number => Math.floor(Date.parse(at) / 1000);
const claimKey = (key: string): Key => ({ pk: `CLAIM#${key}`, sk: 'CLAIM' });

/** What the indexes carry of a record. */
const listedItem = migration.pick({
  migrationId: true,
  request: true,
  status: true,
  outcome: true,
  startedAt: true,
  endedAt: true,
});

/** Attributes of a record that have it listed. */
const LISTED = 'MIGRATION';
const placeOf = (account: string, region: string, cluster: string): string => `${account}#${region}#${cluster}`;
export const listedAs = ({
  account,
  region,
  cluster,
}: {
  account: string;
  region: string;
  cluster: string;
}): { listed: string; place: string } => ({ listed: LISTED, place: placeOf(account, region, cluster) });

/** Records that one page looks at, at most: a filter that lets few through must not take a minute. */
const MOST_LOOKED_AT = 1000;

/** ULIDs begin with their time, 48 bits in ten characters of Crockford's base 32 (github.com/ulid/spec). */
const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
const firstIdAt = (time: number): string =>
  Array.from({ length: 10 }, (_, index) => CROCKFORD[Math.floor(time / 32 ** (9 - index)) % 32]).join('');

interface Question {
  IndexName: string;
  KeyConditionExpression: string;
  FilterExpression?: string;
  ExpressionAttributeNames?: Record<string, string>;
  ExpressionAttributeValues: Record<string, string>;
}

function questionOf({ account, region, cluster, outcome, since }: MigrationFilter): Question {
  const ofOneCluster = account !== undefined && region !== undefined && cluster !== undefined;
  const names: Record<string, string> = {};
  const filters: string[] = [];
  const values: Record<string, string> = ofOneCluster
    ? { ':key': placeOf(account, region, cluster) }
    : { ':key': LISTED };
  const also = (value: string | undefined, name: string, path: string): void => {
    if (value === undefined) return;
    filters.push(`${path} = :${name}`);
    values[`:${name}`] = value;
  };
  if (!ofOneCluster) {
    if (account !== undefined || region !== undefined || cluster !== undefined)
      Object.assign(names, { '#request': 'request', '#target': 'target' });
    for (const [name, value] of Object.entries({ account, region, cluster })) {
      also(value, name, `#request.#target.#${name}`);
      if (value !== undefined) names[`#${name}`] = name;
    }
  }
  if (outcome !== undefined) {
    also(outcome, 'outcome', '#outcome');
    // One that is being put back still has the outcome of before.
    filters.push('#status = :ended');
    Object.assign(names, { '#outcome': 'outcome', '#status': 'status' });
    values[':ended'] = 'ended';
  }
  if (since !== undefined) values[':since'] = firstIdAt(since);
  return {
    IndexName: ofOneCluster ? BY_CLUSTER : BY_TIME,
    KeyConditionExpression: `${ofOneCluster ? 'place' : 'listed'} = :key${since === undefined ? '' : ' AND migrationId >= :since'}`,
    ...(filters.length === 0 ? {} : { FilterExpression: filters.join(' AND ') }),
    ...(Object.keys(names).length === 0 ? {} : { ExpressionAttributeNames: names }),
    ExpressionAttributeValues: values,
  };
}

export class DynamoLists extends DynamoOutbox {
  async claim(key: string, mine: Claim): Promise<Claim> {
    return this.claimWhere(key, mine, {
      // DynamoDB may take days to delete what has expired.
      ConditionExpression: 'attribute_not_exists(pk) OR expires <= :now',
      ExpressionAttributeValues: { ':now': secondsOf(mine.at) },
    });
  }

  async reclaim(key: string, before: Claim, mine: Claim): Promise<Claim> {
    return this.claimWhere(key, mine, {
      ConditionExpression: 'migrationId = :before',
      ExpressionAttributeValues: { ':before': before.migrationId },
    });
  }

  private async claimWhere(
    key: string,
    mine: Claim,
    condition: { ConditionExpression: string; ExpressionAttributeValues?: Record<string, string | number> },
  ): Promise<Claim> {
    try {
      await this.table.put(claimKey(key), { ...mine, expires: secondsOf(mine.at) + CLAIM_LASTS }, condition);
      return mine;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      const there = await this.table.get(claimKey(key));
      return there
        ? stored('a claim', claimItem, there)
        : this.claimWhere(key, mine, { ConditionExpression: 'attribute_not_exists(pk)' });
    }
  }

  async listMigrations(filter: MigrationFilter, limit: number, after?: string): Promise<MigrationPage> {
    const question = questionOf(filter);
    const { account = '', region = '', cluster = '' } = filter;
    const keyOf = (migrationId: string): Item => ({
      pk: partition(migrationId),
      sk: 'RECORD',
      migrationId,
      ...(question.IndexName === BY_CLUSTER ? { place: placeOf(account, region, cluster) } : { listed: LISTED }),
    });
    const found: Item[] = [];
    let from = after === undefined ? undefined : keyOf(after);
    let looked = 0;
    do {
      const page = await this.table.page(question.IndexName, {
        ...question,
        ScanIndexForward: false,
        Limit: 100,
        ...(from ? { ExclusiveStartKey: from } : {}),
      });
      found.push(...page.items);
      from = page.next;
      looked += 100;
    } while (from && found.length < limit && looked < MOST_LOOKED_AT);
    const migrations = found.slice(0, limit).map((item) => summaryOf(stored('a migration', listedItem, item)));
    const last = found.length > limit ? migrations.at(-1)?.migrationId : from?.['migrationId'];
    return { migrations, ...(typeof last === 'string' ? { next: last } : {}) };
  }
}
