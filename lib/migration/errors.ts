/**
 * What the state machines do about each error, by its name. Names come from `lambdas/domain/failures/errors.ts`; those
 * of the Lambda service are listed here. Each retrier of a state has its own count, and the first whose names match is
 * used. `jitter: true` draws each wait between zero and the calculated interval (FULL), so that the executions of a
 * fleet do not retry at the same time.
 */
import { ERROR_CLASSES, type ErrorName, namesOfClass } from '../../lambdas/domain/failures/errors.ts';
import { failureKind, onwardFrom } from '../../lambdas/domain/failures/routing.ts';
import { STAGE_OF, type StepOfChange } from '../../lambdas/domain/steps/work.ts';
import { OUTAGE_ERRORS, pausedErrors as pausedErrorsOf } from '../../lambdas/domain/waiting/paused-errors.ts';
import { MOST_WINDOW_HOURS } from '../../lambdas/domain/terms/change-window.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';

/**
 * Errors of an invocation that come from the Lambda service, not from the handler.
 * Source: Step Functions Developer Guide, "Handle transient Lambda service exceptions" and "Handling error conditions".
 */
const LAMBDA_ERRORS = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  // Seen in logs of Lambda, instead of Runtime.ExitError, for a process that was killed for lack of memory.
  'Runtime.OutOfMemory',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
  'Lambda.EC2ThrottledException',
  'Lambda.CodeArtifactUserPendingException',
] as const;

type RetriedName = ErrorName | (typeof LAMBDA_ERRORS)[number] | 'States.Timeout';

/** Errors of an invocation that no step has thrown. */
const INVOCATION_ERRORS: readonly RetriedName[] = [...LAMBDA_ERRORS, 'States.Timeout'];

export interface Retrier {
  errors: RetriedName[];
  intervalSeconds: number;
  backoffRate: number;
  maxDelaySeconds?: number;
  maxAttempts: number;
  jitter: boolean;
}

/**
 * Errors that are not caused by the migration: a service, the network or an invocation failed, or calls were throttled.
 */
const OUTAGES: RetriedName[] = [...OUTAGE_ERRORS, ...INVOCATION_ERRORS];

/**
 * Retrier of a state that pauses: one quick retry, which most faults do not outlast. FULL jitter may draw zero, and a
 * Retry count that starts again at each visit of the state limits nothing, so a longer fault is waited out by the
 * pause, whose waits have a minimum. Up to 2 s, once.
 */
const AT_ONCE: Retrier[] = [{ errors: OUTAGES, intervalSeconds: 2, backoffRate: 1, maxAttempts: 1, jitter: true }];

/** Returns the errors for which a state pauses: all that may pass with time. */
const pausedFor = (back: boolean): RetriedName[] => [...pausedErrorsOf({ back }), ...INVOCATION_ERRORS];

/** A variant of a step whose failures lead elsewhere than those of the step. */
export type StepVariant = 'confirm-ready';

const ERROR_NAMES = Object.keys(ERROR_CLASSES) as ErrorName[];
const isOfChange = (step: StepName | StepVariant): step is StepOfChange => Object.hasOwn(STAGE_OF, step);

/** Returns the errors that a state of the workflow pauses for, in addition to those that may pass with time. */
export const heldErrors = (step: StepName | StepVariant): ErrorName[] =>
  isOfChange(step)
    ? ERROR_NAMES.filter((error) => failureKind(error) !== 'time' && onwardFrom(step, error) === 'hold')
    : [];

/** How a state pauses. */
export interface Pausing {
  /** Whether its phase is the rollback or records the end: a cancellation does not stop these. */
  back: boolean;
  /** Errors that the state pauses for in addition to those that may pass with time: see `heldErrors`. */
  held?: readonly ErrorName[];
}

/** Returns the errors that a state pauses for. `callback`: its time-out is an answer. */
export const pausedErrors = ({ back, callback, held = [] }: Pausing & { callback: boolean }): RetriedName[] =>
  [...pausedFor(back), ...held].filter((error) => !callback || error !== 'States.Timeout');

/** Errors with which a pause ends the waiting: see `lambdas/steps/pause`. */
export const PAUSE_OVER: ErrorName[] = ['WaitedTooLong', ...namesOfClass('waiting')];

const FETCHED_AGAIN: Retrier = {
  // The function was not called for weeks, so Lambda removed its network interfaces or its copy of the code. It
  // restores them at the first call, which fails, as do further calls for a minute or two. 20 s × 9 = 3 min. Source:
  // Lambda Developer Guide, "Lambda function states"; Lambda API Reference, Invoke, errors.
  errors: [
    'Lambda.ResourceNotReadyException',
    'Lambda.ResourceConflictException',
    'Lambda.ENINotReadyException',
    'Lambda.EC2ThrottledException',
    'Lambda.CodeArtifactUserPendingException',
  ],
  intervalSeconds: 20,
  backoffRate: 1,
  maxAttempts: 9,
  jitter: false,
};

