/**
 * Looks after a retirement that was requested and is not begun: whoever accepted it may have stopped before its
 * execution was started, and that execution before it began.
 */
import { isRunning } from '../../domain/rollback/recovery.ts';
import { strandedRetirement } from '../../domain/trust/retirement.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { STARTED_AFTER_MS } from '../rollback/watchdog.ts';
import { utcNow } from '../../runtime/utc.ts';

/** Answers whether its execution was started. */
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
    // Its own name, so that one that was started a moment ago counts as started.
    await executions.startRetirement(migrationId, one.id, one);
    return true;
  }
  // It was stopped before it began, or nothing is deployed any more that could carry it out.
  await ledger.changeRetirement(migrationId, one, strandedRetirement(migrationId, one, execution, utcNow(clock)));
  return false;
}
