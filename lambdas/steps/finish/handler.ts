/**
 * Writes the outcome into the ledger and lets go of the lock; where a person is needed, the exact commands with it.
 * Idempotency: the same outcome again changes nothing. `needs-human` keeps the lock, so that nothing else starts on it.
 */
import { handOffCommands } from '../../domain/hand-off.ts';
import type { Failure } from '../../domain/model.ts';
import { addonLock } from '../../runtime/lock.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { utcNow } from '../../runtime/utc.ts';
import { finishSchema } from './schema.ts';

/** Step Functions gives Lambda's errors as JSON in Cause, its own as plain text. */
function failureOf(output: { Error: string; Cause: string }): Failure {
  try {
    const cause: unknown = JSON.parse(output.Cause);
    if (typeof cause === 'object' && cause !== null && 'errorMessage' in cause) return { name: output.Error, message: String(cause.errorMessage) };
  } catch {
    // Plain text, or cut off: kept as it is.
  }
  return { name: output.Error, message: output.Cause || 'Step Functions gave no cause; the execution\'s history shows the state that failed.' };
}

const run: StepRun<typeof finishSchema> = async ({ migrationId, target, addon, outcome, failure }, { ledger, clock, telemetry }) => {
  const lock = addonLock(target, addon);
  const record = await ledger.getMigration(migrationId);
  if (record && record.status !== 'ended') {
    const snapshot = outcome === 'needs-human' ? await ledger.getSnapshot(migrationId) : undefined;
    await ledger.updateMigration(migrationId, {
      outcome,
      status: 'ended',
      endedAt: utcNow(clock),
      verified: outcome === 'migrated' ? 'pods' : 'none',
      ...(failure ? { failure: failureOf(failure) } : {}),
      ...(snapshot ? { handOff: handOffCommands(target, snapshot, record.associations.created.map((one) => one.id)) } : {}),
    });
    telemetry.count(`outcome-${outcome}`);
  }
  if (outcome !== 'needs-human') await ledger.releaseLock(lock, migrationId);
  return { outcome };
};

export const finishStep = step(finishSchema, run);
