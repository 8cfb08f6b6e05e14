/**
 * How an execution waits for conditions that may resolve with time: how long it pauses after each poll, and when it
 * stops
 * waiting. Every state of the state machines pauses this way after a few quick retries; no state has its own time
 * limit.
 */
import { randomFrom } from '../text/random.ts';
import type { ErrorName } from '../failures/errors.ts';
import { FIRST_POLL, LONGEST_UNSEEN } from './first-polls.ts';
import type { WaitsFor } from './waiting-for.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** The maximum wait for one condition, in days. After that a person decides. */
export const MOST_DAYS_WAITING = 7;

/** The minimum of seconds between two polls. */
const LEAST_STEP = 3;

/**
 * The same for an add-on that becomes ACTIVE, which takes EKS 20 seconds to minutes: a poll is six calls with those of
 * the ledger, and the pods, whose replacement began with the change, do not wait for it.
 */
const LEAST_STEP_OF_ACTIVATION = 6;

/** The maximum of seconds between two polls. */
const LONGEST_STEP = 30 * MINUTE;

/**
 * The maximum number of pauses of one execution, for which its history has room (docs/histories.md). `forward` leaves
 * enough for a rollback: seven days in steps of half an hour are 336 pauses, and some 80 more before the steps are that
 * long.
 */
export const MOST_PAUSES = { forward: 480, all: 900 } as const;

/**
 * What follows a wait that has lasted too long. `person`: nothing is known to be wrong, so an automatic rollback would
 * be
 * a guess. `failed`: more time would not help.
 */
type End = 'person' | 'failed';

interface Wait {
  /**
   * `poll`: an operation is running and will complete. `outage`: its end is not known, and more calls make it worse.
   */
  kind: 'poll' | 'outage';
  patience: number;
  end: End;
  /** Seconds after which an event is published: much longer than the usual duration. */
  notifiedAfter: number;
}

const poll = (notifiedAfter: number, patience: number = MOST_DAYS_WAITING * DAY, end: End = 'person'): Wait => ({
  kind: 'poll',
  patience,
  end,
  notifiedAfter,
});
const outage = (patience: number = MOST_DAYS_WAITING * DAY): Wait => ({
  kind: 'outage',
  patience,
  end: 'person',
  notifiedAfter: MINUTE,
});

type Paused = Exclude<WaitsFor, 'approval' | 'window'>;

const WAITS: Record<Paused, Wait> = {
  service: outage(),
  function: outage(),
  'api-access': outage(),
  // During a rollback, and while pods are being replaced: a permission may have been removed, or an SCP attached, by
  // mistake. An event is published after a minute, and people have half a day to restore the permission. A longer wait
  // would delay the restore commands.
  access: outage(12 * HOUR),
  // The service spaces out its own calls: each poll returns when its turn is.
  pace: poll(HOUR),
  busy: poll(30 * MINUTE),
  deletion: poll(30 * MINUTE),
  // EKS moves an add-on out of CREATING and UPDATING, but an add-on may stay DEGRADED, which is EKS's status for an
  // add-on
  // that does not work. After three hours it counts as failed.
  activation: poll(HOUR, 3 * HOUR, 'failed'),
  // EKS documents several seconds. After half an hour, an association must exist that EKS does not list.
  association: poll(10 * MINUTE, 30 * MINUTE, 'failed'),
  pods: poll(2 * HOUR),
  restore: poll(30 * MINUTE),
  // Changes of IAM are usually visible everywhere within seconds, and AWS publishes no limit. No pod loses its
  // credentials meanwhile. After a day, the policy does not meet EKS's needs.
  trust: poll(10 * MINUTE, DAY, 'failed'),
  'role-lock': poll(HOUR),
  recovery: poll(HOUR),
  execution: poll(30 * MINUTE),
};

const ERRORS: Partial<Record<ErrorName, Paused>> = {
  Throttled: 'service',
  ServiceUnavailable: 'service',
  ConnectionLost: 'service',
  ApiServerDenied: 'api-access',
  AccessDenied: 'access',
  Paced: 'pace',
  OutOfTime: 'function',
  Busy: 'busy',
  AddonStillThere: 'deletion',
  AddonNotActive: 'activation',
  AssociationStillThere: 'association',
  PodsNotSettled: 'pods',
  RestoreInProgress: 'restore',
  TrustNotSeenYet: 'trust',
  RoleLockHeld: 'role-lock',
  RecoveryPending: 'recovery',
  OwnerMayStillAct: 'execution',
};

