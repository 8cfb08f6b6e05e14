/** Somebody who decides about the plans of a simulated run, as soon as they hear of one. */
import { AwsExecutions } from '../../lambdas/adapters/aws-executions.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import type { MigrationRequest } from '../../lambdas/domain/migration/model.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { decideApproval } from '../../lambdas/use-cases/approval/decide.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { RunSpec } from './spec.ts';

/** It takes a while until somebody looks, and longer than a Lambda may run. */
const POLL_MS = 120_000;

export const APPROVER = 'arn:aws:iam::111122223333:user/approver';
/** Of a plan that nobody made. */
const FORGED = '0'.repeat(64);

/**
 * Until the migration or the run has ended, or nobody decides. `forged`: approves another plan, and an approval that is
 * written into the ledger without Step Functions' knowledge; neither may count. In a thread of the sandbox's clock.
 */
export async function approve(
  sandbox: Sandbox,
  ledger: Ledger,
  { migrationId, request }: { migrationId: string; request: MigrationRequest },
  { mode, isOver }: { mode: NonNullable<RunSpec['approval']>; isOver: () => boolean },
): Promise<void> {
  if (request.approval !== 'required' || mode === 'nobody') return;
  const { clock, outputs } = sandbox;
  const executions = new AwsExecutions({
    client: sandbox.clients().stepFunctions(),
    stateMachineArn: () => outputs.stateMachineArn,
    recoverStateMachineArn: () => outputs.recoverStateMachineArn,
  });
  // A migration whose end can't be recorded runs for ever, as far as the ledger says.
  while (!isOver()) {
    await clock.sleep(POLL_MS);
    if (isOver()) return;
    const record = await ledger.getMigration(migrationId);
    // Without a record nothing runs any more, or not yet.
    if (record?.status === 'ended' || (!record && sandbox.executions.running().length === 0)) return;
    const pending = pendingApproval(record?.approvals ?? []);
    if (!pending) continue;
    const { round, planHash } = pending;
    if (mode === 'forged') {
      await decideApproval(migrationId, { decision: 'approve', planHash: FORGED }, APPROVER, {
        ledger,
        executions,
        clock,
        settings: ANYONE,
      });
      await ledger.decideApproval(migrationId, {
        round,
        planHash,
        state: 'approved',
        decidedBy: APPROVER,
        decidedAt: new Date(clock.now()).toISOString(),
      });
      return;
    }
    await decideApproval(migrationId, { decision: mode === 'rejected' ? 'reject' : 'approve', planHash }, APPROVER, {
      ledger,
      executions,
      clock,
      settings: ANYONE,
    });
  }
}
const ANYONE = { approvals: { required: false, approver: 'anyone', allowUnknownRequester: false } } as const;
