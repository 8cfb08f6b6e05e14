/** Cancels a migration, by a flag in the ledger that the service reads before each step of the change. */
import type { Migration } from '../../lambdas/domain/record/migration.ts';
import { type Cancelled, requestCancel } from '../../lambdas/use-cases/migration/cancel.ts';
import { type Backend, executionsOf } from '../backend.ts';
import { CliError } from '../errors.ts';
import { findMigration } from './known.ts';

/** `Cancelled` is what `--json` prints. */
export type { Cancelled } from '../../lambdas/use-cases/migration/cancel.ts';

export interface CancelRequest {
  migrationId: string;
  requestedBy?: string;
  reason?: string;
}

export const isOver = ({
  migrationId,
  outcome,
  endedAt,
}: Pick<Migration, 'migrationId' | 'outcome' | 'endedAt'>): CliError =>
  new CliError(
    'MigrationOver',
    `migration ${migrationId} is over: it ended ${outcome ?? 'without an outcome'}${endedAt ? ` at ${endedAt}` : ''}`,
    outcome === 'migrated' || outcome === 'needs-human'
      ? `There is nothing to stop. To roll back its changes: pod-identity rollback ${migrationId}`
      : 'There is nothing to stop; the migration has left no changes.',
  );

const isRollingBack = ({ migrationId, recovery, rollback }: Migration): CliError =>
  new CliError(
    'MigrationOver',
    `migration ${migrationId} is already being rolled back, since ${rollback?.startedAt ?? recovery?.startedAt ?? 'a moment ago'}`,
    `A rollback cannot be stopped. To follow it: pod-identity show ${migrationId}`,
  );

/**
 * Requests the cancellation of a migration. Runs in a thread of the backend's clock. Throws UnknownMigration, and
 * MigrationOver for a migration that can no longer be stopped.
 */
export const cancel = async (backend: Backend, request: CancelRequest): Promise<Cancelled> => {
  const record = await findMigration(backend, request.migrationId);
  const answer = await requestCancel(record, request, {
    ledger: backend.ledger,
    clock: backend.clock,
    executions: executionsOf(backend),
  });
  if ('cancelled' in answer) return answer.cancelled;
  throw answer.refused === 'over' ? isOver(answer.record) : isRollingBack(answer.record);
};
