/**
 * How an execution waits for what time may cure: for how long after each look, and when waiting is over. Every state of
 * the state machines comes here after a few quick retries; no state has a time budget of its own.
 */
import { randomFrom } from '../text/random.ts';
import type { ErrorName } from '../failures/errors.ts';
import { FIRST_POLL, LONGEST_UNSEEN } from './first-polls.ts';
import type { WaitsFor } from './waiting-for.ts';

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Waiting for one thing ends after that many days, with a person who decides. */
export const MOST_DAYS_WAITING = 7;

/** Seconds between two looks, whatever is waited for. */
const LONGEST_STEP = 30 * MINUTE;

/**
 * Pauses of one execution: the history of an execution has room for so many (docs/histories.md). What comes before a
 * rollback leaves enough for one: seven days in steps of half an hour are 336, and some 80 more before the steps are
 * that long.
 */
export const MOST_PAUSES = { forward: 480, all: 900 } as const;

/**
 * What becomes of a wait that has lasted too long: `person`, since nothing is known to be wrong, so that going back by
 * itself would be a guess; `failed`, since it is not a matter of time any more.
 */
type End = 'person' | 'failed';

interface Wait {
  /**
   * `poll`: somebody works on it, and is done sooner or later; a look at a time. `outage`: nobody knows when it is over,
   * and more calls make it worse.
   */
  kind: 'poll' | 'outage';
  patience: number;
  end: End;
  /** Seconds after which others are told: much longer than it takes as a rule. */
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
  // On the way back, and while pods follow their associations: a right may have been taken away, or an SCP been attached,
  // by mistake. Somebody is told after a minute, and has half a day to give it back. Longer would keep the commands from
  // them that finish by hand.
  access: outage(12 * HOUR),
  // Calls of the service's own, which it spaces out: each look says when its turn is.
  pace: poll(HOUR),
  busy: poll(30 * MINUTE),
  deletion: poll(30 * MINUTE),
  // EKS moves an add-on out of CREATING and UPDATING by itself. DEGRADED it may stay: that is EKS's own word for an
  // add-on that does not work, and after three hours it counts as that.
  activation: poll(HOUR, 3 * HOUR, 'failed'),
  // EKS documents several seconds. After half an hour there is another association than the ones that it lists.
  association: poll(10 * MINUTE, 30 * MINUTE, 'failed'),
  pods: poll(2 * HOUR),
  restore: poll(30 * MINUTE),
  // Changes of IAM are visible everywhere after seconds, or minutes. After an hour the policy is not what EKS wants.
  trust: poll(10 * MINUTE, HOUR, 'failed'),
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

/** Returns what an error has the migration wait for; what is none of ours is of Lambda, or of Step Functions. */
export const waitsForOf = (error: string): Paused =>
  (Object.hasOwn(ERRORS, error) ? ERRORS[error as ErrorName] : undefined) ?? 'function';

/** Seconds that a migration waits for one thing at most. */
export const patienceFor = (what: Paused): number => WAITS[what].patience;

export interface PauseQuestion {
  what: Paused;
  /** Seconds since it began to wait for that. */
  waited: number;
  /** Pauses of this execution so far, this one included. */
  pauses: number;
  /** Whether the execution is on its way back, or records its end: then it may use what was left for that. */
  back: boolean;
  /** What jitter is drawn from. */
  seed: string;
  /** Seconds that it is forecast to take, from the time on when it began to wait. */
  expected?: number | undefined;
  /** Seconds after which it shall be tried again, where whoever refused it has said so. */
  asked?: number | undefined;
}

export interface PauseDecision {
  /** Absent where it is waited on. */
  over?: End;
  /** Until the next look. */
  seconds: number;
  /** Whether others are to be told that it waits. */
  tell: boolean;
}

/** Part of the time waited so far that the next wait takes; with fewer pauses left the steps grow faster. */
function growth(kind: Wait['kind'], left: number): number {
  const usual = kind === 'poll' ? 0.1 : 0.5;
  if (left > 400) return usual;
  return left > 100 ? Math.max(usual, 0.25) : 1;
}

/**
 * The step of a poll: a tenth of the time waited so far, so that what takes long is looked at rarely, and a migration
 * takes little longer than what it waits for. With a forecast a look comes shortly before its end, and the looks after
 * it are as close as if it had begun to wait then; before it looks are rare, and only for what may go wrong.
 */
function pollStep(waited: number, expected: number, share: number): number {
  const firstPoll = FIRST_POLL * expected;
  if (waited < firstPoll) return Math.min(firstPoll - waited, Math.max(LONGEST_UNSEEN, share * waited));
  return Math.max(3, expected / 50, share * (waited - firstPoll));
}

/** Decides about one pause. */
export function decidePause({ what, waited, pauses, back, seed, expected = 0, asked }: PauseQuestion): PauseDecision {
  const { kind, patience, end, notifiedAfter } = WAITS[what];
  const left = (back ? MOST_PAUSES.all : MOST_PAUSES.forward) - pauses;
  const tell = waited >= Math.max(notifiedAfter, 2 * expected);
  if (waited >= patience) return { over: end, seconds: 0, tell };
  if (left <= 0) return { over: 'person', seconds: 0, tell };
  const share = growth(kind, left);
  const step = asked ?? (kind === 'poll' ? pollStep(waited, expected, share) : Math.max(15, share * waited));
  // Jitter only adds: what is down is not asked earlier than meant.
  const jittered = step * (1 + (kind === 'poll' ? 0.1 : 0.5) * randomFrom(`${seed} ${pauses}`)());
  // Steps of half an hour, but where so many of them are not left for all of the patience.
  const longest = Math.max(LONGEST_STEP, patience / left);
  const untilTheEnd = patience - waited;
  return { seconds: Math.max(1, Math.ceil(Math.min(jittered, longest, untilTheEnd))), tell };
}
