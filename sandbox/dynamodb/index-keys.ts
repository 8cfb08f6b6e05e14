/**
 * Refuses what DynamoDB refuses but dynalite accepts: an empty value as a secondary index key, or in a key condition.
 * The texts, and the fact that a value in the request itself is refused before its condition is evaluated:
 * paritysuite/dynamodb-conformance, recorded from AWS (`tests/tier3/error-messages`, 2026), architect/dynalite#184; for
 * Query getmoto/moto#7062, praetorian-inc/chariot-ui#353. Two behaviors are the sandbox's choice: a value that an
 * update would copy from the item is refused after the condition, and AttributeUpdates are refused with PutItem's text.
 */
import {
  checkConditional,
  createKey,
  mapPath,
  validateItem,
  validateKey,
  validateUpdates,
  validationError,
} from 'dynalite/db/index.js';
import { isObject, type Json, listOf } from '../json.ts';
import type { Section } from './changes.ts';
import type { MemoryStore } from './store.ts';

/** An attribute, and the first index by name whose key it is part of. */
interface IndexKey {
  attribute: string;
  index: string;
}

const readKeys = ({ GlobalSecondaryIndexes: global, LocalSecondaryIndexes: local }: Json): IndexKey[] => {
  const indexes = [...listOf(global), ...listOf(local)].filter(isObject);
  const keys = indexes.flatMap(({ IndexName: index, KeySchema: schema }) =>
    listOf(schema)
      .filter(isObject)
      .map(({ AttributeName: attribute }) => ({ attribute: String(attribute), index: String(index) })),
  );
  return keys.sort((one, other) => (one.index < other.index ? -1 : 1));
};

const keysByTable = new WeakMap<Json, IndexKey[]>();
const keysOf = (table: Json): IndexKey[] => {
  const found = keysByTable.get(table) ?? readKeys(table);
  keysByTable.set(table, found);
  return found;
};

const INVALID = 'One or more parameter values are not valid.';
const kindOf = (value: unknown): 'string' | 'binary' | undefined => {
  if (!isObject(value)) return undefined;
  if (value['S'] === '') return 'string';
  return value['B'] === '' ? 'binary' : undefined;
};
const reasonOf = (kind: string): string =>
  `The AttributeValue for a key attribute cannot contain an empty ${kind} value.`;

const refusalOfKey = ({ index, attribute }: IndexKey, kind: string): Error =>
  validationError(
    `${INVALID} A value specified for a secondary index key is not supported. ${reasonOf(kind)} IndexName: ${index}, IndexKey: ${attribute}`,
  );

const refusalOfItem = (item: Json, table: Json): Error | undefined => {
  const empty = keysOf(table).find(({ attribute }) => kindOf(item[attribute]) !== undefined);
  // dynalite's own refusals take precedence.
  if (!empty || validateItem(item, table)) return undefined;
  return refusalOfKey(empty, kindOf(item[empty.attribute]) ?? '');
};

const refusalOfUpdate = (kind: string): Error =>
  validationError(
    `${INVALID} The update expression attempted to update a secondary index key to a value that is not supported. ${reasonOf(kind)}`,
  );

/**
 * Returns the value that a SET assigns, evaluated on the item before the update; undefined for a value that cannot be
 * empty.
 */
const resolved = (value: unknown, item: Json): unknown => {
  if (Array.isArray(value)) return mapPath(value, item);
  if (!isObject(value) || value['type'] === undefined) return value;
  const [path, otherwise] = listOf(value['args']);
  return value['name'] === 'if_not_exists' ? (mapPath(path, item) ?? resolved(otherwise, item)) : undefined;
};

const refusalOfSections = (sections: readonly Section[], input: Json, table: Json, store: MemoryStore) => {
  const set = sections.filter(
    ({ type, path: [name, ...rest] }) =>
      type === 'set' && rest.length === 0 && keysOf(table).some(({ attribute }) => attribute === name),
  );
  if (set.length === 0 || validateKey(input['Key'], table)) return undefined;
  if (validateUpdates(undefined, input['_updates'], table)) return undefined;
  const given = set.map(({ val }) => kindOf(val)).find((kind) => kind !== undefined);
  if (given) return refusalOfUpdate(given);
  if (set.every(({ val }) => isObject(val) && val['type'] === undefined)) return undefined;
  const existing = store.items(String(input['TableName'])).get(createKey(input['Key'], table)) as Json | undefined;
  if (checkConditional(input, existing)) return undefined;
  const copied = set.map(({ val }) => kindOf(resolved(val, existing ?? {}))).find((kind) => kind !== undefined);
  return copied && refusalOfUpdate(copied);
};

const refusalOfQuery = ({ IndexName: index, KeyConditions: conditions }: Json, table: Json): Error | undefined => {
  const keyValues = Object.entries(isObject(conditions) ? conditions : {}).map(([attribute, condition]) => ({
    attribute,
    kind: listOf(isObject(condition) ? condition['AttributeValueList'] : [])
      .map(kindOf)
      .find((kind) => kind !== undefined),
  }));
  for (const { attribute, kind } of keyValues) {
    if (kind === undefined) continue;
    if (
      index === undefined &&
      listOf(table['KeySchema']).some((key) => isObject(key) && key['AttributeName'] === attribute)
    )
      return validationError(`${INVALID} ${reasonOf(kind)} Key: ${attribute}`);
    const ofIndex = keysOf(table).find((each) => each.index === index && each.attribute === attribute);
    if (ofIndex) return refusalOfKey(ofIndex, kind);
  }
  return undefined;
};

/** Returns the values of AttributeUpdates, the older form of an update. */
const updatedValues = (updates: unknown): Json =>
  isObject(updates)
    ? Object.fromEntries(
        Object.entries(updates).map(([name, update]) => [name, isObject(update) ? update['Value'] : undefined]),
      )
    : {};

type Find = (input: Json, store: MemoryStore) => Error | undefined;

const FIND: Record<string, Find> = {
  Query: (input, store) => {
    const table = store.table(String(input['TableName']));
    return table && refusalOfQuery(input, table);
  },
  PutItem: ({ TableName: name, Item: item }, store) => {
    const table = store.table(String(name));
    return table && isObject(item) ? refusalOfItem(item, table) : undefined;
  },
  UpdateItem: (input, store) => {
    const { TableName: name, Key: key, AttributeUpdates: attributes, _updates: updates } = input;
    const table = store.table(String(name));
    if (!table) return undefined;
    if (isObject(updates))
      return refusalOfSections(listOf(updates['sections']) as unknown as Section[], input, table, store);
    return isObject(key) ? refusalOfItem({ ...updatedValues(attributes), ...key }, table) : undefined;
  },
  BatchWriteItem: ({ RequestItems: batch }, store) => {
    for (const [name, requests] of Object.entries(isObject(batch) ? batch : {})) {
      const table = store.table(name);
      for (const { PutRequest: put } of table ? listOf(requests).filter(isObject) : []) {
        const item = isObject(put) ? put['Item'] : undefined;
        const refusal = table && isObject(item) ? refusalOfItem(item, table) : undefined;
        if (refusal) return refusal;
      }
    }
    return undefined;
  },
};

/**
 * Returns the refusal for an input that has been checked and parsed; undefined if no key in it is empty. The error has
 * the form of dynalite's errors.
 */
export const refusalOfEmptyKey = (operation: string, input: Json, store: MemoryStore): Error | undefined =>
  FIND[operation]?.(input, store);
