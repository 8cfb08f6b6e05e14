/** A migration whose trust can be retired, and the step that retires it or puts it back. */
import type { Migration, Snapshot } from '../../../lambdas/domain/record/migration.ts';
import { retireTrustStep } from '../../../lambdas/steps/retire-trust/handler.ts';
import { retireTrustSchema } from '../../../lambdas/steps/retire-trust/schema.ts';
import { invoke } from '../fakes.ts';
import { ROLE, ROLES_OF_ACCOUNT } from '../example.ts';
import { ADDON_LOCK, at, executionArn, MIGRATION_ID, ROLE_LOCK } from '../run-examples.ts';
import { podIdentityStatement, policyText } from '../trust-examples.ts';
import { aPod } from '../eks-fixtures.ts';
import { begun, type Begun } from './begun.ts';
import { recreated } from './rollback.ts';

export const RETIRE_EXECUTION = executionArn(`${MIGRATION_ID}-01JD8Z5Q6R7S8T9V0W1X2Y3Z4C`, 'Retire');
export const DAY = 86_400;
export const RETIRED = policyText(podIdentityStatement);
export type Answer = (typeof retireTrustSchema.output)['_output'];

/** Migrated ten days ago, and retirement is enabled. */
export async function migrated(record: Partial<Migration> = {}, snapshot: Partial<Snapshot> = {}): Promise<Begun> {
  const fakes = await begun({ snapshot });
  await recreated(fakes);
  fakes.kubernetes.pods = [aPod('pod-identity')];
  fakes.settings.repairableRoleArns.push(ROLES_OF_ACCOUNT);
  await fakes.update({ status: 'ended', outcome: 'migrated', verified: 'ready', endedAt: at(-10 * DAY), ...record });
  for (const key of [ADDON_LOCK, ROLE_LOCK])
    await fakes.ledger.releaseLock(key, (await fakes.ledger.readLock(key))!.holder!.executionArn);
  fakes.executions.states.set(RETIRE_EXECUTION, { status: 'RUNNING' });
  fakes.journal.clear();
  return fakes;
}
const RETIRING = { migrationId: MIGRATION_ID, executionArn: RETIRE_EXECUTION, action: 'retire' } as const;
export const run = async (fakes: Begun, change: object = {}): Promise<Answer> =>
  (await invoke(retireTrustStep, { ...RETIRING, dryRun: false, soakDays: 7, ...change }, fakes)) as Answer;
export const dryRun = (fakes: Begun, change: object = {}): Promise<Answer> => run(fakes, { dryRun: true, ...change });
export const putBack = (fakes: Begun, change: object = {}): Promise<Answer> =>
  run(fakes, { action: 'reinstate', ...change });
export const holders = async ({ ledger }: Begun): Promise<(string | undefined)[]> => [
  (await ledger.readLock(ADDON_LOCK))?.holder?.executionArn,
  (await ledger.readLock(ROLE_LOCK))?.holder?.executionArn,
];
export const FREE = [undefined, undefined];
export const retirements = async (fakes: Begun): Promise<Migration['retirements']> =>
  (await fakes.record()).retirements;
export const policy = ({ roles }: Begun): unknown => JSON.parse(roles.trust[ROLE]!);
export const blocking = ({ checks }: Answer): string[] =>
  checks.filter(({ status }) => status === 'fail' || status === 'unknown').map(({ id }) => id);
