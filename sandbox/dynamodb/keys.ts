/**
 * Computes the keys under which a table and its indexes store an item: dynalite's keys, computed once for each string.
 */
import { hashPrefix } from 'dynalite/db/index.js';
import { isObject, type Json } from '../json.ts';

/** The attributes of a partition key and a sort key, both strings. */
export interface KeyPair {
  hash: string;
  range: string;
}
interface Index extends KeyPair {
  name: string;
  /** The attributes of the index's entries; undefined for all. */
  attributes: readonly string[] | undefined;
}
export interface TableKeys extends KeyPair {
  indexes: readonly Index[];
  /** The attributes of all indexes' keys. */
  indexed: ReadonlySet<string>;
  /** These, and the attributes of the table's own keys. */
  names: readonly string[];
  /** The keys of each stored item in the indexes. Stored items are never changed in place. */
  ofItems: WeakMap<Json, readonly (string | undefined)[]>;
}

/** More than the items of most sandboxes; a larger sandbox computes some keys again. */
const MOST_REMEMBERED = 10_000;

const remembering = (work: (text: string) => string): ((text: string) => string) => {
  const cache = new Map<string, string>();
  return (text) => {
    const found = cache.get(text);
    if (found !== undefined) return found;
    const result = work(text);
    if (cache.size >= MOST_REMEMBERED) cache.clear();
    cache.set(text, result);
    return result;
  };
};

export const hexOf = remembering((text) => Buffer.from(text, 'utf8').toString('hex'));
/** NUL separates the two keys: it occurs in no key that is cached. */
const itemHash = remembering((text) => {
  const [hash = '', range = ''] = text.split('\0');
  return hashPrefix(hash, 'S', range, 'S');
});

/** Returns the prefix of all keys of a partition. */
export const partitionOf = remembering((hash) => `${hashPrefix(hash, 'S')}/${hexOf(hash)}/`);

/** Returns the string of a key attribute; undefined if the item has none that DynamoDB would accept. */
export const textOf = (item: Json, attribute: string): string | undefined => {
  const value = item[attribute];
  const text = isObject(value) ? value['S'] : undefined;
  return typeof text === 'string' && text !== '' && text.length <= 1024 && !text.includes('\0') ? text : undefined;
};

export const keyOf = (item: Json, { hash, range }: KeyPair): string | undefined => {
  const [partition, sort] = [textOf(item, hash), textOf(item, range)];
  return partition === undefined || sort === undefined ? undefined : `${partitionOf(partition)}${hexOf(sort)}/`;
};

/** Returns the key of an item's entry in an index; undefined if the item is not in the index. */
export const indexKeyOf = (item: Json, index: KeyPair, table: KeyPair): string | undefined => {
  const key = keyOf(item, index);
  return key && `${key}${itemHash(`${textOf(item, table.hash) ?? ''}\0${textOf(item, table.range) ?? ''}`)}`;
};

interface Schema {
  AttributeName: string;
}
interface Description {
  KeySchema: Schema[];
  AttributeDefinitions: { AttributeName: string; AttributeType: string }[];
  GlobalSecondaryIndexes?: {
    IndexName: string;
    KeySchema: Schema[];
    Projection: { ProjectionType: string; NonKeyAttributes?: string[] };
  }[];
  LocalSecondaryIndexes?: unknown[];
}

const pairOf = ([hash, range]: Schema[]): KeyPair | undefined =>
  hash && range && { hash: hash.AttributeName, range: range.AttributeName };

const readKeys = (description: Description): TableKeys | undefined => {
  const table = pairOf(description.KeySchema);
  const areTexts = description.AttributeDefinitions.every(({ AttributeType: type }) => type === 'S');
  if (!table || !areTexts || description.LocalSecondaryIndexes?.length) return undefined;
  const indexes: Index[] = [];
  for (const { IndexName: name, KeySchema: schema, Projection } of description.GlobalSecondaryIndexes ?? []) {
    const pair = pairOf(schema);
    if (!pair) return undefined;
    const projected = [pair.hash, pair.range, table.hash, table.range, ...(Projection.NonKeyAttributes ?? [])];
    indexes.push({ name, ...pair, attributes: Projection.ProjectionType === 'ALL' ? undefined : projected });
  }
  const indexed = new Set(indexes.flatMap((index) => [index.hash, index.range]));
  return { ...table, indexes, indexed, names: [...indexed, table.hash, table.range], ofItems: new WeakMap() };
};

const keysByDescription = new WeakMap<Json, { keys: TableKeys | undefined }>();

/** Returns the keys in a table's description; undefined for a table whose keys are not all pairs of strings. */
export const keysOfTable = (description: Json): TableKeys | undefined => {
  const found = keysByDescription.get(description) ?? { keys: readKeys(description as unknown as Description) };
  keysByDescription.set(description, found);
  return found.keys;
};
