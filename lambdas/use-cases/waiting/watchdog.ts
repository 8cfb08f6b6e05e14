/**
 * Looks after the migrations that have a slot among those that wait: an execution that has stopped is taken over, one
 * that was asked to stop is ended, and what waits no more has its slot freed, whatever broke off in between.
 */
import { isRunning } from '../../domain/rollback/recovery.ts';
import type { Migration } from '../../domain/migration/model.ts';
import type { WaitingMigration } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { cancelledAs, cancelledText } from '../../runtime/cancellation.ts';

/** A request that the API has admitted is started within seconds; whoever sends it again takes its slot anew. */
const STARTED_AFTER_MS = 3_600_000;
/** An event starts Recover for an execution that has stopped, as a rule: asking about younger ones is not worth a call. */
const ASKED_AFTER_MS = 600_000;
/** Milliseconds that one migration may take: a few calls. With less left the next look goes on. */
const TIME_FOR_ONE = 10_000;

type Dependencies = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'telemetry' | 'remainingTime'>;

/** Whether it waits no more, or never will. */
const waitsNoMore = (record: Migration | undefined, age: number): boolean =>
  record?.executionArn === undefined
    ? age > STARTED_AFTER_MS
    : record.status === 'ended' || record.attempt !== undefined;

/** Ends a wait for an approval that was cancelled, or superseded, where the execution was not told. */
async function endCancelled(
  { migrationId, approvals }: Migration,
  { ledger, executions }: Dependencies,
): Promise<void> {
  const cancel = await ledger.getCancel(migrationId);
  const last = approvals.at(-1);
  if (!cancel || !last) return;
  const token = await ledger.approvalToken(migrationId, last.round);
  if (token === undefined) return;
  await executions.failTask(
    token,
    cancelledAs(cancel),
    `${cancelledText(cancel)}: its approval is not waited for any more. Nothing was changed.`,
  );
}

/** Answers whether its execution has stopped, so that Recover has to end it. */
async function resumeOne(
  { migrationId, principal, since }: WaitingMigration,
  dependencies: Dependencies,
): Promise<boolean> {
  const { ledger, executions, clock } = dependencies;
  const record = await ledger.getMigration(migrationId);
  const age = clock.now() - Date.parse(since);
  if (waitsNoMore(record, age)) {
    await ledger.freeWaitingSlots(migrationId, principal);
    return false;
  }
  if (record?.executionArn === undefined) return false;
  await endCancelled(record, dependencies);
  return age > ASKED_AFTER_MS && !isRunning(await executions.describe(record.executionArn));
}

/** Answers the ids of those whose execution has stopped. One that can't be looked after does not hold up the others. */
export async function resumeWaiting(dependencies: Dependencies): Promise<string[]> {
  const { ledger, clock, telemetry, remainingTime } = dependencies;
  const waiting = await ledger.listWaiting();
  // Each look begins with another one, so that none is left out for ever where the time is short.
  const first = waiting.length === 0 ? 0 : Math.floor(clock.now() / 1000) % waiting.length;
  const stopped: string[] = [];
  for (const waiter of [...waiting.slice(first), ...waiting.slice(0, first)]) {
    if (remainingTime() < TIME_FOR_ONE) break;
    try {
      if (await resumeOne(waiter, dependencies)) stopped.push(waiter.migrationId);
    } catch (error) {
      telemetry.log.error('a migration that waits could not be looked after', {
        migrationId: waiter.migrationId,
        error: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
      });
    }
  }
  return stopped;
}
