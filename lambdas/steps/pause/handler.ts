/**
 * Says for how long an execution waits before it enters a state again that has failed, notes what it waits for in the
 * record, and what others are to be told of it: once that it waits, and once that it goes on (`handler.ts` notes that
 * when a step has succeeded). Changes nothing at the target.
 * Idempotency: it may be asked again; what it waits for keeps the time at which that began.
 * Failure: WaitedTooLong, or the error that it was given, where waiting is over. An outage of the ledger itself is
 * waited out by the state machine alone.
 */
import { type ErrorName, MigrationError } from '../../domain/failures/errors.ts';
import { rolloutSeconds } from '../../domain/waiting/first-polls.ts';
import type { Failure, Migration } from '../../domain/migration/model.ts';
import { pacedSeconds } from '../../domain/aws/pace.ts';
import { decidePause, patienceFor, waitsForOf } from '../../domain/waiting/pause.ts';
import { asClause } from '../../domain/text/text.ts';
import { type NotedWait, WAITS_TEXT } from '../../domain/waiting/waiting-for.ts';
import { isOverdue } from '../../domain/rollout/forecast.ts';
import type { HandlerDependencies, MigrationFile } from '../../ports/index.ts';
import { caughtFailure } from '../../runtime/caught.ts';
import { noteWait, sameWait } from '../../use-cases/waiting/note-wait.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcOf } from '../../runtime/utc.ts';
import { pauseSchema } from './schema.ts';

type Input = Parameters<StepRun<typeof pauseSchema>>[0];

/** Characters of the last error that the record repeats. */
const SHOWN = 600;

const lastSeen = ({ name, message }: Failure): string => `The last error: ${name}: ${message.slice(0, SHOWN)}`;

/** What is waited for is over, or is no longer a matter of time. */
function overAs(
  end: 'person' | 'failed',
  { migrationId, error, state }: Input,
  { what, since }: Pick<NotedWait, 'what' | 'since'>,
  failure: Failure,
): MigrationError {
  const waited = `Migration ${migrationId} has waited in state ${state} since ${since} for ${WAITS_TEXT[what]}`;
  return end === 'failed'
    ? new MigrationError(error as ErrorName, `${waited}: it is not a matter of time any more. ${lastSeen(failure)}`)
    : new MigrationError('WaitedTooLong', `${waited}, and waits no longer. ${lastSeen(failure)}`);
}

/** Somebody has asked for a cancel since the last look: the state that failed sees that when it is entered again. */
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
 * When it began to wait for that. What can't be noted is counted from the beginning: of the execution, where its plan
 * has written no record yet, or from the end that the record has.
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

/** What takes as long as the plan has forecast: the pods, and the add-on, which is ACTIVE once they are ready. */
const FORECAST: readonly ReturnType<typeof waitsForOf>[] = ['pods', 'activation'];

/**
 * Seconds that are left of the plan's forecast when it began to wait: the change began with the snapshot. Undefined
 * where nothing was forecast, and on the way back, which begins whenever it does.
 */
function leftOfForecast(
  { migration, snapshot }: MigrationFile,
  { what, since, back }: { what: ReturnType<typeof waitsForOf>; since: string; back: boolean },
): number | undefined {
  const forecast = migration?.plan?.forecast;
  if (back || !forecast || !snapshot || !FORECAST.includes(what)) return undefined;
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
  const decision = decidePause({
    what,
    waited: Math.max(0, now - Date.parse(since)) / 1000,
    pauses,
    back,
    seed: `${migrationId} ${state}`,
    expected: leftOfForecast(file, { what, since, back }),
    asked: error === 'Paced' ? pacedSeconds(failure.message) : undefined,
  });
  if (decision.over) throw overAs(decision.over, input, { what, since }, failure);
  // Longer than the request allows: nothing goes back because of it, and whoever asked for it is told.
  const isLate = snapshot && isOverdue(Date.parse(snapshot.takenAt), now, record?.request.maxDurationMinutes);
  const seconds = (await isNewlyCancelled(input, before, dependencies)) ? 1 : decision.seconds;
  await noteWait(
    ledger,
    { migrationId, before, tell: decision.tell || isLate === true },
    {
      what,
      since,
      until: utcOf(Date.parse(since) + patienceFor(what) * 1000),
      text: `It waits for ${WAITS_TEXT[what]}. ${lastSeen({ ...failure, message: asClause(failure.message) })}.`,
      nextTryAt: utcOf(now + seconds * 1000),
      state,
      notedAt: utcOf(now),
    },
  );
  return { seconds };
};

export const pauseStep = step(pauseSchema, run);
