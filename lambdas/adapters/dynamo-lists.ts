/** Claims, with which a repeated request finds its first run, and the lists of migrations. */
import { z } from 'zod';
import type { ListPosition, MigrationFilter } from '../domain/overview/listing.ts';
import { migration, type Migration } from '../domain/record/migration.ts';
import type { Outcome } from '../domain/terms/outcome.ts';
import { listedRequest, listedRequestOf, summaryOf } from '../domain/migration/summary.ts';
import type { Claim, MigrationPage } from '../ports/ledger.ts';
import { listKey, type Listing, positionOf, readListing } from './dynamo-listing.ts';
import { DynamoOutbox } from './dynamo-outbox.ts';
import { isConditionFailed, type Key } from './dynamo-table.ts';
import { BY_TIME, LIST_INDEXES, LIST_KEY, type ListIndex } from './indexes.ts';
import { stored } from './stored.ts';

const claimItem = z.object({ migrationId: z.string(), fingerprint: z.string(), at: z.string(), input: z.string() });
/** Lifetime of a claim in seconds: longer than any migration including its waits, so that the same request finds it. */
const CLAIM_LASTS = 45 * 24 * 3600;
const secondsOf = (at: string): number => Math.floor(Date.parse(at) / 1000);
const claimKey = (key: string): Key => ({ pk: `CLAIM#${key}`, sk: 'CLAIM' });

/** The part of a record that the indexes of lists project. */
const listedItem = migration.pick({ status: true, outcome: true, endedAt: true }).extend({ summary: listedRequest });

/** Partition key of migrations, including dry runs, in the index of all. */
const LISTED = 'MIGRATION';
const clusterOf = (account: string, region: string, cluster: string): string => `${account}#${region}#${cluster}`;

/** Returns the attributes by which a record is listed. It is not in the index of an undefined attribute. */
export function listedAs({
  migrationId: id,
  startedAt,
  request,
}: Pick<Migration, 'migrationId' | 'startedAt' | 'request'>): Record<string, unknown> {
  const { account, region, cluster } = request.target;
  return {
    listed: LISTED,
    [LIST_KEY]: listKey(request.dryRun ? 'dry-run' : 'migration', { startedAt, id }),
    summary: listedRequestOf(request),
    [LIST_INDEXES.ByCluster]: clusterOf(account, region, cluster),
    cluster,
    account,
    addon: request.addon,
    // A key of an index cannot be empty.
    requestedBy: request.requestedBy === '' ? undefined : request.requestedBy,
  };
}

/** Outcomes that usually few migrations have. */
const RARE: ReadonlySet<Outcome> = new Set<Outcome>(['needs-human', 'rolled-back']);

type Given = Pick<MigrationFilter, 'account' | 'region' | 'cluster' | 'addon' | 'requestedBy' | 'status' | 'outcome'>;
type Partition = readonly [index: ListIndex, partition: string, answered: readonly (keyof Given)[]];

/**
 * Returns the partition with usually the fewest entries that contains all matches. `answered` has the filters that need
 * no comparison in that partition.
 */
function partitionFor({ account, region, cluster, addon, requestedBy, status, outcome }: Given): Partition {
  if (account !== undefined && region !== undefined && cluster !== undefined)
    return ['ByCluster', clusterOf(account, region, cluster), ['account', 'region', 'cluster']];
  if (status !== undefined && status !== 'ended') return ['ByStatus', status, ['status']];
  if (cluster !== undefined) return ['ByClusterName', cluster, ['cluster']];
  if (outcome !== undefined && RARE.has(outcome)) return ['ByOutcome', outcome, ['outcome']];
  if (requestedBy !== undefined) return ['ByRequester', requestedBy, ['requestedBy']];
  if (addon !== undefined) return ['ByAddon', addon, ['addon']];
  if (account !== undefined) return ['ByAccount', account, ['account']];
  if (outcome !== undefined) return ['ByOutcome', outcome, ['outcome']];
  if (status !== undefined) return ['ByStatus', status, ['status']];
  return [BY_TIME, LISTED, []];
}

const PATHS: Record<keyof Given, readonly string[]> = {
  account: ['summary', 'target', 'account'],
  region: ['summary', 'target', 'region'],
  cluster: ['summary', 'target', 'cluster'],
  addon: ['summary', 'addon'],
  requestedBy: ['summary', 'requestedBy'],
  status: ['status'],
  outcome: ['outcome'],
};

/** Returns the listing of a filter; undefined if nothing can match. */
function listingOf({ dryRun, since, until, ...filter }: MigrationFilter): Listing | undefined {
  const { outcome, status = outcome && 'ended' } = filter;
  // The record of a migration that is being rolled back still has the previous outcome.
  if (outcome !== undefined && status !== 'ended') return undefined;
  const given: Given = { ...filter, status };
  const [index, partition, answered] = partitionFor(given);
  const names = (Object.keys(PATHS) as (keyof Given)[]).filter((name) => !answered.includes(name));
  return {
    index,
    partition,
    kinds: dryRun === undefined ? ['migration', 'dry-run'] : [dryRun ? 'dry-run' : 'migration'],
    where: names.flatMap((name) => {
      const value = given[name];
      return value === undefined ? [] : [[PATHS[name], value] as const];
    }),
    since,
    until,
  };
}

export class DynamoLists extends DynamoOutbox {
  async claim(key: string, mine: Claim): Promise<Claim> {
    return this.claimWhere(key, mine, {
      // DynamoDB may take days to delete expired items.
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

  async listMigrations(filter: MigrationFilter, limit: number, after?: ListPosition): Promise<MigrationPage> {
    const listing = listingOf(filter);
    if (!listing) return { migrations: [] };
    const { entries, next } = await readListing(this.table, listing, { limit, after });
    const migrations = entries.map((entry) => {
      const { summary: request, ...rest } = stored('a migration', listedItem, entry);
      const { startedAt, id: migrationId } = positionOf(entry);
      return summaryOf({ migrationId, startedAt, request, ...rest });
    });
    return { migrations, ...(next ? { next } : {}) };
  }
}
