/** Asking a migration to stop: a flag in the ledger, which the service reads before each step of the change. */
import type { Cancellation, Migration } from '../../domain/migration/model.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { cancelledText } from '../../runtime/cancellation.ts';
import { utcNow } from '../../runtime/utc.ts';

export interface CancelWish {
  migrationId: string;
  requestedBy?: string | undefined;
  reason?: string | undefined;
}

export interface Cancelled {
  migrationId: string;
  /** The one that stands: an earlier one, where somebody has asked before. */
  cancellation: Cancellation;
  /** False where somebody had asked before. */
  first: boolean;
  /** Whether it may have changed something already. */
  begun: boolean;
  /** There where it is certain: an execution that waited for an approval was told, and begins nothing any more. */
  willEnd?: 'blocked';
}

/** `over`: it has ended. `going-back`: it is being put back already, and that can't be stopped. */
export type CancelAnswer = { cancelled: Cancelled } | { refused: 'over' | 'going-back'; record: Migration };

/**
 * `record`: undefined for one that has only just been started. An execution that waits for an approval is told at once.
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
  // Also one that was decided: whoever decided may not have come so far as to tell the execution. One that was told
  // does not hear it.
  const last = begun ? undefined : (await ledger.getMigration(migrationId))?.approvals.at(-1);
  const token = last && (await ledger.approvalToken(migrationId, last.round));
  const isReported =
    token !== undefined &&
    (await executions.failTask(
      token,
      'Cancelled',
      `${cancelledText(cancellation)}: its approval is not waited for any more.`,
    ));
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
