declare module 'dynalite/db/index.js' {
  /** Tables and items, as the actions use them. */
  export type Store = object;
  /** In bytes. */
  export function itemSize(item: object): number;
  export function hashPrefix(hash: string, type: 'S', range?: string, rangeType?: 'S'): string;
  export function matchesExprFilter(item: object, expression: unknown): boolean;
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
