/** Migrations of the example: their ids, executions and locks, and the times at which they run. */
import type { LockHolder } from '../../lambdas/domain/migration/locks.ts';
import { roleLock, subjectLock } from '../../lambdas/use-cases/record/lock.ts';
import { ACCOUNT, ADDON, ROLE, target } from './example.ts';

export const MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4A';
export const OTHER_MIGRATION_ID = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4B';
export const executionArn = (name: string, machine = 'MigrateAddon'): string =>
  `arn:aws:states:eu-west-1:${ACCOUNT}:execution:${machine}:${name}`;
export const EXECUTION = executionArn(MIGRATION_ID);
export const OTHER_EXECUTION = executionArn(OTHER_MIGRATION_ID);
/** The execution that works on the migration. */
export const RUN = { migrationId: MIGRATION_ID, executionArn: EXECUTION };
/** An execution of Recover for the migration `MIGRATION_ID`. */
export const RECOVERY_EXECUTION = executionArn(`${MIGRATION_ID}-1767603600`, 'Recover');
export const ADDON_LOCK = subjectLock(target, ADDON);
export const ROLE_LOCK = roleLock(ROLE);
/** When the tests' clock starts; `at` returns times before and after it. */
export const NOW = Date.UTC(2026, 0, 5, 9);
export const at = (secondsFromNow: number): string => new Date(NOW + secondsFromNow * 1000).toISOString();
/** What a record has at its end, that many seconds after the start. */
export const endedAs = <Ended extends string | undefined>(outcome: Ended, seconds: number) => ({
  status: 'ended' as const,
  outcome,
  endedAt: at(seconds),
});
/** What holds a lock since then: an execution of the migration, or of another one. */
export const ownHolder = (since: string): LockHolder => ({ migrationId: MIGRATION_ID, executionArn: EXECUTION, since });
export const otherHolder = (since: string): LockHolder => ({
  migrationId: OTHER_MIGRATION_ID,
  executionArn: OTHER_EXECUTION,
  since,
});
