import { shown } from '../text/text.ts';

/**
 * The errors that the state machine knows by name. A name is a string literal: a minifier renames classes, and
 * Step Functions matches on the name alone. `lib/migration/errors.ts` turns this table into Retry and Catch.
 *
 * - `retryable`: the same call may succeed later; nothing is known to be wrong.
 * - `waiting`: not an error, but a poll whose answer is "not yet".
 * - `terminal`: a retry can't help; after `begin` it leads to the rollback.
 * - `needs-human`: to continue or roll back automatically would be unsafe.
 */
export const ERROR_CLASSES = {
  // The adapters map errors of AWS and of the API server to these.
  Throttled: 'retryable',
  // The service's own pace: no call is made before its turn (`domain/aws/pace.ts`, `pacedSeconds`).
  Paced: 'retryable',
  ServiceUnavailable: 'retryable',
  ConnectionLost: 'retryable',
  Busy: 'retryable',
  // Too little time is left in the invocation to start a change.
  OutOfTime: 'retryable',
  // The API server refuses access (401, 403): an access entry takes effect late, or an authorizer is unavailable.
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
  // Another migration changes the trust policy of a role, or others use a role whose trust policy this one changes.
  RoleLockHeld: 'waiting',
  // A trust policy was just changed, and EKS does not see the change yet.
  TrustNotSeenYet: 'waiting',
  // The execution that held the lock has stopped, and Recover has not rolled back its changes yet.
  RecoveryPending: 'waiting',
  // The execution that held the lock has stopped, but one of its Lambda functions may still be running.
  OwnerMayStillAct: 'waiting',
  // The change may begin only within its change window, which is not open.
  WindowClosed: 'waiting',
  // The window does not open within the hour: polls may be an hour apart.
  WindowFarOff: 'waiting',
  // Decisions of the steps.
  BadInput: 'terminal',
  LockHeld: 'terminal',
  // Another migration works on the same subject.
  SubjectBusy: 'terminal',
  Cancelled: 'terminal',
  // The plan was rejected, or not approved in time; or the change window does not open in time.
  ApprovalRejected: 'terminal',
  ApprovalExpired: 'terminal',
  WindowOutOfReach: 'terminal',
  // The limit of waiting migrations is reached; or another migration of the same subject has begun.
  TooManyWaiting: 'terminal',
  Superseded: 'terminal',
  // The migration was planned several times, and had to wait again each time.
  WaitedTooOften: 'terminal',
  // A rollback on demand can't start; nothing was changed.
  RollbackRefused: 'terminal',
  // A trust policy can't be written, or another principal has changed it since it was read: it is left unchanged.
  TrustTooLong: 'terminal',
  TrustChanged: 'terminal',
  // No grant for the service account to use the role was found any more, so the role is not associated.
  RoleNotGranted: 'terminal',
  // The trust that `retire` would remove is still needed, or it is too early; nothing was changed.
  RetireRefused: 'terminal',
  AddonChanged: 'terminal',
  AddonFailed: 'terminal',
  ServiceAccountChanged: 'terminal',
  AssociationChanged: 'terminal',
  // Software that uses the web identity was found right before the annotation would have been removed: it stays.
  ConsumersAppeared: 'terminal',
  PodsOnWrongIdentity: 'terminal',
  // Pods have the intended identity, but do not work with it, although the previous pods worked.
  PodsFailing: 'terminal',
  // Pods have the intended identity, but run where no Pod Identity agent gives them credentials.
  AgentMissing: 'terminal',
  LockLost: 'needs-human',
  // The maximum wait for one condition has passed, and nothing is known to have failed.
  WaitedTooLong: 'needs-human',
  RestoreRefused: 'needs-human',
  // The rollback could take longer than the pods' sessions are guaranteed to last, or no rollout replaces some of the
  // pods: a person decides.
  SessionsMayEnd: 'needs-human',
  // Pods could not use IRSA after the rollback, although they did before the migration: no association is deleted.
  IrsaNotWorking: 'needs-human',
  // New pods still get EKS Pod Identity long after their association was deleted: the association is created again.
  WebhookStillInjects: 'needs-human',
  RestoreFailed: 'needs-human',
} as const satisfies Record<string, 'retryable' | 'waiting' | 'terminal' | 'needs-human'>;

export type ErrorName = keyof typeof ERROR_CLASSES;
export type ErrorClass = (typeof ERROR_CLASSES)[ErrorName];

/** The maximum length of a message, which is also what the state machine's own texts keep of it. */
const LONGEST_MESSAGE = 4000;

/**
 * An error with one of the names above. `message` has what happened, where, why, and what to do next. It goes to logs,
 * records and terminals, and may contain text from AWS or from a caller: it is cut, and unprintable characters are
 * escaped.
 */
export class MigrationError extends Error {
  override readonly name: ErrorName;
  constructor(name: ErrorName, message: string, options?: ErrorOptions) {
    super(shown(message, LONGEST_MESSAGE), options);
    this.name = name;
  }
}

/** The service can't assume a role in an account, so every call in that account fails. */
export class RoleNotAssumed extends MigrationError {
  readonly account: string;
  constructor(account: string, message: string, options?: ErrorOptions) {
    super('AccessDenied', message, options);
    this.account = account;
  }
}

/** Returns whether it is an error of this service, and has one of the names if there are any. */
export const isMigrationError = (error: unknown, ...names: ErrorName[]): error is MigrationError =>
  error instanceof MigrationError && (names.length === 0 || names.includes(error.name));

/** The names of errors by which AWS or an API server does not know the caller, or does not allow what it asks for. */
export const ACCESS_REFUSED = ['Unauthorised', 'AccessDenied'] as const satisfies ErrorName[];
export const isAccessRefused = (error: unknown): error is MigrationError => isMigrationError(error, ...ACCESS_REFUSED);

/**
 * Returns whether EKS refused an association because its service account already has one: a third-party association, or
 * one that was deleted seconds ago and whose key is not free yet (aws-controllers-k8s/community#2684).
 */
export const isAssociationConflict = (error: unknown): error is MigrationError =>
  isMigrationError(error, 'Busy') && /association already exists/i.test(error.message);

/** Returns the class of an error by its name; `undefined` if the name is not one of this service. */
export const classOf = (name: string): ErrorClass | undefined =>
  Object.hasOwn(ERROR_CLASSES, name) ? ERROR_CLASSES[name as ErrorName] : undefined;

export const namesOfClass = (errorClass: ErrorClass): ErrorName[] =>
  (Object.keys(ERROR_CLASSES) as ErrorName[]).filter((name) => ERROR_CLASSES[name] === errorClass);
