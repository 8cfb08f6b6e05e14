/**
 * Handles the migrations that have a waiting slot: takes over an execution that has stopped, ends one that was cancelled, and
 * frees the slot of a migration that no longer waits, whatever was interrupted in between.
 */
import { waitingOperation } from '../../domain/waiting/operations.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import type { Migration } from '../../domain/record/migration.ts';
import { strandedRetirement } from '../../domain/record/retirement.ts';
import type { WaitingMigration } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { closeApproval } from '../approval/close.ts';
import { approvalEndedText, cancelledAs } from '../../runtime/cancellation.ts';
import { utcNow } from '../../runtime/utc.ts';

/** In milliseconds. A request that the API has admitted is started within seconds; a repeated request takes its slot again. */
const STARTED_AFTER_MS = 3_600_000;
/** In milliseconds. An event usually starts Recover for a stopped execution: checking younger ones is not worth a call. */
const ASKED_AFTER_MS = 600_000;
/** The milliseconds that one migration, a few calls, may take. With less left, the next run continues. */
const TIME_FOR_ONE = 10_000;

type Dependencies = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'telemetry' | 'remainingTime'>;

/** Returns whether the migration no longer waits, or never will. */
const waitsNoMore = (record: Migration | undefined, age: number): boolean =>
  record?.executionArn === undefined
    ? age > STARTED_AFTER_MS
    : record.status === 'ended' || record.attempt !== undefined;

/** Ends a wait for an approval that was cancelled or superseded, if the execution has not been stopped yet. */
async function endCancelled(
  { migrationId, approvals }: Migration,
  { ledger, executions }: Dependencies,
): Promise<void> {
  const cancel = await ledger.getCancel(migrationId);
  const last = approvals.at(-1);
  if (!cancel || !last) return;
  const token = await ledger.approvalToken(migrationId, last.round);
  if (token === undefined) return;
  await executions.failTask(token, cancelledAs(cancel), approvalEndedText(cancel));
}

/** Ends the wait of a retirement whose execution has stopped. */
async function endOperation(
  record: Migration,
  principal: string,
  { ledger, executions, clock }: Dependencies,
): Promise<void> {
  const { migrationId, retirement } = record;
  if (retirement?.executionArn === undefined) return;
  const execution = await executions.describe(retirement.executionArn);
  if (isRunning(execution)) return;
  const ended = strandedRetirement(migrationId, retirement, execution, utcNow(clock));
  if (!(await ledger.changeRetirement(migrationId, retirement, ended))) return;
  await closeApproval(record, { ledger, clock });
  await ledger.freeWaitingSlots(migrationId, principal);
}

/** Returns whether the migration's execution has stopped, so that Recover has to end it. */
async function resumeOne(
  { migrationId, principal, since }: WaitingMigration,
  dependencies: Dependencies,
): Promise<boolean> {
  const { ledger, executions, clock } = dependencies;
  const record = await ledger.getMigration(migrationId);
  const age = clock.now() - Date.parse(since);
  if (record && waitingOperation(record)) {
    if (age > ASKED_AFTER_MS) await endOperation(record, principal, dependencies);
    return false;
  }
  if (waitsNoMore(record, age)) {
    await ledger.freeWaitingSlots(migrationId, principal);
    return false;
  }
  if (record?.executionArn === undefined) return false;
  await endCancelled(record, dependencies);
  return age > ASKED_AFTER_MS && !isRunning(await executions.describe(record.executionArn));
}

/** Returns the ids of the migrations whose execution has stopped. A migration that can't be handled does not hold up the others. */
export async function resumeWaiting(dependencies: Dependencies): Promise<string[]> {
  const { ledger, clock, telemetry, remainingTime } = dependencies;
  const waiting = await ledger.listWaiting();
  // Each run begins with another migration, so that none is left out permanently if the time is short.
  const first = waiting.length === 0 ? 0 : Math.floor(clock.now() / 1000) % waiting.length;
  const stopped: string[] = [];
  for (const waiter of [...waiting.slice(first), ...waiting.slice(0, first)]) {
    if (remainingTime() < TIME_FOR_ONE) break;
    try {
      if (await resumeOne(waiter, dependencies)) stopped.push(waiter.migrationId);
    } catch (error) {
      telemetry.log.error('could not check a waiting migration', {
        migrationId: waiter.migrationId,
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
    }
  }
  return stopped;
}
