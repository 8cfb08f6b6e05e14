declare module 'dynalite/db/index.js' {
  /** Tables and items, as the actions use them. */
  export type Store = object;
  /** In bytes. */
  export function itemSize(item: object): number;
  export function hashPrefix(hash: string, type: 'S', range?: string, rangeType?: 'S'): string;
  export function matchesExprFilter(item: object, expression: unknown): boolean;
  /** What is wrong with an item, or a key, of that table; nothing where it is right. */
  export function validateItem(item: object, table: object): Error | null | undefined;
  export function validateKey(key: unknown, table: object): Error | null | undefined;
  export function validateUpdates(attributes: unknown, expression: unknown, table: object): Error | null | undefined;
  /** What is wrong where the condition of the input does not hold. */
  export function checkConditional(input: object, item: object | undefined): Error | null | undefined;
  export function createKey(item: unknown, table: object): string;
  export function mapPath(path: unknown, item: object): unknown;
  /** With `statusCode` and `body`. */
  export function validationError(message: string): Error;
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  /** Throws an object with `statusCode` and `body` for a refusal. */
  export function checkTypes(data: object, types: object): object;
  /** A text says what is wrong. */
  export function convertKeyCondition(expression: unknown): object | string;
  export function validateConditions(conditions: object): string | undefined;
  export function checkValidations(data: object, types: object, custom: unknown, store: Store): void;
}

declare module 'dynalite/db/conditionParser.js' {
  const parser: import('./expressions.ts').ExpressionParser;
  export default parser;
}
declare module 'dynalite/db/updateParser.js' {
  const parser: import('./expressions.ts').ExpressionParser;
  export default parser;
}
