declare module 'dynalite/db/index.js' {
  /** Tables and items, as dynalite's actions use them. */
  export type Store = object;
  /** The size in bytes. */
  export function itemSize(item: object): number;
  export function hashPrefix(hash: string, type: 'S', range?: string, rangeType?: 'S'): string;
  export function matchesExprFilter(item: object, expression: unknown): boolean;
  /** Returns the error for an invalid item or key of that table; nothing if it is valid. */
  export function validateItem(item: object, table: object): Error | null | undefined;
  export function validateKey(key: unknown, table: object): Error | null | undefined;
  export function validateUpdates(attributes: unknown, expression: unknown, table: object): Error | null | undefined;
  /** Returns the error if the input's condition does not hold. */
  export function checkConditional(input: object, item: object | undefined): Error | null | undefined;
  export function createKey(item: unknown, table: object): string;
  export function mapPath(path: unknown, item: object): unknown;
  /** An error with `statusCode` and `body`. */
  export function validationError(message: string): Error;
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  /** Throws an object with `statusCode` and `body` for a refusal. */
  export function checkTypes(data: object, types: object): object;
  /** Returns the problem as a string if the expression is invalid. */
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

declare module 'dynalite/actions/*' {
  const run: import('./operations.ts').Run;
  export default run;
}
declare module 'dynalite/validations/*' {
  export const types: object;
  /** Absent in some files. */
  export const custom: unknown;
}
