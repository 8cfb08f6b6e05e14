/**
 * Handles a rollback that was requested and has not begun: the program that accepted it may have stopped before it started
 * the execution, and the execution may have stopped before it began.
 */
import { isRunning } from '../../domain/rollback/recovery.ts';
import { requestedRollback } from '../../domain/record/rollback.ts';
import type { HandlerDependencies } from '../../ports/index.ts';

/** The milliseconds within which a program that accepts a rollback or a retirement normally starts the execution. */
export const STARTED_AFTER_MS = 60_000;

/** Returns whether an execution was started for it. `tick` makes the name of a further execution unique. */
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
  // It is started under its own name, so that an execution that was started a moment ago counts as started.
  if (execution === undefined) await executions.startRollback(migrationId, rollback.id, rollback);
  else await executions.startRecovery(migrationId, `${migrationId}-${tick}`);
  return true;
}
