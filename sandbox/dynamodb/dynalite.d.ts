declare module 'dynalite/db/index.js' {
  /** Tables and items; without `path` they live in memory. */
  export type Store = object;
  export function create(options: {
    path?: string;
    createTableMs?: number;
    deleteTableMs?: number;
    updateTableMs?: number;
  }): Store;
}

declare module 'dynalite/validations/index.js' {
  import type { Store } from 'dynalite/db/index.js';

  /** Throws an object with `statusCode` and `body` for a refusal. */
  export function checkTypes(data: object, types: object): object;
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
