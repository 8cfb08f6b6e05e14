/**
 * Runs dynalite's tables without its HTTP server: takes an operation's name and input, and returns status and output.
 * That server checks method, content type and signature first, which the sandbox's gateway has already done.
 */
import { createKey, type Store } from 'dynalite/db/index.js';
import { checkTypes, checkValidations } from 'dynalite/validations/index.js';
import { isObject, type Json } from '../json.ts';
import { refusalOfEmptyKey } from './index-keys.ts';
import { type Operation, type OperationName, operations } from './operations.ts';
import { quickActions } from './quick.ts';
import { createMemoryStore, type MemoryStore } from './store.ts';
import { wellFormed } from './well-formed.ts';

/** A parameter that dynalite does not support. The order of the values is that of DynamoDB's own message. */
const ON_FAILURE = { ReturnValuesOnConditionCheckFailure: { type: 'String', enum: ['ALL_OLD', 'NONE'] } };
const WITH_CONDITION: ReadonlySet<OperationName> = new Set<OperationName>(['DeleteItem', 'PutItem', 'UpdateItem']);

const known = new Map<string, Operation>(
  (Object.keys(operations) as OperationName[]).map((name) => {
    const { validation, run }: Operation = operations[name];
    const types = WITH_CONDITION.has(name) ? { ...validation.types, ...ON_FAILURE } : validation.types;
    return [name, { validation: { types, custom: validation.custom }, run }];
  }),
);

export interface EngineAnswer {
  status: number;
  output: unknown;
}

/** Returns the refusal in an error that dynalite throws or passes to its callback. */
const refusalIn = (error: unknown): EngineAnswer | undefined =>
  isObject(error) && typeof error['statusCode'] === 'number'
    ? { status: error['statusCode'], output: error['body'] }
    : undefined;

/**
 * Adds the item that did not meet the condition, if the input asks for it and the item exists. Source: DynamoDB API
 * Reference, PutItem, "ReturnValuesOnConditionCheckFailure".
 */
const withItem = (answer: EngineAnswer, input: Json, store: MemoryStore): EngineAnswer => {
  const { TableName: name, Item: put, Key: key = put, ReturnValuesOnConditionCheckFailure: wanted } = input;
  const { output } = answer;
  const hasFailed =
    isObject(output) && String(output['__type']).endsWith('#ConditionalCheckFailedException') && wanted === 'ALL_OLD';
  const table = hasFailed ? store.table(String(name)) : undefined;
  const item = table && store.items(String(name)).get(createKey(key, table));
  return item && isObject(output) ? { ...answer, output: { ...output, Item: item } } : answer;
};

/** Wraps dynalite's callback; rejects if dynalite fails. */
const answerOf = (
  run: Operation['run'],
  store: Store,
  checked: object,
  refused: (refusal: EngineAnswer) => EngineAnswer,
): Promise<EngineAnswer> =>
  new Promise((resolve, reject) => {
    run(store, checked, (error, output) => {
      if (error === null || error === undefined) return resolve({ status: 200, output });
      const refusal = refusalIn(error);
      if (refusal) return resolve(refused(refusal));
      return reject(error instanceof Error ? error : new Error('dynalite failed.', { cause: error }));
    });
  });

export interface Engine {
  /**
   * Returns undefined if dynalite does not support the operation; rejects if dynalite fails. Callers must not modify
   * the result.
   */
  run: (operation: string, input: Json) => Promise<EngineAnswer | undefined>;
  /** Makes a created table active at once. */
  makeReady: (table: string) => void;
  /** Returns a table's item with this key; undefined if there is none. Callers must not modify it. */
  item: (table: string, key: Json) => Json | undefined;
}

/** Creates an engine with its own tables in memory. */
export const createEngine = (): Engine => {
  const store = createMemoryStore();
  const quick = quickActions(store);
  const run: Engine['run'] = async (name, input) => {
    const operation = known.get(name);
    if (!operation) return undefined;
    const { validation, run: act } = operation;
    // Returns the item at the moment of the refusal.
    const refused = (refusal: EngineAnswer): EngineAnswer => withItem(refusal, input, store);
    try {
      const quickly = wellFormed(name, input, true);
      // The fast path leaves empty keys to the check after it.
      const answer = quickly && quick(name, quickly);
      if (answer) return refused(answer);
      const formed = quickly && wellFormed(name, input);
      const checked = formed ?? (checkTypes(input, validation.types) as Json);
      if (!formed) checkValidations(checked, validation.types, validation.custom, store.copying);
      const refusal = refusalOfEmptyKey(name, checked, store);
      if (refusal) throw refusal;
      return await answerOf(act, formed ? store.sharing : store.copying, checked, refused);
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      return refusal;
    }
  };
  const item: Engine['item'] = (name, key) => {
    const table = store.table(name);
    const found = table && store.items(name).get(createKey(key, table));
    return isObject(found) ? found : undefined;
  };
  return { run, makeReady: store.makeReady, item };
};
