/**
 * One page of a list, from one partition of an index (ADR 57). Entries are sorted by `listKey`: their kind, when they
 * were started, and their id. So a partition has each kind by itself, and a list of two kinds merges two ranges of it.
 */
import type { QueryCommandInput } from '@aws-sdk/lib-dynamodb';
import { type ListPosition, orderOf } from '../domain/migration/listing.ts';
import type { DynamoTable, Item } from './dynamo-table.ts';
import { LIST_INDEXES, LIST_KEY, type ListIndex } from './indexes.ts';

export type Kind = 'migration' | 'dry-run' | 'sweep';
export const listKey = (kind: Kind, position: ListPosition): string => `${kind}#${orderOf(position)}`;

const orderIn = (key: string): string => key.slice(key.indexOf('#') + 1);
const positionIn = (order: string): ListPosition => {
  const at = order.lastIndexOf('#');
  return { startedAt: order.slice(0, at), id: order.slice(at + 1) };
};
/** Of an entry that an index gave. */
export const positionOf = (entry: Item): ListPosition => positionIn(orderIn(String(entry[LIST_KEY])));

/** Which entries of which partition. */
export interface Listing {
  index: ListIndex;
  partition: string;
  kinds: readonly Kind[];
  /** Values by the path of an attribute that the index carries. They are compared after an entry was read. */
  where: readonly (readonly [path: readonly string[], value: string])[];
  /** Milliseconds since 1970: from that time on, and before that one. */
  since: number | undefined;
  until: number | undefined;
}

/** Entries that one page reads at most. Those that don't fit count too. */
export const MOST_READ = 1000;
/** Entries that one query reads at most. */
const MOST_AT_ONCE = 400;

/** Sorts after everything that a key may go on with. */
const LAST = '~';
/** Sorts directly before the key, among keys of the same length. */
const justBefore = (key: string): string =>
  `${key.slice(0, -1)}${String.fromCharCode(key.charCodeAt(key.length - 1) - 1)}${LAST}`;

const smaller = (a: string, b: string): string => (a < b ? a : b);
const greatest = (texts: readonly string[]): string => texts.reduce((a, b) => (a > b ? a : b), '');

/** Both ends belong to it. The newest that it has is the last one. */
function rangeOf(kind: Kind, { since, until }: Listing, after: ListPosition | undefined): { from: string; to: string } {
  const at = (time: number): string => `${kind}#${new Date(time).toISOString()}`;
  // A key goes on after its time, so none is equal to `at`, and what was started at that time comes after it.
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

/** The entries of one kind, from the newest on. */
class Run {
  private readonly table: DynamoTable;
  private readonly listing: Listing;
  private readonly from: string;
  private to: string;
  /** Those that fit and were not taken, the newest last. */
  private ready: Item[] = [];
  private over: boolean;
  private lastRead = '';

  constructor(table: DynamoTable, listing: Listing, kind: Kind, after: ListPosition | undefined) {
    this.table = table;
    this.listing = listing;
    ({ from: this.from, to: this.to } = rangeOf(kind, listing, after));
    this.over = this.to < this.from;
  }

  /** Whether it has to read before anybody can tell which of its entries is next. */
  get isDry(): boolean {
    return this.ready.length === 0 && !this.over;
  }
  /** The place in the order of the last entry that was read. */
  get readTo(): string {
    return orderIn(this.lastRead);
  }
  /** The place in the order of its next entry; empty where none is at hand. */
  get next(): string {
    const entry = this.ready.at(-1);
    return entry ? orderIn(String(entry[LIST_KEY])) : '';
  }
  take(): Item[] {
    return this.ready.splice(-1);
  }

  /** Answers how many entries were read. */
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

/** Takes the newest of what is at hand; nothing where that is not newer than `than`. */
function takeNewest(runs: readonly Run[], than = ''): Item[] {
  const newest = greatest(runs.map((run) => run.next));
  return newest > than ? (runs.find((run) => run.next === newest)?.take() ?? []) : [];
}
const dryOf = (runs: readonly Run[]): Run[] => runs.filter((run) => run.isDry);
/** Whatever is newer was read in all of them. */
const readToIn = (runs: readonly Run[]): string => greatest(dryOf(runs).map((run) => run.readTo));

/** `next` is absent at the end of the list. */
export async function readListing(
  table: DynamoTable,
  listing: Listing,
  { limit, after, mostRead = MOST_READ }: { limit: number; after?: ListPosition | undefined; mostRead?: number },
): Promise<{ entries: Item[]; next?: ListPosition }> {
  const runs = listing.kinds.map((kind) => new Run(table, listing, kind, after));
  // One more than is wanted says whether there are more.
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
    // Each reads its share, so that every page goes on in each of them.
    const share = Math.max(1, Math.floor((mostRead - read) / dry.length));
    for (const run of dry) read += await run.read(Math.min(atOnce, share));
    // Where few fit, more are read at once.
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
