/**
 * The one table from an error's name to what the state machine does about it. Names come from
 * `lambdas/domain/failures/errors.ts`; the Lambda service's own are listed here. Retriers of a state count each for itself, and
 * the first whose names match is used. `jitter: true` draws each wait anew between zero and the number that the
 * arithmetic gives (FULL), so that the runs of a fleet do not come back all at once.
 */
import { ERROR_CLASSES, type ErrorName, namesOfClass } from '../../lambdas/domain/failures/errors.ts';
import { onwardFrom, STAGE_OF, type StepOfChange } from '../../lambdas/domain/failures/routing.ts';
import { MOST_WINDOW_HOURS } from '../../lambdas/domain/waiting/change-window.ts';
import type { StepName } from '../../lambdas/steps/schemas.ts';

/**
 * Errors that the Lambda service makes of an invocation, not our code.
 * Source: Step Functions Developer Guide, "Handle transient Lambda service exceptions" and "Handling error conditions".
 */
export const LAMBDA_ERRORS = [
  'Lambda.TooManyRequestsException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.Unknown',
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Lambda.ResourceNotReadyException',
  'Lambda.ResourceConflictException',
  'Lambda.ENINotReadyException',
  'Lambda.EC2ThrottledException',
  'Lambda.CodeArtifactUserPendingException',
] as const;

type RetriedName = ErrorName | (typeof LAMBDA_ERRORS)[number] | 'States.Timeout';

export interface Retrier {
  errors: RetriedName[];
  intervalSeconds: number;
  backoffRate: number;
  maxDelaySeconds?: number;
  maxAttempts: number;
  jitter: boolean;
}

/** What says nothing against the migration: a service, the network or an invocation has failed, or too much came at once. */
const OUTAGES: RetriedName[] = [
  'Throttled',
  'ServiceUnavailable',
  'ConnectionLost',
  // The change is not begun in what is left of this invocation; the next one has all of its time.
  'OutOfTime',
  ...LAMBDA_ERRORS,
  'States.Timeout',
];

/**
 * Of a state that pauses: one more try at once, since most faults are over with the second one. FULL jitter may draw
 * zero, and a Retry that is counted anew at each visit of the state is no budget: what goes on is waited out by the
 * pause, whose steps have a floor. Up to 2 s, once.
 */
const AT_ONCE: Retrier[] = [{ errors: OUTAGES, intervalSeconds: 2, backoffRate: 1, maxAttempts: 1, jitter: true }];

/**
 * What a state pauses for: every error that time may cure, the answers "not yet" of polls among them. A window is waited
 * for by `AwaitWindow` itself.
 */
const PAUSED: RetriedName[] = [
  ...OUTAGES,
  ...namesOfClass('retryable').filter((error) => !OUTAGES.includes(error)),
  ...namesOfClass('waiting').filter((error) => error !== 'WindowClosed' && error !== 'WindowFarOff'),
];

/**
 * A rollback also waits for a missing right (`lambdas/domain/waiting/pause.ts`): the add-on may be gone, and a person can grant
 * the right again.
 */
const PAUSED_DURING_ROLLBACK: RetriedName[] = [...PAUSED, 'AccessDenied'];

const ERROR_NAMES = Object.keys(ERROR_CLASSES) as ErrorName[];
const isOfChange = (step: StepName): step is StepOfChange => Object.hasOwn(STAGE_OF, step);

/** The errors that a state of the road pauses for beside those that time may cure: what the domain holds for. */
export const heldErrors = (step: StepName): ErrorName[] =>
  isOfChange(step) ? ERROR_NAMES.filter((error) => !PAUSED.includes(error) && onwardFrom(step, error) === 'hold') : [];

/** The errors that a state pauses for. `callback`: its time-out is its answer. `held`: see `heldErrors`. */
export const pausedErrors = ({
  back,
  callback,
  held = [],
}: {
  back: boolean;
  callback: boolean;
  held?: readonly ErrorName[];
}): RetriedName[] =>
  [...(back ? PAUSED_DURING_ROLLBACK : PAUSED), ...held].filter((error) => !callback || error !== 'States.Timeout');

/** What a pause ends with when waiting is over: see `lambdas/steps/pause`. */
export const PAUSE_OVER: ErrorName[] = ['WaitedTooLong', ...namesOfClass('waiting')];

