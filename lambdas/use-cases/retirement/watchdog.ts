/**
 * Handles a retirement that was requested and has not begun: the program that accepted it may have stopped before it started
 * the execution, and the execution may have stopped before it began.
 */
import { isRunning } from '../../domain/rollback/recovery.ts';
import { strandedRetirement } from '../../domain/record/retirement.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { STARTED_AFTER_MS } from '../rollback/watchdog.ts';
import { utcNow } from '../../runtime/utc.ts';

/** Starts the execution if it is missing, and returns whether it did. */
export async function resumeRetirement(
  migrationId: string,
  { ledger, executions, clock, settings }: Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock' | 'settings'>,
): Promise<boolean> {
  const one = (await ledger.getMigration(migrationId))?.retirement;
  if (one?.state !== 'requested' || one.executionArn === undefined) return false;
  if (clock.now() - Date.parse(one.startedAt) < STARTED_AFTER_MS) return false;
  const execution = await executions.describe(one.executionArn);
  if (isRunning(execution)) return false;
  if (execution === undefined && settings.retires === true) {
    // It is started under its own name, so that an execution that was started a moment ago counts as started.
    await executions.startRetirement(migrationId, one.id, one);
    return true;
  }
  // It was stopped before it began, or the deployment no longer has a step that could carry it out.
  await ledger.changeRetirement(migrationId, one, strandedRetirement(migrationId, one, execution, utcNow(clock)));
  return false;
}
