/** Where a table and its indexes keep an item: dynalite's keys, worked out once for each text. */
import { hashPrefix } from 'dynalite/db/index.js';
import { isObject, type Json } from '../json.ts';

/** A partition's and a sort key's attribute, both texts. */
export interface KeyPair {
  hash: string;
  range: string;
}
interface Index extends KeyPair {
  name: string;
  /** Attributes of its entries; undefined for all. */
  attributes: readonly string[] | undefined;
}
export interface TableKeys extends KeyPair {
  indexes: readonly Index[];
}

/** More than a sandbox has items at most times; whoever has more works some out again. */
const MOST_REMEMBERED = 10_000;

const remembering = (work: (text: string) => string): ((text: string) => string) => {
  const known = new Map<string, string>();
  return (text) => {
    const found = known.get(text);
    if (found !== undefined) return found;
    const made = work(text);
    if (known.size >= MOST_REMEMBERED) known.clear();
    known.set(text, made);
    return made;
  };
};

export const hexOf = remembering((text) => Buffer.from(text, 'utf8').toString('hex'));
const partitionHash = remembering((text) => hashPrefix(text, 'S'));
/** NUL is in no key that is asked for twice. */
const itemHash = remembering((text) => {
  const [hash = '', range = ''] = text.split('\0');
  return hashPrefix(hash, 'S', range, 'S');
});

/** What all keys of a partition begin with. */
export const partitionOf = (hash: string): string => `${partitionHash(hash)}/${hexOf(hash)}/`;

/** The text of a key attribute; undefined where it has none that DynamoDB would take. */
export const textOf = (item: Json, attribute: string): string | undefined => {
  const value = item[attribute];
  const text = isObject(value) ? value['S'] : undefined;
  return typeof text === 'string' && text !== '' && text.length <= 1024 && !text.includes('\0') ? text : undefined;
};

export const keyOf = (item: Json, { hash, range }: KeyPair): string | undefined => {
  const [partition, sort] = [textOf(item, hash), textOf(item, range)];
  return partition === undefined || sort === undefined ? undefined : `${partitionOf(partition)}${hexOf(sort)}/`;
};

/** Of an item's entry in an index; undefined where the item is not in it. */
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
  return { ...table, indexes };
};

const known = new WeakMap<Json, { keys: TableKeys | undefined }>();

/** Of a table's description; undefined for a table whose keys are not all texts in pairs. */
export const keysOfTable = (description: Json): TableKeys | undefined => {
  const found = known.get(description) ?? { keys: readKeys(description as unknown as Description) };
  known.set(description, found);
  return found.keys;
};
