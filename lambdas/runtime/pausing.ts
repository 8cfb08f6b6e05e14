/**
 * Decides how long an execution waits before it enters a failed state again, and notes in the record what it waits for:
 * in the failing step itself, or in the step `pause` (ADR 120).
 */
import { z } from 'zod';
import { type ErrorName, isMigrationError, MigrationError } from '../domain/failures/errors.ts';
import { rolloutSeconds } from '../domain/waiting/first-polls.ts';
import type { Failure } from '../domain/terms/outcome.ts';
import type { Migration } from '../domain/record/migration.ts';
import { pacedSeconds } from '../domain/aws/pace.ts';
import { PauseNoted } from '../domain/waiting/noted-pause.ts';
import { OUTAGE_ERRORS, pausedErrors } from '../domain/waiting/paused-errors.ts';
import { decidePause, patienceFor, waitsForOf } from '../domain/waiting/pause.ts';
import { asClause } from '../domain/text/text.ts';
import { type NotedWait, WAITS_TEXT } from '../domain/waiting/waiting-for.ts';
import { isOverdue, WITNESS_WAIT_SECONDS } from '../domain/rollout/forecast.ts';
import { isOfWitness } from '../domain/rollout/progress.ts';
import type { HandlerDependencies, MigrationFile } from '../ports/index.ts';
import { failureOf } from './failures.ts';
import { noteWait, sameWait } from './note-wait.ts';
import { utcOf } from './utc.ts';

/** What a decision about a pause is made from, in addition to the record. */
export interface PauseAsked {
  migrationId: string;
  /** The state that failed. */
  state: string;
  /** Whether the execution rolls back or records an end: neither can be cancelled. */
  back: boolean;
  /** The number of pauses of this execution so far, including this one. */
  pauses: number;
  executionStartedAt: string;
  /** The error with which the state failed. */
  failure: Failure;
}

/** The number of characters of the last error that the record repeats. */
const SHOWN = 600;

const lastSeen = ({ name, message }: Failure): string => `Last error: ${name}: ${message.slice(0, SHOWN)}`;

/** The states before the first change. */
const UNBEGUN: ReadonlySet<string> = new Set(['Plan', 'PlanAgain', 'Begin']);

/** What to do if a migration is throttled so much that it cannot begin. */
const THROTTLED_NEXT =
  'Other callers use up the limit of that operation in this account and region. Find them in CloudTrail and have them call less, or have the limit raised in Service Quotas or by AWS Support; then start the migration again.';

/** Returns the error for a wait that has reached its limit, or whose cause time can't fix. */
function overAs(
  end: 'person' | 'failed',
  { migrationId, state, failure }: PauseAsked,
  { what, since, isThrottledUnbegun }: Pick<NotedWait, 'what' | 'since'> & { isThrottledUnbegun: boolean },
): MigrationError {
  const waited = `Migration ${migrationId} has waited in state ${state} since ${since} for ${WAITS_TEXT[what]}`;
  return end === 'failed'
    ? new MigrationError(failure.name as ErrorName, `${waited}. Waiting longer can't fix that. ${lastSeen(failure)}`)
    : new MigrationError(
        'WaitedTooLong',
        `${waited}, which is the limit. ${isThrottledUnbegun ? `${lastSeen({ ...failure, message: asClause(failure.message) })}. ${THROTTLED_NEXT}` : lastSeen(failure)}`,
      );
}

/** Returns whether a cancel was requested since the last poll: the failed state notices it when it is entered again. */
async function isNewlyCancelled(
  { migrationId, back }: PauseAsked,
  before: NotedWait | undefined,
  { ledger }: Pick<HandlerDependencies, 'ledger'>,
): Promise<boolean> {
  if (back) return false;
  const cancel = await ledger.getCancel(migrationId);
  return cancel !== undefined && (before === undefined || before.notedAt <= cancel.requestedAt);
}

/**
 * Returns when the wait began. A wait that can't be noted is counted from the start of the execution if its plan has
 * written no record yet, or from the end that the record has.
 */
function waitingSince(
  record: Migration | undefined,
  same: NotedWait | undefined,
  { executionStartedAt }: PauseAsked,
  now: number,
): string {
  if (record === undefined) return new Date(executionStartedAt).toISOString();
  if (record.status === 'ended') return record.endedAt ?? record.startedAt;
  return same?.since ?? utcOf(now);
}

/** The waits whose duration the plan forecasts: for pods, and for the add-on, which becomes ACTIVE once they are ready. */
const FORECAST: readonly ReturnType<typeof waitsForOf>[] = ['pods', 'activation'];

/**
 * Returns the seconds that were left of the plan's forecast when the wait began; the change began with the snapshot. A pod
 * that goes first takes as long as one pod.
 * Undefined if there is no forecast, and during a rollback, which can begin at any time.
 */
