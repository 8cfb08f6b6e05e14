/**
 * By schedule: looks for locks, for migrations that wait, and for rollbacks that were requested, whose execution is no
 * longer at work, or was never started, and starts Recover for each of them; starts the retirements that were requested
 * and never started; ends the waits that were asked to end, and frees the slots of those that are over.
 * Idempotency: a Recover more does no harm, since the locks pass to one of them alone.
 * Failure: one migration that can't be looked at does not keep the others waiting; the next tick looks again.
 */
import { LOCKS_HELD, OLDEST_LOCK, STRANDED } from '../../domain/events/metrics.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import type { HandlerDependencies, Lock } from '../../ports/index.ts';
import { isRoleLock } from '../../use-cases/migration/lock.ts';
import { resumeRetirement } from '../../use-cases/retirement/watchdog.ts';
import { resumeRollback } from '../../use-cases/rollback/watchdog.ts';
import { resumeWaiting } from '../../use-cases/waiting/watchdog.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { findStrandedSchema } from './schema.ts';

const needsRecovery = async (
  { key, holder }: Lock,
  { ledger, executions, telemetry }: HandlerDependencies,
): Promise<boolean> => {
  if (!holder || isRunning(await executions.describe(holder.executionArn))) return false;
  const record = await ledger.getMigration(holder.migrationId);
  if (!record) {
    telemetry.log.warn('a lock is held by a migration that the ledger does not know', {
      key,
      migrationId: holder.migrationId,
    });
    return false;
  }
  if (record.status === 'ended' && record.outcome === 'needs-human') {
    // Its end is recorded, only the parking of its lock is missing, or the letting go of a role's.
    await (isRoleLock(key) ? ledger.releaseLock(key, holder.executionArn) : ledger.parkLock(key, holder.executionArn));
    return false;
  }
  return true;
};

/** Milliseconds that the oldest of these locks has been held; 0 where none is. */
function longestHeld(held: Lock[], now: number): number {
  const ages = held.map(({ holder }) => now - Date.parse(holder?.since ?? '')).filter((age) => age > 0);
  return Math.max(0, ...ages);
}

const errorText = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** What can't be listed now is looked at by the next tick; the locks are measured nevertheless. */
async function stoppedWhileWaiting(dependencies: HandlerDependencies): Promise<string[]> {
  try {
    return await resumeWaiting(dependencies);
  } catch (error) {
    dependencies.telemetry.log.error('the migrations that wait could not be listed', { error: errorText(error) });
    return [];
  }
}

/** As above, of rollbacks and retirements that were requested and are not begun. */
async function requested(
  what: 'rollback' | 'retirement',
  { ledger, telemetry }: HandlerDependencies,
): Promise<string[]> {
  try {
    return await (what === 'rollback' ? ledger.listRequestedRollbacks() : ledger.listRequestedRetirements());
  } catch (error) {
    telemetry.log.error(`the ${what}s that were requested could not be listed`, { error: errorText(error) });
    return [];
  }
}

/** Answers the ids of the migrations for which it started something. */
async function startRequested(
  what: 'rollback' | 'retirement',
  resume: (migrationId: string) => Promise<boolean>,
  dependencies: HandlerDependencies,
): Promise<string[]> {
  const started: string[] = [];
  for (const migrationId of await requested(what, dependencies)) {
    try {
      if (await resume(migrationId)) started.push(migrationId);
    } catch (error) {
      dependencies.telemetry.log.error(`a ${what} that was requested could not be looked after`, {
        migrationId,
        error: errorText(error),
      });
    }
  }
  return started;
}

const run: StepRun<typeof findStrandedSchema> = async (_, dependencies) => {
  const { ledger, executions, clock, telemetry } = dependencies;
  const held = await ledger.listHeldLocks();
  const tick = Math.floor(clock.now() / 1000);
  // Before the locks: one that is never started must not be kept waiting by a lock that its migration has left.
  const rollbacks = await startRequested('rollback', (id) => resumeRollback(id, tick, dependencies), dependencies);
  const retirements = await startRequested('retirement', (id) => resumeRetirement(id, dependencies), dependencies);
  const stranded = new Set([...rollbacks, ...retirements]);
  // Recover may be needed for a migration beside its retirement.
  const started = new Set(rollbacks);
  for (const lock of held) {
    const migrationId = lock.holder?.migrationId;
    if (migrationId === undefined)
      telemetry.log.warn('a lock is not as this service writes it, and is left alone', { key: lock.key });
    if (migrationId === undefined || started.has(migrationId)) continue;
    try {
      if (!(await needsRecovery(lock, dependencies))) continue;
      stranded.add(migrationId);
      await executions.startRecovery(migrationId, `${migrationId}-${tick}`);
      started.add(migrationId);
    } catch (error) {
      telemetry.log.error('a held lock could not be looked after', {
        key: lock.key,
        migrationId,
        error: errorText(error),
      });
    }
  }
  for (const migrationId of await stoppedWhileWaiting(dependencies)) {
    if (started.has(migrationId)) continue;
    stranded.add(migrationId);
    try {
      await executions.startRecovery(migrationId, `${migrationId}-${tick}`);
      started.add(migrationId);
    } catch (error) {
      telemetry.log.error('Recover could not be started for a migration that waited', {
        migrationId,
        error: errorText(error),
      });
    }
  }
  telemetry.count(LOCKS_HELD, new Set(held.map(({ key }) => key)).size);
  telemetry.seconds(OLDEST_LOCK, longestHeld(held, clock.now()) / 1000);
  telemetry.count(STRANDED, stranded.size);
  return { held: held.length, started: [...started] };
};

export const findStrandedStep = step(findStrandedSchema, run);
