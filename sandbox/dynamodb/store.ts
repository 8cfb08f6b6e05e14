/**
 * dynalite's storage, in memory and without delays: tables, items and index entries as values under string keys,
 * instead of as JSON in a level database. `copying` copies values that are put and returned, as if they had been stored
 * as text; `sharing` passes the stored values themselves, which callers must not modify.
 */
import { Stream } from 'node:stream';
import type { Store } from 'dynalite/db/index.js';
import { isObject, type Json, listOf } from '../json.ts';

type Callback = (error: unknown, value?: unknown) => void;

interface Range {
  gt?: string;
  gte?: string;
  lt?: string;
  lte?: string;
  reverse?: boolean;
  limit?: number;
}

/** Values in the order of their keys. */
export class Sorted {
  private readonly values = new Map<string, unknown>();
  private readonly keys: string[] = [];

  get(key: string): unknown {
    return this.values.get(key);
  }

  set(key: string, value: unknown): void {
    if (!this.values.has(key)) this.keys.splice(this.after(key, false), 0, key);
    this.values.set(key, value);
  }

  delete(key: string): void {
    if (this.values.delete(key)) this.keys.splice(this.after(key, false), 1);
  }

  /** Returns how many keys precede this key; `itself` includes the key. */
  private after(key: string, itself: boolean): number {
    let [low, high] = [0, this.keys.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.keys[middle] ?? '';
      if (at < key || (itself && at === key)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  range({ gt, gte, lt, lte, reverse = false, limit = -1 }: Range): [key: string, value: unknown][] {
    const from = gt !== undefined ? this.after(gt, true) : gte !== undefined ? this.after(gte, false) : 0;
    const to = lt !== undefined ? this.after(lt, false) : lte !== undefined ? this.after(lte, true) : this.keys.length;
    const within = this.keys.slice(from, to);
    const ordered = reverse ? within.toReversed() : within;
    return (limit < 0 ? ordered : ordered.slice(0, limit)).map((key) => [key, this.values.get(key)]);
  }
}

type Release = (done: Callback) => Callback;
type Work = (release: Release) => void;

/** Serializes work on each key: the holder of the lock runs alone until its callback is called. */
const createLock = (): ((key: string, work: Work) => void) => {
  const waiting = new Map<string, Work[]>();
  const start = (key: string, work: Work): void =>
    work((done) => (...answer) => {
      const next = waiting.get(key)?.shift();
      if (next) queueMicrotask(() => start(key, next));
      else waiting.delete(key);
      done(...answer);
    });
  return (key, work) => {
    const queue = waiting.get(key);
    if (queue) queue.push(work);
    else {
      waiting.set(key, []);
      start(key, work);
    }
  };
};

/** Emits the values after the reader has had time to subscribe. */
const streamOf = (values: unknown[]): Stream => {
  let isDestroyed = false;
  const stream = Object.assign(new Stream(), { destroy: () => (isDestroyed = true) });
  queueMicrotask(() => {
    for (const value of values) {
      if (isDestroyed) break;
      stream.emit('data', value);
    }
    stream.emit('end');
  });
  return stream;
};

const jsonCopy = (value: unknown): unknown => (value === undefined ? undefined : JSON.parse(JSON.stringify(value)));

interface Operation {
  type: 'put' | 'del';
  key: string;
  value?: unknown;
}

/** How values are converted when they are stored and read. */
interface Conversion {
  put: (value: unknown) => unknown;
  get: (value: unknown) => unknown;
}

const COPYING: Conversion = { put: jsonCopy, get: jsonCopy };
/** JSON would leave out the attributes of an index entry that its item does not have. */
const SHARING: Conversion = {
  put: (value) =>
    isObject(value) && Object.values(value).includes(undefined)
      ? Object.fromEntries(Object.entries(value).filter(([, inner]) => inner !== undefined))
      : value,
  get: (value) => value,
};

/** One of dynalite's databases, with the interface that its actions use. */
const databaseOver = (sorted: Sorted, lock: ReturnType<typeof createLock>, conversion: Conversion) => ({
  lock,
  get: (key: string, done: Callback): void => done(null, conversion.get(sorted.get(key))),
  put: (key: string, value: unknown, done: Callback): void => {
    sorted.set(key, conversion.put(value));
    done(null);
  },
  del: (key: string, done: Callback): void => {
    sorted.delete(key);
    done(null);
  },
  batch: (operations: readonly Operation[], done: Callback): void => {
    for (const { type, key, value } of operations) {
      if (type === 'put') sorted.set(key, conversion.put(value));
      else sorted.delete(key);
    }
    done(null);
  },
  createKeyStream: (range: Range = {}): Stream => streamOf(sorted.range(range).map(([key]) => key)),
  createValueStream: (range: Range = {}): Stream =>
    streamOf(sorted.range(range).map(([, value]) => conversion.get(value))),
  createReadStream: (range: Range = {}): Stream =>
    streamOf(sorted.range(range).map(([, value]) => conversion.get(value))),
});
type Database = ReturnType<typeof databaseOver>;

const notFound = (name: string, checkStatus: boolean): Error =>
  Object.assign(new Error('NotFoundError'), {
    name: 'NotFoundError',
    statusCode: 400,
    body: {
      __type: 'com.amazonaws.dynamodb.v20120810#ResourceNotFoundException',
      message: `Requested resource not found${checkStatus ? '' : `: Table: ${name} not found`}`,
    },
  });

/** dynalite 4.0.0, db/index.js: MAX_SIZE, in KB. */
const MAX_ITEM_KB = 400;

export interface MemoryStore {
  /** Copies values, like a store that keeps text. */
  copying: Store;
  /** Passes the stored values themselves. */
  sharing: Store;
  /** Makes a created table active at once, which takes dynalite a moment of real time. */
  makeReady: (table: string) => void;
  /** Returns a table's description in dynalite's form; undefined if it does not exist or is not active. */
  table: (name: string) => Json | undefined;
  /** Returns a table's items. */
  items: (table: string) => Sorted;
  /** Returns the entries of one of the table's indexes. */
  entries: (table: string, index: string) => Sorted;
}

const indexName = (type: string, table: string, index: string): string =>
  `index-${type.toLowerCase()}~${table}~${index}`;

interface Values {
  sorted: Sorted;
  lock: ReturnType<typeof createLock>;
}

/** The complete store that dynalite's actions use; its databases are created on first use. */
const viewOf = (valuesOf: (name: string) => Values, conversion: Conversion): Store => {
  const views = new Map<string, Database>();
  const database = (name: string): Database => {
    const { sorted, lock } = valuesOf(name);
    const found = views.get(name) ?? databaseOver(sorted, lock, conversion);
    views.set(name, found);
    return found;
  };
  const remove = (name: string, done: Callback): void => {
    const { sorted } = valuesOf(name);
    for (const [key] of sorted.range({})) sorted.delete(key);
    done(null);
  };
  return {
    options: {
      createTableMs: 0,
      deleteTableMs: 0,
      updateTableMs: 0,
      maxItemSizeKb: MAX_ITEM_KB,
      maxItemSize: MAX_ITEM_KB * 1024,
    },
    tableDb: Object.assign(database('table'), {
      awsAccountId: (process.env['AWS_ACCOUNT_ID'] ?? '0000-0000-0000').replaceAll(/[^\d]/g, ''),
      awsRegion: process.env['AWS_REGION'] ?? process.env['AWS_DEFAULT_REGION'] ?? 'us-east-1',
    }),
    getItemDb: (name: string) => database(`item-${name}`),
    deleteItemDb: (name: string, done: Callback) => remove(`item-${name}`, done),
    getIndexDb: (type: string, table: string, index: string) => database(indexName(type, table, index)),
    deleteIndexDb: (type: string, table: string, index: string, done: Callback) =>
      remove(indexName(type, table, index), done),
    getTagDb: (name: string) => database(`tag-${name}`),
    deleteTagDb: (name: string, done: Callback) => remove(`tag-${name}`, done),
    // Two signatures, as in dynalite: with and without the requirement that the table be active.
    getTable: (name: string, ...rest: [Callback] | [boolean, Callback]) => {
      const [checkStatus, done] = rest.length === 1 ? [true, rest[0]] : rest;
      const table = conversion.get(valuesOf('table').sorted.get(name));
      const status = isObject(table) ? table['TableStatus'] : undefined;
      const missing = status === undefined || (checkStatus && (status === 'CREATING' || status === 'DELETING'));
      if (missing) done(notFound(name, checkStatus));
      else done(null, table);
    },
  };
};

/** Creates a store without tables. */
export const createMemoryStore = (): MemoryStore => {
  const databases = new Map<string, Values>();
  const valuesOf = (name: string): Values => {
    const values = databases.get(name) ?? { sorted: new Sorted(), lock: createLock() };
    databases.set(name, values);
    return values;
  };
  const descriptions = valuesOf('table').sorted;
  // The same objects by table and index, without names to build for each operation.
  const tables = new Map<string, { items: Sorted; indexes: Map<string, Sorted> }>();
  const of = (table: string) => {
    const found = tables.get(table) ?? { items: valuesOf(`item-${table}`).sorted, indexes: new Map<string, Sorted>() };
    tables.set(table, found);
    return found;
  };
  return {
    copying: viewOf(valuesOf, COPYING),
    sharing: viewOf(valuesOf, SHARING),
    makeReady: (name) => {
      const table = valuesOf('table').sorted.get(name);
      if (!isObject(table)) return;
      table['TableStatus'] = 'ACTIVE';
      for (const index of listOf(table['GlobalSecondaryIndexes']))
        Object.assign(index as Json, { IndexStatus: 'ACTIVE' });
      // dynalite sets this too; otherwise it would appear a moment later.
      const billing = table['BillingModeSummary'];
      if (isObject(billing)) billing['LastUpdateToPayPerRequestDateTime'] = table['CreationDateTime'];
    },
    table: (name) => {
      const table = descriptions.get(name);
      return isObject(table) && table['TableStatus'] === 'ACTIVE' ? table : undefined;
    },
    items: (table) => of(table).items,
    entries: (table, index) => {
      const { indexes } = of(table);
      const entries = indexes.get(index) ?? valuesOf(indexName('global', table, index)).sorted;
      indexes.set(index, entries);
      return entries;
    },
  };
};
