/**
 * Reads a page of a list from a partition of an index (ADR 57). Entries are sorted by `listKey`: their kind, start time
 * and id. So each kind is a separate range of a partition, and a list of two kinds merges two ranges.
 */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ListPosition, orderOf } from '../domain/overview/listing.ts';
import type { DynamoTable, Item } from './dynamo-table.ts';
import { LIST_INDEXES, LIST_KEY, type ListIndex } from './indexes.ts';

export type Kind = 'migration' | 'dry-run' | 'sweep';
export const listKey = (kind: Kind, position: ListPosition): string => `${kind}#${orderOf(position)}`;

const orderIn = (key: string): string => key.slice(key.indexOf('#') + 1);
const positionIn = (order: string): ListPosition => {
  const at = order.lastIndexOf('#');
  return { startedAt: order.slice(0, at), id: order.slice(at + 1) };
};
/** Returns the position of an entry of an index. */
export const positionOf = (entry: Item): ListPosition => positionIn(orderIn(String(entry[LIST_KEY])));

/** The entries to list, and their partition. */
export interface Listing {
  index: ListIndex;
  partition: string;
  kinds: readonly Kind[];
  /**
   * Required values by attribute path. The index projects these attributes; they are compared after an entry was read.
   */
  where: readonly (readonly [path: readonly string[], value: string])[];
  /** Times in milliseconds since 1970: from `since` on, and before `until`. */
  since: number | undefined;
  until: number | undefined;
}

/** Maximum number of entries read for a page, including those that do not match. */
export const MOST_READ = 1000;
/** Maximum number of entries read by a query. */
const MOST_AT_ONCE = 400;

/** Character that sorts after all others that may follow in a key. */
const LAST = '~';
/** Returns the text directly before the key, among keys of the same length. */
const justBefore = (key: string): string =>
  `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}${LAST}`;

const smaller = (a: string, b: string): string => (a < b ? a : b);
const greatest = (texts: readonly string[]): string => texts.reduce((a, b) => (a > b ? a : b), '');

/** Returns the range of keys of a kind, including both ends. The newest entry is the last. */
function rangeOf(kind: Kind, { since, until }: Listing, after: ListPosition | undefined): { from: string; to: string } {
  const at = (time: number): string => `${kind}#${new Date(time).toISOString()}`;
  // A key continues after its time, so no key equals `at`, and an entry that started at that time comes after it.
  const before = until === undefined ? `${kind}#${LAST}` : at(until);
  return {
    from: since === undefined ? `${kind}#` : at(since),
    to: after ? smaller(before, justBefore(listKey(kind, after))) : before,
  };
}

function filterOf(where: Listing['where']): Pick<QueryCommandInput, 'FilterExpression'> & {
  names: Record<string, string>;
  values: Record<string, string>;
} {
  const names: Record<string, string> = {};
  const values: Record<string, string> = {};
  const conditions = where.map(([path, value], index) => {
    for (const part of path) names[`#${part}`] = part;
    values[`:w${index}`] = value;
    return `${path.map((part) => `#${part}`).join('.')} = :w${index}`;
  });
  return { ...(conditions.length > 0 ? { FilterExpression: conditions.join(' AND ') } : {}), names, values };
}

/** Reads the entries of a kind, newest first. */
class Run {
  private readonly table: DynamoTable;
  private readonly listing: Listing;
  private readonly from: string;
  private to: string;
  /** Matching entries that were not returned yet, the newest last. */
  private ready: Item[] = [];
  private over: boolean;
  private lastRead = '';

  constructor(table: DynamoTable, listing: Listing, kind: Kind, after: ListPosition | undefined) {
    this.table = table;
    this.listing = listing;
    ({ from: this.from, to: this.to } = rangeOf(kind, listing, after));
    this.over = this.to < this.from;
  }

  /** Whether the next entry is unknown until more is read. */
  get isDry(): boolean {
    return this.ready.length === 0 && !this.over;
  }
  /** Position of the last entry that was read. */
  get readTo(): string {
    return orderIn(this.lastRead);
  }
  /** Position of the next entry; empty if none was read yet. */
  get next(): string {
    const entry = this.ready.at(-1);
    return entry ? orderIn(String(entry[LIST_KEY])) : '';
  }
  take(): Item[] {
    return this.ready.splice(-1);
  }

  /** Reads more entries and returns their number. */
  async read(most: number): Promise<number> {
    const { index, partition, where } = this.listing;
    const { FilterExpression, names, values } = filterOf(where);
    const { items, next, scanned } = await this.table.page(index, {
      IndexName: index,
      KeyConditionExpression: '#partition = :partition AND #key BETWEEN :from AND :to',
      ...(FilterExpression === undefined ? {} : { FilterExpression }),
      ExpressionAttributeNames: { ...names, '#partition': LIST_INDEXES[index], '#key': LIST_KEY },
      ExpressionAttributeValues: { ...values, ':partition': partition, ':from': this.from, ':to': this.to },
      ScanIndexForward: false,
      Limit: most,
    });
    this.ready = items.toReversed();
    const last = next?.[LIST_KEY];
    this.over = typeof last !== 'string';
    if (typeof last === 'string') [this.lastRead, this.to] = [last, justBefore(last)];
    return scanned;
  }
}

/** Takes the newest entry that was read, unless it is not newer than `than`. */
function takeNewest(runs: readonly Run[], than = ''): Item[] {
  const newest = greatest(runs.map((run) => run.next));
  return newest > than ? (runs.find((run) => run.next === newest)?.take() ?? []) : [];
}
const dryOf = (runs: readonly Run[]): Run[] => runs.filter((run) => run.isDry);
/** Returns the position up to which all of them were read. */
const readToIn = (runs: readonly Run[]): string => greatest(dryOf(runs).map((run) => run.readTo));

/** Reads a page. `next` is absent at the end of the list. */
export async function readListing(
  table: DynamoTable,
  listing: Listing,
  { limit, after, mostRead = MOST_READ }: { limit: number; after?: ListPosition | undefined; mostRead?: number },
): Promise<{ entries: Item[]; next?: ListPosition }> {
  const runs = listing.kinds.map((kind) => new Run(table, listing, kind, after));
  // One more than the limit shows whether there are more.
  const wanted = limit + 1;
  const found: Item[] = [];
  let read = 0;
  let atOnce = wanted;
  while (found.length < wanted) {
    const dry = dryOf(runs);
    if (dry.length === 0) {
      const newest = takeNewest(runs);
      if (newest.length === 0) return { entries: found };
      found.push(...newest);
      continue;
    }
    if (read >= mostRead) break;
    // Each reads its share, so that every page makes progress in each of them.
    const share = Math.max(1, Math.floor((mostRead - read) / dry.length));
    for (const run of dry) read += await run.read(Math.min(atOnce, share));
    // If few entries match, more are read at a time.
    atOnce = Math.max(wanted, Math.min(atOnce * 2, MOST_AT_ONCE));
  }
  while (found.length < wanted) {
    const newest = takeNewest(runs, readToIn(runs));
    if (newest.length === 0) return { entries: found, next: positionIn(readToIn(runs)) };
    found.push(...newest);
  }
  const entries = found.slice(0, limit);
  return { entries, next: positionOf(entries.at(-1) ?? {}) };
}
