import { MigrationError } from '../domain/failures/errors.ts';
import { hashOf } from '../domain/plan/hash.ts';
import type { Ledger } from '../ports/index.ts';

interface StepOfChange {
  migrationId: string;
  fence?: number | undefined;
  planHash?: string | undefined;
}

/**
 * Throws BadInput where the ledger has another plan than the one that this execution has begun, of which only Step
 * Functions tells the hash. A step that holds no lock has not begun any, and one of the way back goes by the snapshot.
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
    `The ledger's plan of migration ${migrationId} is not the one that was begun: it was exchanged since. Nothing was changed by this step. Find out who wrote that into the ledger.`,
  );
}
