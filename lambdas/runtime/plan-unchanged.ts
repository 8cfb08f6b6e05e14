import { MigrationError } from '../domain/failures/errors.ts';
import { hashOf } from '../domain/plan/hash.ts';
import type { Ledger } from '../ports/index.ts';

interface StepOfChange {
  migrationId: string;
  fence?: number | undefined;
  planHash?: string | undefined;
}

/**
 * Throws BadInput if the ledger has another plan than the one that this execution has begun, whose hash only Step Functions
 * passes on. A step without a lock has begun no plan, and a step of the rollback relies on the snapshot.
 */
export async function assertPlanUnchanged(
  { migrationId, fence, planHash }: StepOfChange,
  { ledger }: { ledger: Pick<Ledger, 'getMigration'> },
): Promise<void> {
  if (fence === undefined || planHash === undefined) return;
  const record = await ledger.getMigration(migrationId);
  if (record?.plan && record.plan.hash === planHash && hashOf(record.plan, record.request) === planHash) return;
  throw new MigrationError(
    'BadInput',
    `The ledger's plan of migration ${migrationId} is not the one that this execution began: it was replaced since. This step changed nothing. Find out who wrote it to the ledger.`,
  );
}
