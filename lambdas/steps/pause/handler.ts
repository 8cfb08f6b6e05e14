/**
 * Decides how long an execution waits before it enters a failed state again. Notes in the record what it waits for, and
 * adds the outbox events: one when the wait begins and one when it ends (`handler.ts` adds that one when a step has
 * succeeded). Changes nothing at the target.
 * Idempotency: can be repeated; a wait keeps the time at which it began.
 * Failure: when the wait is over, throws WaitedTooLong or the error that it was given. An outage of the ledger itself is
 * waited out by the state machine alone.
 */
import { type ErrorName, MigrationError } from '../../domain/failures/errors.ts';
import { rolloutSeconds } from '../../domain/waiting/first-polls.ts';
import type { Failure, Migration } from '../../domain/migration/model.ts';
import { pacedSeconds } from '../../domain/aws/pace.ts';
import { decidePause, patienceFor, waitsForOf } from '../../domain/waiting/pause.ts';
import { asClause } from '../../domain/text/text.ts';
import { type NotedWait, WAITS_TEXT } from '../../domain/waiting/waiting-for.ts';
import { isOverdue, WITNESS_WAIT_SECONDS } from '../../domain/rollout/forecast.ts';
import type { HandlerDependencies, MigrationFile } from '../../ports/index.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { isOfWitness } from '../../use-cases/pods/unsettled.ts';
import { noteWait, sameWait } from '../../use-cases/waiting/note-wait.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcOf } from '../../runtime/utc.ts';
import { pauseSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof pauseSchema>>[0];

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
  { migrationId, error, state }: Input,
  { what, since, isThrottledUnbegun }: Pick<NotedWait, 'what' | 'since'> & { isThrottledUnbegun: boolean },
  failure: Failure,
): MigrationError {
  const waited = `Migration ${migrationId} has waited in state ${state} since ${since} for ${WAITS_TEXT[what]}`;
  return end === 'failed'
    ? new MigrationError(error as ErrorName, `${waited}. Waiting longer can't fix that. ${lastSeen(failure)}`)
    : new MigrationError(
        'WaitedTooLong',
        `${waited}, which is the limit. ${isThrottledUnbegun ? `${lastSeen({ ...failure, message: asClause(failure.message) })}. ${THROTTLED_NEXT}` : lastSeen(failure)}`,
      );
}

/** Returns whether a cancel was requested since the last poll: the failed state notices it when it is entered again. */
async function isNewlyCancelled(
  { migrationId, back }: Input,
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
  { executionStartedAt }: Input,
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

const run: StepRun<typeof pauseSchema> = async (input, dependencies) => {
  const { migrationId, state, back, error, cause, pauses } = input;
  const { ledger, clock } = dependencies;
  const now = clock.now();
  const file = await ledger.getFile(migrationId);
  const { migration: record, snapshot } = file;
  const what = waitsForOf(error);
  const before = record?.waitingFor;
  const since = waitingSince(record, sameWait(record, { what, state }), input, now);
  const failure = caughtFailure({ Error: error, Cause: cause });
  const isThrottledUnbegun = error === 'Throttled' && UNBEGUN.has(state);
  const decision = decidePause({
    what,
    waited: Math.max(0, now - Date.parse(since)) / 1000,
    pauses,
    back,
    seed: `${migrationId} ${state}`,
    expected: leftOfForecast(file, { what, since, back }),
    isThrottledUnbegun,
    asked: error === 'Paced' ? pacedSeconds(failure.message) : undefined,
  });
  if (decision.over) throw overAs(decision.over, input, { what, since, isThrottledUnbegun }, failure);
  // A wait beyond the request's limit does not roll anything back, but the requester is notified.
  const isLate = snapshot && isOverdue(Date.parse(snapshot.takenAt), now, record?.request.maxDurationMinutes);
  const seconds = (await isNewlyCancelled(input, before, dependencies)) ? 1 : decision.seconds;
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
};

export const pauseStep = step(pauseSchema, run);
