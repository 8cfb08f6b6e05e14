/**
 * A fast path for operations on items, for well-formed requests and tables whose keys are strings: has the same effect
 * as dynalite's actions over the same store. Returns undefined, without any change, for everything that it does not
 * support.
 */
import { matchesExprFilter } from 'dynalite/db/index.js';
import { isObject, type Json } from '../json.ts';
import { changed, type Section, Unusual } from './changes.ts';
import { bytesAtMost, MAX_ITEM_BYTES } from './sizes.ts';
import { hexOf, indexKeyOf, keyOf, type KeyPair, keysOfTable, partitionOf, type TableKeys, textOf } from './keys.ts';
import type { MemoryStore, Sorted } from './store.ts';

export interface Answer {
  status: number;
  output: Json;
}
type Action = (input: Json, keys: TableKeys, store: MemoryStore) => Answer | undefined;

const ok = (output: Json = {}): Answer => ({ status: 200, output });

const CONDITION_FAILED: Answer = {
  status: 400,
  output: {
    __type: 'com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException',
    message: 'The conditional request failed',
  },
};

const expressionOf = (parsed: unknown): unknown => (parsed as { expression: unknown } | undefined)?.expression;

const holds = ({ _condition: condition }: Json, existing: Json | undefined): boolean =>
  condition === undefined || matchesExprFilter(existing ?? {}, expressionOf(condition));

/**
 * Returns the item's key in each index, or undefined if the index does not contain it; throws Unusual for a key that is
 * not a plain string.
 */
const indexKeys = (item: Json | undefined, keys: TableKeys): readonly (string | undefined)[] => {
  if (!item) return NO_KEYS;
  const cached = keys.ofItems.get(item);
  if (cached) return cached;
  const found = keys.indexes.map((index) => {
    if (item[index.hash] === undefined || item[index.range] === undefined) return undefined;
    const key = indexKeyOf(item, index, keys);
    if (key === undefined) throw new Unusual();
    return key;
  });
  keys.ofItems.set(item, found);
  return found;
};
const NO_KEYS: readonly undefined[] = [];

/** Keeps the index keys of the existing item if all attributes in keys are the same objects as before. */
const keepIndexKeys = (item: Json, existing: Json, keys: TableKeys): boolean => {
  const known = keys.ofItems.get(existing);
  if (!known) return false;
  for (const name of keys.names) if (item[name] !== existing[name]) return false;
  keys.ofItems.set(item, known);
  return true;
};

const checkKeyTypes = (item: Json, { indexed }: TableKeys): void => {
  for (const name of indexed) if (item[name] !== undefined && textOf(item, name) === undefined) throw new Unusual();
};

const entryOf = (item: Json, attributes: readonly string[] | undefined): Json => {
  if (!attributes) return item;
  const entry: Json = {};
  for (const name of attributes) if (item[name] !== undefined) entry[name] = item[name];
  return entry;
};

/** Replaces the existing item in the table and its indexes; an undefined item deletes it. */
const replace = (
  table: string,
  key: string,
  { existing, item }: { existing: Json | undefined; item: Json | undefined },
  keys: TableKeys,
  store: MemoryStore,
): void => {
  const [before, after] = [indexKeys(existing, keys), indexKeys(item, keys)];
  for (let position = 0; position < keys.indexes.length; position += 1) {
    const [oldKey, newKey] = [before[position], after[position]];
    if (oldKey === undefined && newKey === undefined) continue;
    const { name, attributes } = keys.indexes[position] as TableKeys['indexes'][number];
    const entries = store.entries(table, name);
    if (oldKey !== undefined && oldKey !== newKey) entries.delete(oldKey);
    if (newKey !== undefined && item) entries.set(newKey, entryOf(item, attributes));
  }
  if (item) store.items(table).set(key, item);
  else store.items(table).delete(key);
};

const at = (items: Sorted, key: string): Json | undefined => items.get(key) as Json | undefined;

/** Returns the storage key for a key with exactly these attributes. */
const storageKeyOf = (key: unknown, keys: KeyPair): string => {
  if (!isObject(key) || Object.keys(key).length !== 2) throw new Unusual();
  return keyOf(key, keys) ?? unusual();
};
const unusual = (): never => {
  throw new Unusual();
};

const getItem: Action = ({ TableName: table, Key: key }, keys, store) => {
  const item = at(store.items(String(table)), storageKeyOf(key, keys));
  return ok(item ? { Item: item } : {});
};

const deleteItem: Action = (input, keys, store) => {
  const table = String(input['TableName']);
  const key = storageKeyOf(input['Key'], keys);
  const existing = at(store.items(table), key);
  if (!holds(input, existing)) return CONDITION_FAILED;
  replace(table, key, { existing, item: undefined }, keys, store);
  return ok();
};

