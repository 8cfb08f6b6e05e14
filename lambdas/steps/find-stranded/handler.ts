/**
 * Runs on a schedule. Finds locks, waiting migrations and requested rollbacks whose execution has stopped or was never
 * started, and starts Recover for each of them. Starts retirements that were requested and never started. Ends the waits
 * of cancelled migrations, and frees the waiting slots of those that are over. Idempotency: a second Recover does no
 * harm, since the locks pass to only one of them.
 * Failure: a migration that can't be handled does not keep the others waiting; the next tick tries again.
 */
import { LOCKS_HELD, OLDEST_LOCK, STRANDED } from '../../domain/events/metrics.ts';
import { isRunning } from '../../domain/rollback/recovery.ts';
import type { HandlerDependencies, Lock } from '../../ports/index.ts';
import { isRoleLock } from '../../use-cases/record/lock.ts';
import { resumeRetirement } from '../../use-cases/retirement/watchdog.ts';
import { rebuildRecord } from '../../use-cases/rollback/rebuild-record.ts';
import { resumeRollback } from '../../use-cases/rollback/watchdog.ts';
import { resumeWaiting } from '../../use-cases/waiting/watchdog.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { findStrandedSchema } from './schema.ts';

const needsRecovery = async (
  { key, holder }: Lock,
  held: readonly Lock[],
  { ledger, executions, telemetry }: HandlerDependencies,
): Promise<boolean> => {
  if (!holder || isRunning(await executions.describe(holder.executionArn))) return false;
  const record =
    (await ledger.getMigration(holder.migrationId)) ?? (await rebuildRecord(holder.migrationId, held, ledger));
  if (!record) {
    telemetry.log.warn('a lock is held by a migration that has no record', {
      key,
      migrationId: holder.migrationId,
    });
    return false;
  }
  if (record.status === 'ended' && record.outcome === 'needs-human') {
    // The end is recorded; only the subject's lock is not parked yet, or a role's lock not released.
    await (isRoleLock(key) ? ledger.releaseLock(key, holder.executionArn) : ledger.parkLock(key, holder.executionArn));
    return false;
  }
  return true;
};

/** Returns for how many milliseconds the oldest of these locks has been held; 0 if there is none. */
function longestHeld(held: Lock[], now: number): number {
  const ages = held.map(({ holder }) => now - Date.parse(holder?.since ?? '')).filter((age) => age > 0);
  return Math.max(0, ...ages);
}

const errorText = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** Returns no migrations if they can't be listed, so that the locks are still measured; the next tick lists them. */
async function stoppedWhileWaiting(dependencies: HandlerDependencies): Promise<string[]> {
  try {
    return await resumeWaiting(dependencies);
  } catch (error) {
    dependencies.telemetry.log.error('could not list the waiting migrations', { error: errorText(error) });
    return [];
  }
}

/** Returns the ids of the migrations with a requested rollback or retirement that has not begun; none if they can't be listed. */
async function requested(
  what: 'rollback' | 'retirement',
  { ledger, telemetry }: HandlerDependencies,
): Promise<string[]> {
  try {
    return await (what === 'rollback' ? ledger.listRequestedRollbacks() : ledger.listRequestedRetirements());
  } catch (error) {
    telemetry.log.error(`could not list the requested ${what}s`, { error: errorText(error) });
    return [];
  }
}

/** Returns the ids of the migrations for which it has started an execution. */
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
      dependencies.telemetry.log.error(`could not resume a requested ${what}`, {
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
  // This comes before the locks: a rollback that never starts must not wait for a lock that its migration has left.
  const rollbacks = await startRequested('rollback', (id) => resumeRollback(id, tick, dependencies), dependencies);
  const retirements = await startRequested('retirement', (id) => resumeRetirement(id, dependencies), dependencies);
  const stranded = new Set([...rollbacks, ...retirements]);
  // A migration may need Recover in addition to its retirement.
  const started = new Set(rollbacks);
  for (const lock of held) {
    const migrationId = lock.holder?.migrationId;
    if (migrationId === undefined)
      telemetry.log.warn('ignored a lock that does not have the form that this service writes', { key: lock.key });
    if (migrationId === undefined || started.has(migrationId)) continue;
    try {
      if (!(await needsRecovery(lock, held, dependencies))) continue;
      stranded.add(migrationId);
      await executions.startRecovery(migrationId, `${migrationId}-${tick}`);
      started.add(migrationId);
    } catch (error) {
      telemetry.log.error('could not check a held lock', {
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
      telemetry.log.error('could not start Recover for a waiting migration', {
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
