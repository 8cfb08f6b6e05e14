/**
 * The errors that the state machine knows by name. A name is a string literal: a minifier renames classes, and
 * Step Functions matches on the name alone. `lib/migration/errors.ts` turns this table into Retry and Catch.
 *
 * - `retryable`: the same call may succeed later; nothing is known to be wrong.
 * - `waiting`: not an error at all, a poll whose answer is "not yet".
 * - `terminal`: trying again can't help; after `begin` it leads to the rollback.
 * - `needs-human`: going on, or back, by itself would be wrong.
 */
export const ERROR_CLASSES = {
  // What the adapters make of AWS's and the API server's answers.
  Throttled: 'retryable',
  ServiceUnavailable: 'retryable',
  ConnectionLost: 'retryable',
  Busy: 'retryable',
  AccessDenied: 'terminal',
  InvalidRequest: 'terminal',
  NotFound: 'terminal',
  Unauthorised: 'terminal',
  // Polls that say "not yet".
  AddonStillThere: 'waiting',
  AddonNotActive: 'waiting',
  AssociationStillThere: 'waiting',
  PodsNotSettled: 'waiting',
  RestoreInProgress: 'waiting',
  // Decisions of the steps.
  BadInput: 'terminal',
  LockHeld: 'terminal',
  AddonChanged: 'terminal',
  AddonFailed: 'terminal',
  AssociationChanged: 'terminal',
  PodsOnWrongIdentity: 'terminal',
  LockLost: 'needs-human',
  RestoreRefused: 'needs-human',
} as const satisfies Record<string, 'retryable' | 'waiting' | 'terminal' | 'needs-human'>;

export type ErrorName = keyof typeof ERROR_CLASSES;
export type ErrorClass = (typeof ERROR_CLASSES)[ErrorName];

/** An error with one of the names above. `message` says what, where, why, and what to do next. */
export class MigrationError extends Error {
  override readonly name: ErrorName;
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(message, options);
    this.name = name;
  }
}

export const isMigrationError = (error: unknown, name?: ErrorName): error is MigrationError =>
  error instanceof MigrationError && (name === undefined || error.name === name);

export const namesOfClass = (errorClass: ErrorClass): ErrorName[] =>
  (Object.keys(ERROR_CLASSES) as ErrorName[]).filter((name) => ERROR_CLASSES[name] === errorClass);
