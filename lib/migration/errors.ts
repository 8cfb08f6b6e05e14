/**
 * The one table from an error's name to what the state machine does about it. Names come from
 * `lambdas/domain/errors.ts`; the Lambda service's own are listed here. Retriers of a state count each for itself, and
 * the first whose names match is used. `jitter: true` draws each wait anew between zero and the number that the
 * arithmetic gives (FULL), so that the runs of a fleet do not come back all at once.
 */
import type { ErrorName } from '../../lambdas/domain/errors.ts';
import { MOST_WINDOW_HOURS } from '../../lambdas/domain/change-window.ts';
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

/** What may be over in a moment. Every step has these four. */
const TRANSIENT: Retrier[] = [
  {
    // Too much at once. 2 s × 2^k, at most 60 s: 2 + 4 + 8 + 16 + 32 + 5 × 60 = 362 s over 10 retries, half of it on
    // average. EKS publishes no rates; the quota of the Lambda service refills within the second.
    errors: ['Throttled', 'Lambda.TooManyRequestsException'],
    intervalSeconds: 2,
    backoffRate: 2,
    maxDelaySeconds: 60,
    maxAttempts: 10,
    jitter: true,
  },
  {
    // Something else works on the add-on or the association: an update takes 1 to 3 minutes. 10 s × 1.5^k, at most 60
    // s: 10 + 15 + 22.5 + 33.8 + 50.6 + 7 × 60 = 552 s over 12 retries, 4 to 5 minutes on average.
    errors: ['Busy'],
    intervalSeconds: 10,
    backoffRate: 1.5,
    maxDelaySeconds: 60,
    maxAttempts: 12,
    jitter: true,
  },
  {
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
  },
  {
    // A fault of a service or of the network, or an invocation that died or took too long: its effect is not known,
    // and every step looks before it acts. 2 s × 2^k, at most 30 s: 2 + 4 + 8 + 16 + 2 × 30 = 90 s over 6 retries;
    // when each of the 7 attempts also runs into its time-out, 7 × 75 s more.
    errors: [
      'ServiceUnavailable',
      'ConnectionLost',
      // The change is not begun in what is left of this invocation; the next one has all of its time.
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
    maxDelaySeconds: 30,
    maxAttempts: 6,
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
 * Polls that answer "not yet". A Retry costs one state transition (a loop of Wait, Task and Choice costs three) and
 * three history events of the 25,000 that an execution may have. Even intervals keep the lag small: the answer is seen
 * half an interval late on average, one interval at most.
 */
const POLLS: Partial<Record<StepName, Retrier>> = {
  // 20 s × 60 = 20 min, for an execution that has stopped and left its lock: Recover is started within 5 min and waits
  // 1 to 2 until the Lambdas of that execution are certainly over; the rest is for its rollback, 1 to 5 min as a rule.
  plan: poll('RecoveryPending', 20, 60),
  // 10 min × 12 = 2 h, for the last hour before the window opens. It is at least 15 min long, so that none is missed.
  'await-window': poll('WindowClosed', 600, 12),
  // 30 s × 120 = 60 min, for another run that changes the trust of a role, or for those that work with a role whose
  // trust this one changes: they take 2 to 10 min; 15 s of lag. A wish (`lambdas/domain/locks.ts`) outlasts the interval.
  begin: poll('RoleLockHeld', 30, 120),
  // 10 s × 120 = 20 min, as Terraform allows a create. A DaemonSet of one small image is ready on every node in 20 s to
  // 2 min: 2 to 12 transitions, 5 s of lag. No wait comes first, since the step is rarely called at all.
  'install-agent': poll('AddonNotActive', 10, 120),
  // 10 s × 120 = 20 min, twice what the SDK's AddonDeleted waiter allows. Non-preserving deletes take 20 s to 2 min:
  // some 10 transitions, 5 s of lag.
  'await-deleted': poll('AddonStillThere', 10, 120),
  // 5 s × 36 = 3 min. Associations are consistent again after several seconds (EKS User Guide): 1 or 2 transitions,
  // 2.5 s of lag.
  'purge-associations': poll('AssociationStillThere', 5, 36),
  // "Association already exists" just after a purge, for the same reason and as long: these, and those of the way back.
  'create-addon': poll('AssociationStillThere', 5, 36),
  'update-addon': poll('AssociationStillThere', 5, 36),
  'create-association': poll('AssociationStillThere', 5, 36),
  'restore-addon': poll('AssociationStillThere', 5, 36),
  'restore-associations': poll('AssociationStillThere', 5, 36),
  // 10 s × 120 = 20 min, as Terraform allows a create. Usual are 30 s to 4 min: up to 24 transitions, 5 s of lag.
  'await-active': poll('AddonNotActive', 10, 120),
  // 10 s × 90 = 15 min a round. A Deployment rolls in 1 to 3 min, a DaemonSet longer with every node: some 20
  // transitions, 5 s of lag.
  'verify-pods': poll('PodsNotSettled', 10, 90),
  // 15 s × 120 = 30 min an assessment: what it waits for is one delete or one create, 20 min each at most, that the
  // road or the action before it began; 8 s of lag.
  'assess-rollback': poll('RestoreInProgress', 15, 120),
  // 10 s × 30 = 5 min, for the one Lambda of a stopped execution that may still be running: 60 s and a margin. A few
  // transitions as a rule, none where the execution stopped long ago.
  'take-over': poll('OwnerMayStillAct', 10, 30),
  // 20 s × 30 = 10 min, for the migrations that work with the role: 2 to 10 min. New ones wait for it meanwhile.
  'retire-trust': poll('RoleLockHeld', 20, 30),
};

/**
 * 10 s × 12 = 2 min, for EKS to see a trust policy that was repaired just before. IAM's changes are visible after
 * seconds as a rule, and a wait of 10 s comes first: no transition, or one.
 */
const TRUST_POLL = poll('TrustNotSeenYet', 10, 12);

/**
 * 1 h × 336 = 14 days, the longest that a window may be waited for; the step says beforehand where it does not open in
 * time. A cancel is seen within the hour. Every ten minutes, as in the last hour, all waits together would take 12,960
 * of the 25,000 events of a history.
 */
const FAR_POLL = poll('WindowFarOff', 3600, MOST_WINDOW_HOURS);

/** Steps that EKS may refuse a trust policy to. */
const TRUSTING: readonly StepName[] = ['create-addon', 'update-addon', 'create-association', 'carry-over'];

/** A step's retriers, its polls first. `trust`: the deployment may change trust policies. */
export function retriersOf(
  step: StepName,
  { trust, callback = false }: { trust: boolean; callback?: boolean },
): Retrier[] {
  const ownPoll = POLLS[step];
  // The time-out of a state that waits for somebody is its answer.
  const transient = callback
    ? TRANSIENT.map((retrier) => ({ ...retrier, errors: retrier.errors.filter((error) => error !== 'States.Timeout') }))
    : TRANSIENT;
  return [
    ...(step === 'await-window' ? [FAR_POLL] : []),
    ...(ownPoll ? [ownPoll] : []),
    ...(trust && TRUSTING.includes(step) ? [TRUST_POLL] : []),
    ...transient,
  ];
}

/**
 * Where a failure leads: to the way back, to a state that records the end, to an end, or to the choice between these.
 */
export type FailureTarget =
  | 'AwaitWindow'
  | 'RollBack'
  | 'RecordMigrated'
  | 'IsAnythingChanged'
  | 'RecordBlocked'
  | 'RecordNeedsHuman'
  | 'Blocked'
  | 'NeedsHuman'
  | 'RecoveryFailed'
  | 'RetireRefused'
  | 'RetireFailed'
  | 'PlaceFailed'
  | 'ReportFailure'
  | 'SweepFailed';

export interface Catcher {
  errors: ErrorName[] | 'any';
  next: FailureTarget;
}

/** Nothing is changed yet: whatever it is, it blocks. */
const BEFORE_CHANGES: Catcher[] = [{ errors: 'any', next: 'RecordBlocked' }];
/** Something may be changed: put it back, unless another run holds the lock by now, whose work that would undo. */
const AFTER_CHANGES: Catcher[] = [
  { errors: ['LockLost'], next: 'RecordNeedsHuman' },
  { errors: 'any', next: 'RollBack' },
];
/** Nothing is left to fall back on but a person. */
export const ON_THE_WAY_BACK: Catcher[] = [{ errors: 'any', next: 'RecordNeedsHuman' }];
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
export const OF_A_PLACE: Catcher[] = [{ errors: 'any', next: 'PlaceFailed' }];
/** The migrations that a sweep has begun are executions of their own, and go on. */
export const OF_A_SWEEP: Catcher[] = [{ errors: 'any', next: 'ReportFailure' }];
/** What can't even be reported is in the record as it was last. */
export const OF_REPORTING: Catcher[] = [{ errors: 'any', next: 'SweepFailed' }];

/** What each state on the road catches when its retries are used up. */
export const ROAD_CATCHERS = {
  plan: BEFORE_CHANGES,
  'request-approval': BEFORE_CHANGES,
  'await-window': BEFORE_CHANGES,
  // It holds no lock then.
  begin: [{ errors: ['WindowClosed'], next: 'AwaitWindow' }, ...BEFORE_CHANGES],
  // The first change of all: the way back finds the add-on as it was. The agent stays.
  'install-agent': AFTER_CHANGES,
  // Before any change of the add-on: the way back finds it as it was, and takes out of the trust what was added.
  'repair-trust': AFTER_CHANGES,
  // The step compares the add-on with the snapshot before its first call that changes anything. The first way's first
  // change is this one; on a later way the ways before have changed something already.
  'delete-addon': [{ errors: ['AddonChanged'], next: 'IsAnythingChanged' }, ...AFTER_CHANGES],
  'await-deleted': AFTER_CHANGES,
  'purge-associations': AFTER_CHANGES,
  'create-addon': AFTER_CHANGES,
  'update-addon': AFTER_CHANGES,
  'create-association': AFTER_CHANGES,
  'await-active': AFTER_CHANGES,
  'carry-over': AFTER_CHANGES,
  'verify-pods': AFTER_CHANGES,
  'restart-pods': AFTER_CHANGES,
  // The pods are proven and do without the annotation: nothing is put back because it stays.
  'annotate-service-account': [
    { errors: ['LockLost'], next: 'RecordNeedsHuman' },
    // Without the association new pods have no other role than the annotation's: the ones that are there go back to it.
    { errors: ['Cancelled', 'AssociationChanged'], next: 'RollBack' },
    { errors: 'any', next: 'RecordMigrated' },
  ],
} as const satisfies Partial<Record<StepName, Catcher[]>>;