/** Retriers of states that do not pause: minutes by default, or hours for steps that can wait without any risk. */
const transient = (hours: boolean): Retrier[] => [
  {
    // Throttling. 2 s × 2^k, at most 60 s: 2 + 4 + 8 + 16 + 32 + 5 × 60 = 362 s over 10 retries, half of it on
    // average. EKS publishes no rates; the quota of the Lambda service refills within the second. With hours: at most
    // 10 min, 62 + 64 + 128 + 256 + 512 + 30 × 600 s = 5.3 h over 40, half of it on average.
    errors: ['Throttled', 'Paced', 'Lambda.TooManyRequestsException'],
    intervalSeconds: 2,
    backoffRate: 2,
    maxDelaySeconds: hours ? 600 : 60,
    maxAttempts: hours ? 40 : 10,
    jitter: true,
  },
  {
    // Another writer is changing the add-on or the association: an update takes 1 to 3 minutes. 10 s × 1.5^k, at most
    // 60 s: 10 + 15 + 22.5 + 33.8 + 50.6 + 7 × 60 = 552 s over 12 retries, 4 to 5 minutes on average. With hours: 60
    // min over 60.
    errors: ['Busy'],
    intervalSeconds: 10,
    backoffRate: 1.5,
    maxDelaySeconds: 60,
    maxAttempts: hours ? 60 : 12,
    jitter: true,
  },
  FETCHED_AGAIN,
  {
    // A fault of a service or of the network, or an invocation that crashed or timed out: its effect is unknown, and
    // every step observes before it acts. 2 s × 2^k, at most 30 s: 2 + 4 + 8 + 16 + 2 × 30 = 90 s over 6 retries;
    // when each of the 7 attempts also runs into its time-out, 7 × 75 s more. With hours as above.
    errors: [
      'ServiceUnavailable',
      'ConnectionLost',
      'ApiServerDenied',
      'OutOfTime',
      'Lambda.ServiceException',
      'Lambda.AWSLambdaException',
      'Lambda.SdkClientException',
      'Lambda.Unknown',
      'Sandbox.Timedout',
      'Runtime.ExitError',
      'Runtime.OutOfMemory',
      'States.Timeout',
    ],
    intervalSeconds: 2,
    backoffRate: 2,
    maxDelaySeconds: hours ? 600 : 30,
    maxAttempts: hours ? 40 : 6,
    jitter: true,
  },
];

const poll = (error: ErrorName, intervalSeconds: number, maxAttempts: number): Retrier => ({
  errors: [error],
  intervalSeconds,
  backoffRate: 1,
  maxAttempts,
  jitter: false,
});

/**
 * Polls by Retry, which takes one state transition and three history events, whereas a pause takes three transitions and
 * nine events at least. Constant intervals keep the delay small: half an interval on average, one interval at most.
 */
const POLLS: Partial<Record<StepName, Retrier[]>> = {
  'await-window': [
    // 1 h × 336 = 14 days, the maximum wait for a window; the step fails in advance if the window does not open in
    // time. A cancellation is noticed within the hour. Polling every ten minutes, as in the last hour, would take
    // 12,960 of the 25,000 events of a history for all waits together.
    poll('WindowFarOff', 3600, MOST_WINDOW_HOURS),
    // 10 min × 12 = 2 h, for the last hour before the window opens. It is at least 15 min long, so that none is missed.
    poll('WindowClosed', 600, 12),
  ],
  // 60 s × 360 = 6 h, for the migrations that work with the role, one of which may wait for an outage to end. Waiting
  // has no risk here; new migrations wait for the retirement meanwhile.
  'retire-trust': [poll('RoleLockHeld', 60, 360)],
};

/** Steps that retry transient errors for hours, because waiting has no risk. */
const PATIENT: readonly StepName[] = ['retire-trust', 'request-approval', 'await-window'];

/** Returns a step's retriers, its polls first. `paused`: the state pauses for faults that last longer. */
export function retriersOf(
  step: StepName,
  { paused = false, callback = false }: { paused?: boolean; callback?: boolean } = {},
): Retrier[] {
  const retriers = [...(POLLS[step] ?? []), ...(paused ? AT_ONCE : transient(PATIENT.includes(step)))];
  // The time-out of a state that waits for a person is its answer.
  return callback
    ? retriers.map((retrier) => ({ ...retrier, errors: retrier.errors.filter((error) => error !== 'States.Timeout') }))
    : retriers;
}

