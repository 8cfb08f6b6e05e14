/** Decides about a plan that waits for approval, for the API and for the command line. */
import type { Approval, ApprovalDecision } from '../../domain/approval/approval.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { askedFor, barredFromApproving, type Judging } from './approver.ts';
import { utcOf } from '../../runtime/utc.ts';

/** Why nothing was decided. `decided`: another decision was faster, or is a different one. */
export type Refusal = 'unknown' | 'not-waiting' | 'other-plan' | 'expired' | 'decided' | 'barred';
/** `first` is false if the same decision had been made before. */
export type Decided = { approval: Approval; first: boolean } | { refused: Refusal; why: string };

type Deciding = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock'> & Judging;

const STATES = { approve: 'approved', reject: 'rejected' } as const;

const no = (refused: Refusal, why: string): Decided => ({ refused, why });

const overText = ({ state, decidedBy, decidedAt }: Approval): string => {
  if (state === 'expired') return 'the approval has expired without a decision';
  if (state === 'withdrawn') return 'the migration ended before a decision';
  return `it was already ${state} by ${decidedBy ?? 'an unknown principal'} at ${decidedAt ?? 'an unknown time'}`;
};

/** Reports the decision to the execution that waits under the token. Returns false if it no longer waits. */
async function reportDecision(
  migrationId: string,
  { round, state, planHash, decidedBy, reason }: Approval,
  { ledger, executions }: Deciding,
): Promise<boolean> {
  const token = await ledger.approvalToken(migrationId, round);
  if (token === undefined) return false;
  if (state === 'approved') return executions.completeTask(token, { planHash, decidedBy });
  return executions.failTask(
    token,
    'ApprovalRejected',
    `The plan was rejected by ${decidedBy ?? 'an unknown principal'}${reason === undefined ? '' : `: ${reason}`}.`,
  );
}

/**
 * Decides once, only about the plan with that hash. `by` is the authenticated principal. The same principal may repeat the
 * same decision: if it had not reached the execution, it does then.
 */
export async function decideApproval(
  migrationId: string,
  { decision, planHash, reason }: ApprovalDecision,
  by: string,
  dependencies: Deciding,
): Promise<Decided> {
  const { ledger, clock } = dependencies;
  const now = clock.now();
  const record = await ledger.getMigration(migrationId);
  if (!record) return no('unknown', `the ledger has no migration ${migrationId}`);
  const last = record.approvals.at(-1);
  if (!last)
    return no(
      'not-waiting',
      `migration ${migrationId} does not wait for an approval${record.status === 'ended' ? `: it ended ${record.outcome ?? 'without an outcome'}` : ''}`,
    );
  if (planHash !== last.planHash)
    return no(
      'other-plan',
      `another plan is waiting for approval: its hash is ${last.planHash}. Review that plan, then decide about it`,
    );

  const state = STATES[decision];
  const isSame = (one: Approval): boolean => one.state === state && one.decidedBy === by;
  if (last.state !== 'pending' && !isSame(last))
    return no(last.state === 'expired' ? 'expired' : 'decided', overText(last));
  if (last.state === 'pending') {
    const asked = askedFor(record, last);
    if (last.operation !== undefined && !asked)
      return no('not-waiting', `the ${last.operation} of migration ${migrationId} that was to be approved has ended`);
    if (!asked || (last.operation === undefined && record.status === 'ended'))
      return no('not-waiting', `migration ${migrationId} ended ${record.outcome ?? 'without an outcome'}`);
    if (Date.parse(last.expiresAt) <= now) return no('expired', `the approval expired at ${last.expiresAt}`);
    const barred = decision === 'approve' ? await barredFromApproving(asked, by, dependencies) : undefined;
    if (barred !== undefined) return no('barred', barred);
  }
  const standing = await ledger.decideApproval(migrationId, {
    round: last.round,
    planHash,
    state,
    decidedBy: by,
    decidedAt: utcOf(now),
    ...(reason === undefined ? {} : { reason }),
  });
  const decided = standing?.approval;
  if (!standing || !decided || !isSame(decided))
    return no('decided', decided ? overText(decided) : `migration ${migrationId} no longer has that approval`);
  // If a simultaneous request made the same decision, that request has reported it to the execution.
  const isOpen = last.operation !== undefined || record.status !== 'ended';
  if (!(await reportDecision(migrationId, decided, dependencies)) && isOpen && standing.first)
    return no('expired', 'the execution no longer waits for it');
  return { approval: decided, first: standing.first };
}
