import { pendingApproval } from '../../domain/approval/approval.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { utcNow } from '../../runtime/utc.ts';

/** Closes an open request for approval, since nothing waits for it any more. */
export async function closeApproval(
  { migrationId, approvals }: Pick<Migration, 'migrationId' | 'approvals'>,
  { ledger, clock }: Pick<HandlerDependencies, 'ledger' | 'clock'>,
): Promise<void> {
  const pending = pendingApproval(approvals);
  if (!pending) return;
  const { round, planHash, expiresAt } = pending;
  await ledger.decideApproval(migrationId, {
    round,
    planHash,
    state: clock.now() < Date.parse(expiresAt) ? 'withdrawn' : 'expired',
    decidedAt: utcNow(clock),
  });
}
