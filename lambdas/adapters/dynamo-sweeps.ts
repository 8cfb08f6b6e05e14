/**
 * Sweeps in the ledger's table: items of a sweep share `pk` = `SWEEP#<id>`. `sk` RECORD is the sweep; `QUEUED#`,
 * `FLIGHT#` and `ENDED#` with a migration's id are its items. An item changes state by being put under its new key
 * before it is removed from the old one. So it is under both keys for a moment, or after a crash, but never under none:
 * the later state counts. `CLUSTER#` with account, region and name is the mark of a cluster.
 */
import type { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { z } from 'zod';
import {
  inspectionMark,
  type InspectionMark,
  type Sweep,
  sweep,
  type SweepCommand,
  type SweepItem,
  sweepItem,
  type SweepLocation,
  sweepSummary,
  type SweepTally,
} from '../domain/sweep/model.ts';
import type { ListPosition, SweepFilter } from '../domain/overview/listing.ts';
import type { SweepChange, SweepPage, Sweeps } from '../ports/sweeps.ts';
import { DynamoTable, isConditionFailed, type Item, type Key, setting } from './dynamo-table.ts';
import { listKey, positionOf, readListing } from './dynamo-listing.ts';
import { BY_TIME, LIST_KEY } from './indexes.ts';
import { stored } from './stored.ts';

const partition = (sweepId: string): string => `SWEEP#${sweepId}`;
const record = (sweepId: string): Key => ({ pk: partition(sweepId), sk: 'RECORD' });
const LOCATIONS = { queued: 'QUEUED#', 'in-flight': 'FLIGHT#', ended: 'ENDED#' } as const satisfies Record<
  SweepItem['state'],
  string
>;
const placed = (sweepId: string, state: SweepItem['state'], migrationId: string): Key => ({
  pk: partition(sweepId),
  sk: `${LOCATIONS[state]}${migrationId}`,
});

const marksOf = ({ account, region }: SweepLocation): string => `CLUSTER#${account}#${region}#`;

// `failed` and `counted` of a record are sets: ids that count towards the failure limit, and ids that are being moved
// to ended and are counted in `ended`.

/** Partition key of sweeps in the index of all. */
const LISTED = 'SWEEP';

const failedIds = z.union([z.set(z.string()).transform((ids) => [...ids]), z.array(z.string())]).default([]);
const sweepOf = (item: Item): Sweep =>
  stored('a sweep', sweep, { ...item, failed: failedIds.catch([]).parse(item['failed']) });
const itemFrom = (item: Item): SweepItem => stored('an add-on of a sweep', sweepItem, item);

class DynamoSweeps implements Sweeps {
  private readonly table: DynamoTable;

  constructor(table: DynamoTable) {
    this.table = table;
  }

  async get(sweepId: string): Promise<Sweep | undefined> {
    const [item] = await this.table.under(partition(sweepId), 'RECORD');
    return item && sweepOf(item);
  }

  async create(made: Sweep): Promise<Sweep> {
    const { failed: _, ...rest } = made;
    const { sweepId: id, startedAt, request } = made;
    try {
      await this.table.put(
        record(id),
        { ...rest, listed: LISTED, [LIST_KEY]: listKey('sweep', { startedAt, id }), summary: request },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      );
      return made;
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return (await this.get(made.sweepId)) ?? made;
    }
  }

  async update(sweepId: string, change: SweepChange): Promise<void> {
    const given = Object.entries(change).filter(([, value]) => value !== undefined);
    const set = setting(given.filter(([, value]) => value !== null));
    const gone = given.filter(([, value]) => value === null).map(([name]) => name);
    const names = {
      ...set.ExpressionAttributeNames,
      ...Object.fromEntries(gone.map((name, index) => [`#g${index}`, name])),
    };
    const hasSet = Object.keys(set.ExpressionAttributeValues).length > 0;
    if (given.length === 0) return;
    await this.table.update(record(sweepId), {
      UpdateExpression: [
        ...(hasSet ? [set.UpdateExpression] : []),
        ...(gone.length > 0 ? [`REMOVE ${gone.map((_, index) => `#g${index}`).join(', ')}`] : []),
      ].join(' '),
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeNames: names,
      ...(hasSet ? { ExpressionAttributeValues: set.ExpressionAttributeValues } : {}),
    });
  }

  async command(sweepId: string, command: SweepCommand): Promise<Sweep | undefined> {
    try {
      const before = await this.table.update(record(sweepId), {
        ...setting([['command', command]]),
        ConditionExpression: 'attribute_exists(pk)',
        ReturnValues: 'ALL_OLD',
      });
      return before && sweepOf(before);
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
      return undefined;
    }
  }

  async list({ status, since, until }: SweepFilter, limit: number, after?: ListPosition): Promise<SweepPage> {
    const { entries, next } = await readListing(
      this.table,
      {
        ...(status === undefined
          ? { index: BY_TIME, partition: LISTED }
          : { index: 'ByStatus' as const, partition: status }),
        kinds: ['sweep'],
        where: [],
        since,
        until,
      },
      { limit, after },
    );
    const sweeps = entries.map((entry) => {
      const { startedAt, id: sweepId } = positionOf(entry);
      return stored('a sweep', sweepSummary, { ...entry, request: entry['summary'], startedAt, sweepId });
    });
    return { sweeps, ...(next ? { next } : {}) };
  }

  async marks(sweepId: string, location: SweepLocation): Promise<InspectionMark[]> {
    const items = await this.table.under(partition(sweepId), marksOf(location));
    return items.map((item) => stored('the mark of a cluster', inspectionMark, item));
  }

  async mark(sweepId: string, location: SweepLocation, mark: InspectionMark): Promise<void> {
    try {
      await this.table.put(
        { pk: partition(sweepId), sk: `${marksOf(location)}${mark.cluster}` },
        { ...mark },
        {
          ConditionExpression: 'attribute_not_exists(pk) OR #state <> :done OR #execution <> :execution',
          ExpressionAttributeNames: { '#state': 'state', '#execution': 'execution' },
          ExpressionAttributeValues: { ':done': 'done', ':execution': mark.execution },
        },
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async enqueue(sweepId: string, item: SweepItem): Promise<void> {
    try {
      await this.table.put(
        placed(sweepId, 'queued', item.migrationId),
        { ...item },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
  }

  async queued(sweepId: string, limit: number): Promise<SweepItem[]> {
    const page = await this.table.page(LOCATIONS.queued, { ...this.under(sweepId, 'queued'), Limit: limit });
    return page.items.map(itemFrom);
  }

  async inFlight(sweepId: string): Promise<SweepItem[]> {
    return (await this.table.under(partition(sweepId), LOCATIONS['in-flight'])).map(itemFrom);
  }

  async eachItem(sweepId: string, visit: (items: SweepItem[]) => void): Promise<void> {
    const seen = new Set<string>();
    // The later state first, because it counts for an item under two keys.
    for (const state of ['ended', 'in-flight', 'queued'] as const) {
      let from: Item | undefined;
      do {
        const page = await this.table.page(LOCATIONS[state], {
          ...this.under(sweepId, state),
          ...(from ? { ExclusiveStartKey: from } : {}),
        });
        const fresh = page.items.map(itemFrom).filter(({ migrationId }) => !seen.has(migrationId));
        for (const { migrationId } of fresh) seen.add(migrationId);
        visit(fresh);
        from = page.next;
      } while (from);
    }
  }

  async toFlight(sweepId: string, migrationId: string, begun: { begunAt: string; wave: number }): Promise<void> {
    // A late call queued it again: it was in flight before, and must not be started once more.
    if (await this.at(sweepId, 'ended', migrationId)) return this.table.remove(placed(sweepId, 'queued', migrationId));
    const item = await this.at(sweepId, 'queued', migrationId);
    if (item) await this.move(sweepId, { ...item, ...begun }, 'queued', 'in-flight');
  }

  async toEnd(sweepId: string, migrationId: string, { failed, ...end }: Parameters<Sweeps['toEnd']>[2]): Promise<void> {
    const item = await this.at(sweepId, 'in-flight', migrationId);
    if (!item) return;
    // Counted before it is moved, so that it is never missed, and only once, even if the call is repeated.
    const counted = { ':one': 1, ':ids': new Set([migrationId]), ':id': migrationId };
    try {
      await this.table.update(record(sweepId), {
        UpdateExpression: `ADD ended :one, counted :ids${failed ? ', failed :ids' : ''}`,
        ConditionExpression: 'attribute_exists(pk) AND (NOT contains(counted, :id))',
        ExpressionAttributeValues: counted,
      });
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
    await this.move(sweepId, { ...item, ...end }, 'in-flight', 'ended');
    // No later call needs the id of an item that is no longer in flight.
    await this.table.update(record(sweepId), {
      UpdateExpression: 'DELETE counted :ids',
      ExpressionAttributeValues: { ':ids': new Set([migrationId]) },
    });
  }

  async forgetFailures(sweepId: string): Promise<void> {
    await this.table.update(record(sweepId), {
      UpdateExpression: 'SET ended = :none REMOVE failed, counted',
      ConditionExpression: 'attribute_exists(pk)',
      ExpressionAttributeValues: { ':none': 0 },
    });
  }

  async tally(sweepId: string): Promise<SweepTally> {
    const tally: SweepTally = { queued: 0, inFlight: 0, ended: {} };
    await this.eachItem(sweepId, (items) => {
      for (const { state, outcome = 'none' } of items) {
        if (state === 'queued') tally.queued += 1;
        else if (state === 'in-flight') tally.inFlight += 1;
        else tally.ended[outcome] = (tally.ended[outcome] ?? 0) + 1;
      }
    });
    return tally;
  }

  private under(
    sweepId: string,
    state: SweepItem['state'],
  ): { KeyConditionExpression: string; ExpressionAttributeValues: Record<string, string>; ConsistentRead: true } {
    return {
      KeyConditionExpression: 'pk = :pk AND begins_with(sk, :prefix)',
      ExpressionAttributeValues: { ':pk': partition(sweepId), ':prefix': LOCATIONS[state] },
      ConsistentRead: true,
    };
  }

  private async at(sweepId: string, state: SweepItem['state'], migrationId: string): Promise<Item | undefined> {
    const [item] = await this.table.under(partition(sweepId), placed(sweepId, state, migrationId).sk);
    return item;
  }

  /** Puts an item under a later state's key. An existing one is kept unchanged. */
  private async move(sweepId: string, item: Item, from: SweepItem['state'], to: SweepItem['state']): Promise<void> {
    const migrationId = String(item['migrationId']);
    try {
      await this.table.put(
        placed(sweepId, to, migrationId),
        { ...item, state: to },
        { ConditionExpression: 'attribute_not_exists(pk)' },
      );
    } catch (error) {
      if (!isConditionFailed(error)) throw error;
    }
    await this.table.remove(placed(sweepId, from, migrationId));
  }
}

/** Returns the sweeps in a ledger's table. */
export const createDynamoSweeps = ({ client, tableName }: { client: DynamoDBClient; tableName: string }): Sweeps =>
  new DynamoSweeps(new DynamoTable(client, tableName));