const putItem: Action = (input, keys, store) => {
  const table = String(input['TableName']);
  const item = input['Item'] as Json;
  const key = keyOf(item, keys) ?? unusual();
  checkKeyTypes(item, keys);
  const existing = at(store.items(table), key);
  if (!holds(input, existing)) return CONDITION_FAILED;
  replace(table, key, { existing, item }, keys, store);
  return ok();
};

/** Returns whether the section changes a whole attribute outside the key, and keeps index keys strings with content. */
const isPlain = ({ path, attrType, val }: Section, { hash, range, indexed }: TableKeys): boolean => {
  const [name] = path;
  return (
    path.length === 1 &&
    name !== hash &&
    name !== range &&
    (!indexed.has(String(name)) || ((attrType ?? 'S') === 'S' && !(isObject(val) && val['S'] === '')))
  );
};

const updateItem: Action = (input, keys, store) => {
  const table = String(input['TableName']);
  const key = storageKeyOf(input['Key'], keys);
  const { sections } = input['_updates'] as { sections: readonly Section[] };
  if (!sections.every((section) => isPlain(section, keys))) return unusual();
  const existing = at(store.items(table), key);
  if (!holds(input, existing)) return CONDITION_FAILED;
  const item = changed(existing ?? (input['Key'] as Json), sections);
  if (!existing || !keepIndexKeys(item, existing, keys)) checkKeyTypes(item, keys);
  if (bytesAtMost(item) > MAX_ITEM_BYTES) return unusual();
  replace(table, key, { existing, item }, keys, store);
  return ok(input['ReturnValues'] === 'ALL_NEW' ? { Attributes: item } : {});
};

interface KeyCondition {
  ComparisonOperator: string;
  AttributeValueList: Json[];
}

/**
 * Returns the range of dynalite's keys that a query reads; throws Unusual for a comparison that the ledger does not
 * use.
 */
const rangeOf = (start: string, condition: KeyCondition | undefined): { gte: string; lt: string } => {
  const end = `${start}~`;
  if (!condition) return { gte: start, lt: end };
  const [value] = condition.AttributeValueList;
  const hex = hexOf((value && textOf({ value }, 'value')) ?? unusual());
  switch (condition.ComparisonOperator) {
    case 'BEGINS_WITH':
      return { gte: `${start}${hex}/`, lt: `${start}${hex}~` };
    case 'LT':
      return { gte: start, lt: `${start}${hex}/` };
    case 'GE':
      return { gte: `${start}${hex}/`, lt: end };
    default:
      return unusual();
  }
};

/** A page ends at 1 MB; DynamoDB's way of counting adds less than this overhead to each item. */
const SAFE_BYTES = 700_000;
const OVERHEAD_BYTES = 2000;

const query: Action = (input, keys, store) => {
  const {
    IndexName: name,
    KeyConditions: conditions,
    Limit: limit = Number.POSITIVE_INFINITY,
    _filter: filter,
  } = input;
  if (input['ExclusiveStartKey'] !== undefined || filter !== undefined) return unusual();
  const table = String(input['TableName']);
  const index = keys.indexes.find((each) => each.name === name);
  if (name !== undefined && (!index || input['ConsistentRead'] === true)) return unusual();
  const { hash, range } = index ?? keys;
  const { [hash]: partition, [range]: sort, ...others } = conditions as Record<string, KeyCondition | undefined>;
  if (partition?.ComparisonOperator !== 'EQ' || Object.keys(others).length > 0) return unusual();
  const [value] = partition.AttributeValueList;
  const start = partitionOf((value && textOf({ value }, 'value')) ?? unusual());
  const entries = index ? store.entries(table, index.name) : store.items(table);
  const reverse = input['ScanIndexForward'] === false;
  const items = entries
    .range({ ...rangeOf(start, sort), reverse })
    .slice(0, Number(limit))
    .map(([, item]) => item as Json);
  let bytes = 0;
  for (const item of items) bytes += bytesAtMost(item) + OVERHEAD_BYTES;
  if (bytes > SAFE_BYTES) return unusual();
  const last = items.length >= Number(limit) ? items.at(-1) : undefined;
  const names = new Set([keys.hash, keys.range, hash, range]);
  return ok({
    Items: items,
    Count: items.length,
    ScannedCount: items.length,
    ...(last ? { LastEvaluatedKey: Object.fromEntries([...names].map((each) => [each, last[each]])) } : {}),
  });
};

const ACTIONS: Record<string, Action> = {
  GetItem: getItem,
  DeleteItem: deleteItem,
  PutItem: putItem,
  UpdateItem: updateItem,
  Query: query,
};

export const quickActions =
  (store: MemoryStore) =>
  (operation: string, input: Json): Answer | undefined => {
    const table = store.table(String(input['TableName']));
    const keys = table && keysOfTable(table);
    if (!keys) return undefined;
    try {
      return ACTIONS[operation]?.(input, keys, store);
    } catch (error) {
      if (error instanceof Unusual) return undefined;
      throw error;
    }
  };
