import { shown } from '../text/text.ts';

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
  // The service's own pace: nothing is begun before its turn has come (`domain/aws/pace.ts`, `pacedSeconds`).
  Paced: 'retryable',
  ServiceUnavailable: 'retryable',
  ConnectionLost: 'retryable',
  Busy: 'retryable',
  // Too little time is left of the invocation to begin a change.
  OutOfTime: 'retryable',
  // The API server lets the service in no more (401, 403): an access entry takes effect late, an authorizer is away.
  ApiServerDenied: 'retryable',
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
  // Another run changes the trust policy of a role, or others work with a role whose trust policy this one changes.
  RoleLockHeld: 'waiting',
  // A trust policy was changed a moment ago, and EKS does not see it yet.
  TrustNotSeenYet: 'waiting',
  // The execution that held the lock has stopped, and Recover has not put its work back yet.
  RecoveryPending: 'waiting',
  // The execution that held the lock has stopped, but a Lambda of it may still be running.
  OwnerMayStillAct: 'waiting',
  // The change may begin within its window alone, and that is not open.
  WindowClosed: 'waiting',
  // It does not open within the hour: looks may be an hour apart.
  WindowFarOff: 'waiting',
  // Decisions of the steps.
  BadInput: 'terminal',
  LockHeld: 'terminal',
  // Another migration works on what this one is about.
  SubjectBusy: 'terminal',
  Cancelled: 'terminal',
  // Somebody said no to the plan, or nobody said anything in time; and a window that does not open in time.
  ApprovalRejected: 'terminal',
  ApprovalExpired: 'terminal',
  WindowOutOfReach: 'terminal',
  // As many migrations wait as may; and another one has begun on the same subject meanwhile.
  TooManyWaiting: 'terminal',
  Superseded: 'terminal',
  // It was planned again and again, and each time there was something to wait for.
  WaitedTooOften: 'terminal',
  // A rollback on demand that can't be begun; nothing is changed by it.
  RollbackRefused: 'terminal',
  // A trust policy that can't be written, or that somebody else has changed since it was read: it is left as it is.
  TrustTooLong: 'terminal',
  TrustChanged: 'terminal',
  // Nothing shows any more that the service account may have the role: it is not given.
  RoleNotGranted: 'terminal',
  // What `retire` would take away is still needed, or it is too early; nothing is changed by it.
  RetireRefused: 'terminal',
  AddonChanged: 'terminal',
  AddonFailed: 'terminal',
  ServiceAccountChanged: 'terminal',
  AssociationChanged: 'terminal',
  PodsOnWrongIdentity: 'terminal',
  // Pods have the identity that they should have, and do not work with it, though those of before did.
  PodsFailing: 'terminal',
  LockLost: 'needs-human',
  // It has waited for one thing as long as may be, and nothing is known to have failed.
  WaitedTooLong: 'needs-human',
  RestoreRefused: 'needs-human',
  // The way back would take longer than the sessions of the pods last for sure: a person decides.
  SessionsMayEnd: 'needs-human',
  // New pods still get EKS Pod Identity long after their association is gone: it is given back to them.
  WebhookStillInjects: 'needs-human',
  RestoreFailed: 'needs-human',
} as const satisfies Record<string, 'retryable' | 'waiting' | 'terminal' | 'needs-human'>;

export type ErrorName = keyof typeof ERROR_CLASSES;
export type ErrorClass = (typeof ERROR_CLASSES)[ErrorName];

/** Characters of a message that are kept: as many as the state machine's own texts take of one. */
const LONGEST_MESSAGE = 4000;

/**
 * An error with one of the names above. `message` says what, where, why, and what to do next. It goes to logs, records
 * and terminals and may repeat what AWS or a caller said: it is cut, and what is not printable in it is escaped.
 */
export class MigrationError extends Error {
  override readonly name: ErrorName;
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(shown(message, LONGEST_MESSAGE), options);
    this.name = name;
  }
}

/** AWS lets the service assume no role in an account: whatever is read or changed there fails by it. */
export class RoleNotAssumed extends MigrationError {
  readonly account: string;
  constructor(account: string, message: string, options?: ErrorOptions) {
    super('AccessDenied', message, options);
    this.account = account;
  }
}

export const isMigrationError = (error: unknown, name?: ErrorName): error is MigrationError =>
  error instanceof MigrationError && (name === undefined || error.name === name);

/**
 * Whether EKS has refused an association since its service account has one: of somebody else's, or one that was deleted
 * some seconds ago, whose key is not free yet (aws-controllers-k8s/community#2684).
 */
export const isAssociationConflict = (error: unknown): error is MigrationError =>
  isMigrationError(error, 'Busy') && /association already exists/i.test(error.message);

/** Of a name that somebody else has written; undefined for none of ours. */
export const classOf = (name: string): ErrorClass | undefined =>
  Object.hasOwn(ERROR_CLASSES, name) ? ERROR_CLASSES[name as ErrorName] : undefined;

export const namesOfClass = (errorClass: ErrorClass): ErrorName[] =>
  (Object.keys(ERROR_CLASSES) as ErrorName[]).filter((name) => ERROR_CLASSES[name] === errorClass);
