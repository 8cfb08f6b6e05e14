/**
 * Looks after a rollback that was requested and is not begun: whoever accepted it may have stopped before its execution
 * was started, and that execution before it began.
 */
import { isRunning } from '../../domain/rollback/recovery.ts';
import { requestedRollback } from '../../domain/rollback/rollback.ts';
import type { HandlerDependencies } from '../../ports/index.ts';

/** Milliseconds. Whoever has accepted it starts its execution in this time, as a rule. */
export const STARTED_AFTER_MS = 60_000;

/** Answers whether an execution was started for it. `tick`: makes the name of another one its own. */
export async function resumeRollback(
  migrationId: string,
  tick: number,
  { ledger, executions, clock }: Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock'>,
): Promise<boolean> {
  const record = await ledger.getMigration(migrationId);
  const rollback = record && requestedRollback(record);
  if (rollback?.executionArn === undefined || clock.now() - Date.parse(rollback.startedAt) < STARTED_AFTER_MS)
    return false;
  const execution = await executions.describe(rollback.executionArn);
  if (isRunning(execution)) return false;
  // Its own name, so that one that was started a moment ago counts as started.
  if (execution === undefined) await executions.startRollback(migrationId, rollback.id, rollback);
  else await executions.startRecovery(migrationId, `${migrationId}-${tick}`);
  return true;
}
