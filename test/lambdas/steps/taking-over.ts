/** Recover's first step, and migrations that it finds. */
import type { Migration } from '../../../lambdas/domain/record/migration.ts';
import { takeOverStep } from '../../../lambdas/steps/take-over/handler.ts';
import { invoke } from '../fakes.ts';
import { addonArn, EXECUTION, executionArn, MIGRATION_ID, RECOVERY_EXECUTION, ROLE_LOCK } from '../fixtures.ts';
import { begun, LOCK, type Begun } from './begun.ts';
import { COPY, recreated } from './rollback.ts';
import { endedAs } from '../run-examples.ts';

export const SECOND_RECOVERY = executionArn(`${MIGRATION_ID}-1767603900`, 'Recover');
export const input = (change: object = {}): object => ({
  migrationId: MIGRATION_ID,
  executionArn: RECOVERY_EXECUTION,
  cause: 'stranded',
  ...change,
});
export const takeOver = (fakes: Begun, change?: object): Promise<unknown> => invoke(takeOverStep, input(change), fakes);
export const requested = { cause: 'requested', requestedBy: 'jo', reason: 'it is slow' };

export const stop = (fakes: Begun, secondsAgo = 600, arn = EXECUTION): void => {
  fakes.executions.states.set(arn, {
    status: 'ABORTED',
    stoppedAt: new Date(fakes.clock.now() - secondsAgo * 1000).toISOString(),
  });
};
export const holders = async ({ ledger }: Begun): Promise<(string | undefined)[]> => [
  (await ledger.readLock(LOCK))?.holder?.executionArn,
  (await ledger.readLock(ROLE_LOCK))?.holder?.executionArn,
];

export async function stranded(record: Partial<Migration> = {}): Promise<Begun> {
  const fakes = await begun({ record });
  stop(fakes);
  fakes.executions.states.set(RECOVERY_EXECUTION, { status: 'RUNNING' });
  return fakes;
}
export async function ended(outcome: Migration['outcome'], record: Partial<Migration> = {}): Promise<Begun> {
  const fakes = await stranded({ removed: [addonArn(1)], made: [COPY], ...record });
  await fakes.update({ ...endedAs(outcome, 300), verified: outcome === 'migrated' ? 'injected' : 'none' });
  for (const key of [LOCK, ROLE_LOCK])
    await (outcome === 'needs-human'
      ? fakes.ledger.parkLock(key, EXECUTION)
      : fakes.ledger.releaseLock(key, EXECUTION));
  return fakes;
}
export async function migrated(): Promise<Begun> {
  const fakes = await ended('migrated');
  await recreated(fakes);
  fakes.journal.clear();
  return fakes;
}
