/** Requests that a migration stops: stores a flag in the ledger, which the service reads before each step of the change. */
import type { Cancellation, Migration } from '../../domain/record/migration.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { approvalEndedText } from '../../runtime/cancellation.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface CancelWish {
  migrationId: string;
  requestedBy?: string | undefined;
  reason?: string | undefined;
}

export interface Cancelled {
  migrationId: string;
  /** The cancellation that counts: an earlier one if there is one. */
  cancellation: Cancellation;
  /** False if a cancel had been requested before. */
  first: boolean;
  /** Whether the migration may have changed something already. */
  begun: boolean;
  /** Present if the end is certain: an execution that waited for an approval was stopped, and begins nothing any more. */
  willEnd?: 'blocked';
}

/** `over`: the migration has ended. `going-back`: it is being rolled back already, which can't be stopped. */
export type CancelAnswer = { cancelled: Cancelled } | { refused: 'over' | 'going-back'; record: Migration };

/**
 * `record` is undefined for a migration that was only just started. An execution that waits for an approval is stopped at
 * once.
 */
export async function requestCancel(
  record: Migration | undefined,
  { migrationId, requestedBy, reason }: CancelWish,
  { ledger, executions, clock }: Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock'>,
): Promise<CancelAnswer> {
  if (record?.status === 'ended') return { refused: 'over', record };
  if (record && (record.recovery || record.status === 'rolling-back')) return { refused: 'going-back', record };
  const wanted: Cancellation = {
    requestedAt: utcNow(clock),
    ...(requestedBy ? { requestedBy } : {}),
    ...(reason ? { reason } : {}),
  };
  const first = await ledger.requestCancel(migrationId, wanted);
  const cancellation = (await ledger.getCancel(migrationId)) ?? wanted;
  const begun = (await ledger.getSnapshot(migrationId)) !== undefined;
  // This includes an approval that was decided: the decision may not have reached the execution. An execution that it has
  // reached ignores this.
  const last = begun ? undefined : (await ledger.getMigration(migrationId))?.approvals.at(-1);
  const token = last && (await ledger.approvalToken(migrationId, last.round));
  const isReported =
    token !== undefined && (await executions.failTask(token, 'Cancelled', approvalEndedText(cancellation)));
  return {
    cancelled: {
      migrationId,
      cancellation,
      first,
      begun,
      ...(isReported ? { willEnd: 'blocked' } : {}),
    },
  };
}