function leftOfForecast(
  { migration, snapshot }: MigrationFile,
  { what, since, back }: { what: ReturnType<typeof waitsForOf>; since: string; back: boolean },
): number | undefined {
  const forecast = migration?.plan?.forecast;
  if (back || !forecast || !snapshot || !FORECAST.includes(what)) return undefined;
  if (isOfWitness(migration.progress))
    return Math.max(0, ...forecast.workloads.map(({ secondsEach }) => secondsEach - WITNESS_WAIT_SECONDS));
  return Math.max(0, rolloutSeconds(forecast) - (Date.parse(since) - Date.parse(snapshot.takenAt)) / 1000);
}

/**
 * Decides about one pause and notes it. Returns the seconds to wait, or the error with which the waiting ends: then
 * nothing is noted.
 */
export async function pauseFor(
  asked: PauseAsked,
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<{ seconds: number } | { over: MigrationError }> {
  const { migrationId, state, back, failure, pauses } = asked;
  const now = clock.now();
  const file = await ledger.getFile(migrationId);
  const { migration: record, snapshot } = file;
  const what = waitsForOf(failure.name);
  const before = record?.waitingFor;
  const since = waitingSince(record, sameWait(record, { what, state }), asked, now);
  const isThrottledUnbegun = failure.name === 'Throttled' && UNBEGUN.has(state);
  const decision = decidePause({
    what,
    waited: Math.max(0, now - Date.parse(since)) / 1000,
    pauses,
    back,
    seed: `${migrationId} ${state}`,
    expected: leftOfForecast(file, { what, since, back }),
    isThrottledUnbegun,
    asked: failure.name === 'Paced' ? pacedSeconds(failure.message) : undefined,
  });
  if (decision.over) return { over: overAs(decision.over, asked, { what, since, isThrottledUnbegun }) };
  // A wait beyond the request's limit does not roll anything back, but the requester is notified.
  const isLate = snapshot && isOverdue(Date.parse(snapshot.takenAt), now, record?.request.maxDurationMinutes);
  const seconds = (await isNewlyCancelled(asked, before, { ledger })) ? 1 : decision.seconds;
  await noteWait(
    ledger,
    { migrationId, before, notifies: decision.tell || isLate === true },
    {
      what,
      since,
      until: utcOf(Date.parse(since) + patienceFor(what, isThrottledUnbegun) * 1000),
      text: `The migration waits for ${WAITS_TEXT[what]}. ${lastSeen({ ...failure, message: asClause(failure.message) })}.`,
      nextTryAt: utcOf(now + seconds * 1000),
      state,
      notedAt: utcOf(now),
    },
  );
  return { seconds };
}

const pausing = z.object({
  state: z.string().min(1),
  back: z.boolean(),
  /** Errors that this state pauses for in addition. */
  held: z.array(z.string()).optional(),
  /** The number of pauses of this execution so far, including the one that would follow. */
  pauses: z.number().int().positive(),
  executionStartedAt: z.string(),
  /** How often the state machine has retried the step without a pause. */
  retries: z.number().int().min(0),
});

/**
 * What a state machine adds to a step's input if it waits as long as the failed step has noted. Absent in definitions of
 * releases that always call the step `pause`.
 */
export type Pausing = z.infer<typeof pausing>;

/** Returns a step's own input, and what the state machine has added to it. */
export function splitPausing(event: unknown): { event: unknown; pausing?: Pausing } {
  if (typeof event !== 'object' || event === null || !Object.hasOwn(event, 'pausing')) return { event };
  const { pausing: added, ...input } = event as Record<string, unknown>;
  const parsed = pausing.safeParse(added).data;
  return parsed ? { event: input, pausing: parsed } : { event };
}

/**
 * Decides and notes the pause that follows the error of a step. Returns undefined, and the step's own error must be
 * thrown, if that leads to something other than a pause: a quick retry, another state, or the end of the waiting; and if
 * the pause can't be noted. The state machine then decides as it does for a function that gave no answer.
 */
export async function notePause(
  { migrationId, pausing: asked }: { migrationId: string | undefined; pausing: Pausing | undefined },
  error: unknown,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'clock' | 'telemetry'>,
): Promise<PauseNoted | undefined> {
  if (migrationId === undefined || !asked || !isMigrationError(error)) return undefined;
  const { held = [], retries, ...rest } = asked;
  if (!pausedErrors(asked).includes(error.name) && !held.includes(error.name)) return undefined;
  if (retries === 0 && OUTAGE_ERRORS.includes(error.name)) return undefined;
  try {
    const pause = await pauseFor({ ...rest, migrationId, failure: failureOf(error) }, dependencies);
    return 'over' in pause ? undefined : new PauseNoted({ seconds: pause.seconds, error: error.name });
  } catch (second) {
    dependencies.telemetry.log.warn('could not note the pause', failureOf(second));
    return undefined;
  }
}
