/** An approver who decides about the plans of a simulated run as soon as the notification arrives. */
import { AwsExecutions } from '../../lambdas/adapters/aws-executions.ts';
import { pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import type { MigrationRequest } from '../../lambdas/domain/request/request.ts';
import type { Ledger } from '../../lambdas/ports/index.ts';
import { decideApproval } from '../../lambdas/use-cases/approval/decide.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import type { RunSpec } from './spec.ts';

/** An approver takes a while to react, longer than a Lambda may run. */
const POLL_MS = 120_000;

export const APPROVER = 'arn:aws:iam::111122223333:user/approver';
/** The hash of a plan that does not exist. */
const FORGED = '0'.repeat(64);

/**
 * Decides until the migration or the run has ended; the mode `nobody` decides nothing. `forged` approves another plan
 * and writes an approval into the ledger without Step Functions' knowledge; neither may count. Runs in a thread of the
 * sandbox's clock.
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
  // In the ledger, a migration whose end could not be recorded runs forever.
  while (!isOver()) {
    await clock.sleep(POLL_MS);
    if (isOver()) return;
    const record = await ledger.getMigration(migrationId);
    // Without a record, the migration has stopped or has not started yet.
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
