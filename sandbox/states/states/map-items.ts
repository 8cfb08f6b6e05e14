/** Inputs of a distributed Map's children: items from the state's data or from S3, selected and batched. */
import { isObject } from '../../json.ts';
import type { RoleObjects } from '../../s3/as-role.ts';
import { S3Error } from '../../s3/errors.ts';
import type { ItemBatcher, ItemReader, MapState } from '../definition.ts';
import type { Visit } from '../scope.ts';

export const isList = (value: unknown): value is unknown[] => Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';
export const isWhole =
  (least: number, most = Infinity) =>
  (value: unknown): value is number =>
    Number.isInteger(value) && Number(value) >= least && Number(value) <= most;

/** Returns the items from the state's own data. */
export const itemsOf = async (state: MapState, visit: Visit): Promise<unknown[]> => {
  const items = state.Items === undefined ? visit.input : await visit.evaluate(state.Items, 'Items');
  if (isList(items)) return items;
  throw visit.evaluationFailed(
    'Items',
    `The value of the field 'Items' must be an array, but was ${JSON.stringify(items).slice(0, 200)}.`,
  );
};

/** Evaluates a field that is an object of strings, such as an S3 address. */
export const objectLocationOf = async (
  visit: Visit,
  template: unknown,
  field: string,
  names: { required: readonly string[]; optional?: readonly string[] },
): Promise<Record<string, string>> => {
  const value = await visit.evaluate(template, field);
  const allowed = [...names.required, ...(names.optional ?? [])];
  const isValid =
    isObject(value) &&
    names.required.every((name) => isText(value[name])) &&
    Object.entries(value).every(([name, text]) => allowed.includes(name) && typeof text === 'string');
  if (isValid) return value as Record<string, string>;
  throw visit.failure(
    'States.Runtime',
    `The field '${field}' must have ${names.required.join(' and ')}${names.optional ? `, and may have ${names.optional.join(' and ')}` : ''}, each a string, but was ${JSON.stringify(value).slice(0, 200)}.`,
  );
};

/** Returns the items of an object in S3. Throws States.ItemReaderFailed; AWS's text for that is not known. */
export const readItems = async (reader: ItemReader, visit: Visit, objects: RoleObjects): Promise<unknown[]> => {
  const { Bucket: bucket = '', Key: key = '' } = await objectLocationOf(
    visit,
    reader.Arguments,
    'ItemReader/Arguments',
    {
      required: ['Bucket', 'Key'],
    },
  );
  const most = await visit.evaluateAs(
    reader.ReaderConfig.MaxItems ?? 0,
    'ItemReader/ReaderConfig/MaxItems',
    'a whole number, 0 or more',
    isWhole(0),
  );
  const failed = (cause: string) =>
    visit.failure('States.ItemReaderFailed', `The items could not be read from s3://${bucket}/${key}: ${cause}`);
  let items: unknown;
  try {
    items = JSON.parse(objects.get(bucket, key)) as unknown;
  } catch (error) {
    if (error instanceof S3Error)
      throw failed(`${error.message} (Service: S3, Status Code: ${error.status}, Error Code: ${error.name})`);
    if (error instanceof SyntaxError) throw failed('it is not JSON.');
    throw error;
  }
  if (!isList(items)) throw failed('it is not a JSON array.');
  return most === 0 ? items : items.slice(0, most);
};

/** A child's input, serialized on demand, and its number of items. */
export interface ChildInput {
  items: number;
  text: () => Promise<string>;
}

const selected = async (state: MapState, visit: Visit, items: readonly unknown[], index: number): Promise<unknown> =>
  state.ItemSelector === undefined
    ? items[index]
    : visit.evaluate(state.ItemSelector, 'ItemSelector', {}, { Map: { Item: { Index: index, Value: items[index] } } });

const textOf = (visit: Visit, value: unknown): string => {
  visit.checkSize(value, 'was given an item');
  return JSON.stringify(value ?? null);
};

const bytesOf = (value: unknown): number => Buffer.byteLength(JSON.stringify(value ?? null));

/** Step Functions Developer Guide, "ItemBatcher (Map)": a batch has `Items`, and the input that all batches share. */
const batches = async (batcher: ItemBatcher, visit: Visit, items: unknown[]): Promise<ChildInput[]> => {
  const most =
    batcher.MaxItemsPerBatch === undefined
      ? Infinity
      : await visit.evaluateAs(
          batcher.MaxItemsPerBatch,
          'ItemBatcher/MaxItemsPerBatch',
          'a whole number, 1 or more',
          isWhole(1),
        );
  const mostBytes =
    batcher.MaxInputBytesPerBatch === undefined
      ? Infinity
      : await visit.evaluateAs(
          batcher.MaxInputBytesPerBatch,
          'ItemBatcher/MaxInputBytesPerBatch',
          'a whole number from 1 to 262144',
          isWhole(1, 262_144),
        );
  const shared =
    batcher.BatchInput === undefined
      ? {}
      : { BatchInput: await visit.evaluate(batcher.BatchInput, 'ItemBatcher/BatchInput') };
  const lists: unknown[][] = [];
  for (const item of items) {
    const last = lists.at(-1);
    if (last && last.length < most && bytesOf({ ...shared, Items: [...last, item] }) <= mostBytes) last.push(item);
    else lists.push([item]);
  }
  return lists.map((batch) => ({
    items: batch.length,
    text: () => Promise.resolve(textOf(visit, { ...shared, Items: batch })),
  }));
};

/** Returns one input for each child, in order. */
export const childInputs = async (state: MapState, visit: Visit, items: unknown[]): Promise<ChildInput[]> => {
  if (!state.ItemBatcher)
    return items.map((_, index) => ({
      items: 1,
      text: async () => textOf(visit, await selected(state, visit, items, index)),
    }));
  const all: unknown[] = [];
  for (const index of items.keys()) all.push(await selected(state, visit, items, index));
  return batches(state.ItemBatcher, visit, all);
};