/** Where a failure leads: to the rollback, to a state that records the end, to an end, or to a choice between these. */
export type FailureTarget =
  | 'AwaitWindow'
  | 'RollBack'
  | 'ReturnAssociations'
  | 'RecordMigrated'
  | 'IsAnythingChanged'
  | 'RecordBlocked'
  | 'RecordNeedsHuman'
  | 'Blocked'
  | 'NeedsHuman'
  | 'RecoveryFailed'
  | 'RetireRefused'
  | 'RetireFailed'
  | 'LocationFailed'
  | 'ReportFailure'
  | 'SweepFailed';

export interface Catcher {
  errors: ErrorName[] | 'any';
  next: FailureTarget;
}

/** Before the first change: every error blocks. */
const BEFORE_CHANGES: Catcher[] = [{ errors: 'any', next: 'RecordBlocked' }];
const TARGETS = { person: 'RecordNeedsHuman', back: 'RollBack', forward: 'RecordMigrated' } as const;

/** After a possible change: the domain decides for each error; the last catcher is for all other errors. */
function afterChanges(step: StepOfChange): Catcher[] {
  const ofThirdParties = onwardFrom(step, 'any other');
  const named = (['person', 'back', 'forward'] as const)
    .filter((onward) => onward !== ofThirdParties)
    .map((onward) => ({
      errors: ERROR_NAMES.filter((error) => onwardFrom(step, error) === onward),
      next: TARGETS[onward],
    }))
    .filter(({ errors }) => errors.length > 0);
  if (ofThirdParties === 'hold') throw new Error(`An unknown error of ${step} cannot be waited out.`);
  return [...named, { errors: 'any', next: TARGETS[ofThirdParties] }];
}

/** Only a person can resolve a failure of the rollback. */
export const ROLLBACK_CATCHERS: Catcher[] = [{ errors: 'any', next: 'RecordNeedsHuman' }];
/** Before a person is asked, the association that EKS's webhook still injects is created again. */
export const WEBHOOK_STILL_INJECTS: Catcher[] = [{ errors: ['WebhookStillInjects'], next: 'ReturnAssociations' }];
/** A recovery that cannot start changes nothing, not even the record. */
export const BEFORE_RECOVERY: Catcher[] = [{ errors: 'any', next: 'RecoveryFailed' }];

/**
 * `RetireRefused` means that nothing was written. After any other error something may be written; the record has what.
 */
export const OF_RETIREMENT: Catcher[] = [
  { errors: ['RetireRefused', 'LockHeld', 'RoleLockHeld', 'BadInput'], next: 'RetireRefused' },
  { errors: 'any', next: 'RetireFailed' },
];

/**
 * Each location is inspected in a separate execution. If one fails, the others continue, and the report shows that the
 * inspection of this location did not finish.
 */
export const OF_A_LOCATION: Catcher[] = [{ errors: 'any', next: 'LocationFailed' }];
/** The migrations that a sweep started are separate executions, and continue. */
export const OF_A_SWEEP: Catcher[] = [{ errors: 'any', next: 'ReportFailure' }];
/** If even the report fails, the record keeps its last state. */
export const OF_REPORTING: Catcher[] = [{ errors: 'any', next: 'SweepFailed' }];

/** What each state of the workflow catches that does not pass with time. */
export const WORKFLOW_CATCHERS = {
  plan: BEFORE_CHANGES,
  'request-approval': BEFORE_CHANGES,
  'await-window': BEFORE_CHANGES,
  // The execution holds no lock at this point.
  begin: [{ errors: ['WindowClosed'], next: 'AwaitWindow' }, ...BEFORE_CHANGES],
  // The first change of all: the rollback finds the add-on unchanged. The agent stays.
  'install-agent': afterChanges('install-agent'),
  // Before any change of the add-on: the rollback finds it unchanged, and removes what was added to the trust policy.
  'repair-trust': afterChanges('repair-trust'),
  // The step compares the add-on with the snapshot before its first change. In the first attempt this is the first
  // change; in a later attempt, the earlier ones have already made changes.
  'delete-addon': [{ errors: ['AddonChanged'], next: 'IsAnythingChanged' }, ...afterChanges('delete-addon')],
  'await-deleted': afterChanges('await-deleted'),
  'create-addon': afterChanges('create-addon'),
  'update-addon': afterChanges('update-addon'),
  'create-association': afterChanges('create-association'),
  'await-active': afterChanges('await-active'),
  'carry-over': afterChanges('carry-over'),
  'verify-pods': afterChanges('verify-pods'),
  'restart-pods': afterChanges('restart-pods'),
  'annotate-service-account': afterChanges('annotate-service-account'),
} as const satisfies Partial<Record<StepName, Catcher[]>>;
/** What the states of variants catch instead. */
export const VARIANT_CATCHERS: Record<StepVariant, Catcher[]> = { 'confirm-ready': afterChanges('confirm-ready') };
/** The steps of the workflow before its endings. */
export type WorkflowStep = keyof typeof WORKFLOW_CATCHERS;