/**
 * Returns what an error makes the migration wait for. Errors without a name of this service come from Lambda or Step
 * Functions.
 */
export const waitsForOf = (error: string): Paused =>
  (Object.hasOwn(ERRORS, error) ? ERRORS[error as ErrorName] : undefined) ?? 'function';

/**
 * How long throttling is waited for before anything has changed. A step that needs more calls than are allowed at once
 * begins again after each pause, so only less load of other callers helps, and that has a daily course. The migration can
 * be started again at any time.
 */
const THROTTLED_UNBEGUN = DAY;

/** Returns the maximum wait for one condition, in seconds. */
export const patienceFor = (what: Paused, isThrottledUnbegun = false): number =>
  isThrottledUnbegun ? Math.min(THROTTLED_UNBEGUN, WAITS[what].patience) : WAITS[what].patience;

export interface PauseQuestion {
  what: Paused;
  /** Seconds since the wait began. */
  waited: number;
  /** Pauses of this execution so far, including this one. */
  pauses: number;
  /** Whether the execution rolls back, or records its end: it may then use the pauses that are reserved for that. */
  back: boolean;
  /** Seed for the jitter. */
  seed: string;
  /** Forecast of the wait in seconds, from its beginning. */
  expected?: number | undefined;
  /** Whether calls are throttled, and nothing was changed yet. */
  isThrottledUnbegun?: boolean | undefined;
  /** Seconds after which to try again, if the error contains them. */
  asked?: number | undefined;
}

export interface PauseDecision {
  /** Absent while the wait continues. */
  over?: End;
  /** Seconds until the next poll. */
  seconds: number;
  /** Whether to publish an event about the wait. */
  tell: boolean;
}

/** Returns the next pause as a fraction of the time waited so far. With fewer pauses left, the pauses grow faster. */
function growth(kind: Wait['kind'], left: number): number {
  const usual = kind === 'poll' ? 0.1 : 0.5;
  if (left > 400) return usual;
  return left > 100 ? Math.max(usual, 0.25) : 1;
}

/**
 * Returns the seconds to the next poll: a tenth of the time waited so far, so that a long operation is polled rarely,
 * and
 * a migration takes little longer than the operation. With a forecast, a poll comes shortly before its end, and the
 * polls
 * after it are as close as if the wait had begun then. Before it, polls are rare, and only detect problems.
 */
function pollStep(what: Paused, waited: number, expected: number, share: number): number {
  const firstPoll = FIRST_POLL * expected;
  const least = what === 'activation' ? LEAST_STEP_OF_ACTIVATION : LEAST_STEP;
  if (waited < firstPoll)
    return Math.max(least, Math.min(firstPoll - waited, Math.max(LONGEST_UNSEEN, share * waited)));
  return Math.max(least, expected / 50, share * (waited - firstPoll));
}

/** Decides about one pause. */
export function decidePause(question: PauseQuestion): PauseDecision {
  const { what, waited, pauses, back, seed, expected = 0, isThrottledUnbegun, asked } = question;
  const { kind, end, notifiedAfter } = WAITS[what];
  const patience = patienceFor(what, isThrottledUnbegun);
  const left = (back ? MOST_PAUSES.all : MOST_PAUSES.forward) - pauses;
  const tell = waited >= Math.max(notifiedAfter, 2 * expected);
  if (waited >= patience) return { over: end, seconds: 0, tell };
  if (left <= 0) return { over: 'person', seconds: 0, tell };
  const share = growth(kind, left);
  const step = asked ?? (kind === 'poll' ? pollStep(what, waited, expected, share) : Math.max(15, share * waited));
  // Jitter only adds time: a service that is down is not called earlier than intended.
  const jittered = step * (1 + (kind === 'poll' ? 0.1 : 0.5) * randomFrom(`${seed} ${pauses}`)());
  // Half an hour at most, unless too few pauses are left to cover the remaining patience.
  const longest = Math.max(LONGEST_STEP, patience / left);
  const untilTheEnd = patience - waited;
  return { seconds: Math.max(1, Math.ceil(Math.min(jittered, longest, untilTheEnd))), tell };
}
