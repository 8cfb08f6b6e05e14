/** Notes in the record that a migration rolls back automatically, before the first step of the rollback. */
import { executionName } from '../domain/aws/arn.ts';
import { rollbackStandingOf } from '../domain/record/rollback.ts';
import type { HandlerDependencies } from '../ports/index.ts';
import { utcNow } from './utc.ts';

/** Steps that only roll back; steps for both directions have `towards: 'before'` in their input in a rollback. */
const ROLLBACK_STEPS: ReadonlySet<string> = new Set(['assess-rollback', 'restore-addon', 'restore-associations']);

/** Notes nothing if it is noted already, as for a rollback that Recover carries out. */
export async function noteRollback(
  step: string,
  { migrationId, towards }: { migrationId: string; towards?: string | undefined },
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<void> {
  if (towards !== 'before' && !ROLLBACK_STEPS.has(step)) return;
  const { migration: record, cancel } = await ledger.getFile(migrationId);
  if (record?.status !== 'running') return;
  const { executionArn } = record;
  const isCancelled = cancel !== undefined && cancel.supersededBy === undefined;
  const { requestedBy, reason } = isCancelled ? cancel : {};
  await ledger.changeRollback(migrationId, rollbackStandingOf(record), {
    status: 'rolling-back',
    rollback: {
      id: executionArn === undefined ? migrationId : executionName(executionArn),
      state: 'running',
      cause: isCancelled ? 'cancelled' : 'failed',
      ...(requestedBy === undefined ? {} : { requestedBy }),
      ...(reason === undefined ? {} : { reason }),
      startedAt: utcNow(clock),
      ...(executionArn === undefined ? {} : { executionArn }),
    },
  });
}
