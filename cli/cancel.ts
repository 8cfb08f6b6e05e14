/** Asking a migration to stop: a flag in the ledger, which the service reads before each step of the change. */
import type { Cancellation, Migration } from '../lambdas/domain/model.ts';
import { utcNow } from '../lambdas/runtime/utc.ts';
import type { Backend } from './backend.ts';
import { CliError } from './errors.ts';
import { findMigration } from './known.ts';

export interface CancelRequest {
  migrationId: string;
  requestedBy?: string;
  reason?: string;
}

/** What `--json` prints. */
export interface Cancelled {
  migrationId: string;
  /** The one that stands: an earlier one, where somebody has asked before. */
  cancellation: Cancellation;
  /** False where somebody had asked before. */
  first: boolean;
  /** Whether it may have changed something already. */
  begun: boolean;
  willEnd: 'blocked' | 'rolled-back';
}

const isOver = ({ migrationId, outcome, endedAt }: Migration): CliError =>
  new CliError(
    'MigrationOver',
    `migration ${migrationId} is over: it ended ${outcome ?? 'without an outcome'}${endedAt ? ` at ${endedAt}` : ''}`,
    outcome === 'migrated' || outcome === 'needs-human' ? `There is nothing to stop. To put back what it changed: pod-identity rollback ${migrationId}` : 'There is nothing to stop, and it has left nothing changed.',
  );

const isGoingBack = ({ migrationId, recovery }: Migration & { recovery: NonNullable<Migration['recovery']> }): CliError =>
  new CliError('MigrationOver', `migration ${migrationId} is being put back already, since ${recovery.startedAt}`, `The way back can't be stopped. To see how it goes: pod-identity show ${migrationId}`);

/** In a thread of the backend's clock. Throws UnknownMigration, and MigrationOver for one that can't be stopped any more. */
export const cancel = async (backend: Backend, { migrationId, requestedBy, reason }: CancelRequest): Promise<Cancelled> => {
  const record = await findMigration(backend, migrationId);
  if (record?.status === 'ended') throw isOver(record);
  if (record?.recovery) throw isGoingBack({ ...record, recovery: record.recovery });
  const earlier = await backend.ledger.getCancel(migrationId);
  const wanted: Cancellation = { requestedAt: utcNow(backend.clock), ...(requestedBy ? { requestedBy } : {}), ...(reason ? { reason } : {}) };
  await backend.ledger.requestCancel(migrationId, wanted);
  const cancellation = (await backend.ledger.getCancel(migrationId)) ?? wanted;
  const begun = (await backend.ledger.getSnapshot(migrationId)) !== undefined;
  return { migrationId, cancellation, first: earlier === undefined, begun, willEnd: begun ? 'rolled-back' : 'blocked' };
};
