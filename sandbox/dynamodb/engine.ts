/**
 * dynalite's tables without its HTTP server: an operation's name and input in, status and output out, as that server
 * has it behind its own checks of method, content type and signature, which the door has made already.
 */
import { createRequire } from 'node:module';
import type { Store } from 'dynalite/db/index.js';
import { checkTypes, checkValidations } from 'dynalite/validations/index.js';
import { isObject, type Json } from '../json.ts';
import { quickActions } from './quick.ts';
import { createMemoryStore } from './store.ts';
import { wellFormed } from './well-formed.ts';

/** dynalite 4.0.0, index.js: validOperations. */
const NAMES = [
  'BatchGetItem',
  'BatchWriteItem',
  'CreateTable',
  'DeleteItem',
  'DeleteTable',
  'DescribeTable',
  'DescribeTimeToLive',
  'GetItem',
  'ListTables',
  'ListTagsOfResource',
  'PutItem',
  'Query',
  'Scan',
  'TagResource',
  'UntagResource',
  'UpdateItem',
  'UpdateTable',
] as const;
export type OperationName = (typeof NAMES)[number];

interface Operation {
  validation: { types: object; custom?: unknown };
  run: (store: Store, input: object, done: (error: unknown, output?: object) => void) => void;
}

const require = createRequire(import.meta.url);
const fileOf = (name: string): string => `${name.charAt(0).toLowerCase()}${name.slice(1)}.js`;
const operations = new Map<string, Operation>(
  NAMES.map((name) => [
    name,
    {
      validation: require(`dynalite/validations/${fileOf(name)}`) as Operation['validation'],
      run: require(`dynalite/actions/${fileOf(name)}`) as Operation['run'],
    },
  ]),
);

export interface EngineAnswer {
  status: number;
  output: unknown;
}

/** What dynalite throws and answers to refuse. */
const refusalIn = (error: unknown): EngineAnswer | undefined =>
  isObject(error) && typeof error['statusCode'] === 'number'
    ? { status: error['statusCode'], output: error['body'] }
    : undefined;

/** As dynalite calls back; rejects where it fails. */
const answerOf = (run: Operation['run'], store: Store, checked: object): Promise<EngineAnswer> =>
  new Promise((resolve, reject) => {
    run(store, checked, (error, output) => {
      if (error === null || error === undefined) return resolve({ status: 200, output });
      const refusal = refusalIn(error);
      if (refusal) return resolve(refusal);
      return reject(error instanceof Error ? error : new Error('dynalite failed.', { cause: error }));
    });
  });

export interface Engine {
  /**
   * Undefined where dynalite does not have the operation; rejects where dynalite fails. Nobody may change what it
   * answers.
   */
  run: (operation: string, input: Json) => Promise<EngineAnswer | undefined>;
  /** Has a table that was created be ready at once. */
  makeReady: (table: string) => void;
}

/** Tables of its own, in memory. */
export const createEngine = (): Engine => {
  const store = createMemoryStore();
  const quick = quickActions(store);
  const run: Engine['run'] = async (name, input) => {
    const operation = operations.get(name);
    if (!operation) return undefined;
    const { validation, run: act } = operation;
    const formed = wellFormed(name, input);
    if (formed) return quick(name, formed) ?? answerOf(act, store.sharing, formed);
    try {
      const checked = checkTypes(input, validation.types);
      checkValidations(checked, validation.types, validation.custom, store.copying);
      return await answerOf(act, store.copying, checked);
    } catch (error) {
      const refusal = refusalIn(error);
      if (!refusal) throw error;
      return refusal;
    }
  };
  return { run, makeReady: store.makeReady };
};