const FETCHED_ANEW: Retrier = {
  // The function was not called for weeks: Lambda has taken away its network interfaces, or its copy of the code, and
  // fetches them anew at the first call, which fails, as others do until they are there: a minute or two. 20 s × 9 =
  // 3 min. Source: Lambda Developer Guide, "Lambda function states"; Lambda API Reference, Invoke, errors.
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

/** Of states that do not pause: what may be over in a moment, and what may take its time where nothing is at stake. */
const transient = (hours: boolean): Retrier[] => [
  {
    // Too much at once. 2 s × 2^k, at most 60 s: 2 + 4 + 8 + 16 + 32 + 5 × 60 = 362 s over 10 retries, half of it on
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
    // Something else works on the add-on or the association: an update takes 1 to 3 minutes. 10 s × 1.5^k, at most 60
    // s: 10 + 15 + 22.5 + 33.8 + 50.6 + 7 × 60 = 552 s over 12 retries, 4 to 5 minutes on average. With hours: 60 min
    // over 60.
    errors: ['Busy'],
    intervalSeconds: 10,
    backoffRate: 1.5,
    maxDelaySeconds: 60,
    maxAttempts: hours ? 60 : 12,
    jitter: true,
  },
  FETCHED_ANEW,
  {
    // A fault of a service or of the network, or an invocation that died or took too long: its effect is not known,
    // and every step looks before it acts. 2 s × 2^k, at most 30 s: 2 + 4 + 8 + 16 + 2 × 30 = 90 s over 6 retries;
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
 * Polls by Retry, which costs one state transition and three history events, where a pause costs four transitions and
 * some twenty events. Even intervals keep the lag small: half an interval on average, one interval at most.
 */
const POLLS: Partial<Record<StepName, Retrier[]>> = {
  'await-window': [
    // 1 h × 336 = 14 days, the longest that a window may be waited for; the step says beforehand where it does not open
    // in time. A cancel is seen within the hour. Every ten minutes, as in the last hour, all waits together would take
    // 12,960 of the 25,000 events of a history.
    poll('WindowFarOff', 3600, MOST_WINDOW_HOURS),
    // 10 min × 12 = 2 h, for the last hour before the window opens. It is at least 15 min long, so that none is missed.
    poll('WindowClosed', 600, 12),
  ],
  // 60 s × 360 = 6 h, for the migrations that work with the role, one of which may wait for an outage to end: nothing is
  // at stake here. New ones wait for it meanwhile.
  'retire-trust': [poll('RoleLockHeld', 60, 360)],
};

/** Steps whose transient errors have hours: nothing is at stake in waiting. */
const PATIENT: readonly StepName[] = ['retire-trust'];

/** A step's retriers, its polls first. `paused`: the state pauses for whatever goes on for longer. */
export function retriersOf(
  step: StepName,
  { paused = false, callback = false }: { paused?: boolean; callback?: boolean } = {},
): Retrier[] {
  const retriers = [...(POLLS[step] ?? []), ...(paused ? AT_ONCE : transient(PATIENT.includes(step)))];
  // The time-out of a state that waits for somebody is its answer.
  return callback
    ? retriers.map((retrier) => ({ ...retrier, errors: retrier.errors.filter((error) => error !== 'States.Timeout') }))
    : retriers;
}

/**
 * Where a failure leads: to the way back, to a state that records the end, to an end, or to the choice between these.
 */
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

/** Nothing is changed yet: whatever it is, it blocks. */
const BEFORE_CHANGES: Catcher[] = [{ errors: 'any', next: 'RecordBlocked' }];
const TARGETS = { person: 'RecordNeedsHuman', back: 'RollBack', forward: 'RecordMigrated' } as const;

/** Something may be changed: what follows is the domain's decision, error by error; the last one is of any other. */
function afterChanges(step: StepOfChange): Catcher[] {
  const ofThirdParties = onwardFrom(step, 'any other');
  const named = (['person', 'back', 'forward'] as const)
    .filter((onward) => onward !== ofThirdParties)
    .map((onward) => ({
      errors: ERROR_NAMES.filter((error) => onwardFrom(step, error) === onward),
      next: TARGETS[onward],
    }))
    .filter(({ errors }) => errors.length > 0);
  if (ofThirdParties === 'hold') throw new Error(`An error of ${step} that nobody knows can't be waited out.`);
  return [...named, { errors: 'any', next: TARGETS[ofThirdParties] }];
}

/** What fails during a rollback only a person can put right. */
export const ROLLBACK_CATCHERS: Catcher[] = [{ errors: 'any', next: 'RecordNeedsHuman' }];
/** Before a person is asked, the association that EKS's webhook still injects is created again. */
export const WEBHOOK_STILL_INJECTS: Catcher[] = [{ errors: ['WebhookStillInjects'], next: 'ReturnAssociations' }];
/** A recovery that can't be begun changes nothing, not even the record. */
export const BEFORE_RECOVERY: Catcher[] = [{ errors: 'any', next: 'RecoveryFailed' }];

/**
 * Before it has written anything it is refused; after any other error something may be written, and the record says
 * what.
 */
export const OF_RETIREMENT: Catcher[] = [
  { errors: ['RetireRefused', 'LockHeld', 'RoleLockHeld', 'BadInput'], next: 'RetireRefused' },
  { errors: 'any', next: 'RetireFailed' },
];

/**
 * One region of one account is looked at in an execution of its own: the others go on, and the report says of this one
 * that the look at it did not end.
 */
export const OF_A_LOCATION: Catcher[] = [{ errors: 'any', next: 'LocationFailed' }];
/** The migrations that a sweep has begun are executions of their own, and go on. */
export const OF_A_SWEEP: Catcher[] = [{ errors: 'any', next: 'ReportFailure' }];
/** What can't even be reported is in the record as it was last. */
export const OF_REPORTING: Catcher[] = [{ errors: 'any', next: 'SweepFailed' }];

/** What each state on the road catches that time does not cure. */
export const WORKFLOW_CATCHERS = {
  plan: BEFORE_CHANGES,
  'request-approval': BEFORE_CHANGES,
  'await-window': BEFORE_CHANGES,
  // It holds no lock then.
  begin: [{ errors: ['WindowClosed'], next: 'AwaitWindow' }, ...BEFORE_CHANGES],
  // The first change of all: the way back finds the add-on as it was. The agent stays.
  'install-agent': afterChanges('install-agent'),
  // Before any change of the add-on: the way back finds it as it was, and takes out of the trust what was added.
  'repair-trust': afterChanges('repair-trust'),
  // The step compares the add-on with the snapshot before its first call that changes anything. The first way's first
  // change is this one; on a later way the ways before have changed something already.
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
/** The steps of the workflow before its endings. */
export type WorkflowStep = keyof typeof WORKFLOW_CATCHERS;
