/** Deciding about a plan that waits for it: by the API and by the command line alike. */
import type { Approval, ApprovalDecision } from '../../domain/approval/approval.ts';
import type { HandlerDependencies } from '../../ports/index.ts';
import { barredFromApproving, type Judging } from './approver.ts';
import { utcOf } from '../../runtime/utc.ts';

/** Why nothing was decided. `decided`: somebody was faster, or said something else. */
export type Refusal = 'unknown' | 'not-waiting' | 'other-plan' | 'expired' | 'decided' | 'barred';
/** `first`: false where this same decision stood already. */
export type Decided = { approval: Approval; first: boolean } | { refused: Refusal; why: string };

type Deciding = Pick<HandlerDependencies, 'ledger' | 'executions' | 'clock'> & Judging;

const STATES = { approve: 'approved', reject: 'rejected' } as const;

const no = (refused: Refusal, why: string): Decided => ({ refused, why });

const overText = ({ state, decidedBy, decidedAt }: Approval): string => {
  if (state === 'expired') return 'the approval has expired: nobody decided in time';
  if (state === 'withdrawn') return 'the migration has ended before anybody decided';
  return `it was ${state} already, by ${decidedBy ?? 'somebody'} at ${decidedAt ?? 'a time that is not noted'}`;
};

/** Tells the execution, which waits under the token. */
async function tell(
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
    `${decidedBy ?? 'Somebody'} rejected the plan${reason === undefined ? '' : `: ${reason}`}.`,
  );
}

/**
 * Decides once, about the plan of that hash alone. `by`: the principal, as whoever authenticated it says. The same
 * decision of the same principal may be said again: where the execution was not told the first time, it is then.
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
      `that is not the plan that waits: its hash is ${last.planHash}. Look at it, then decide about that one`,
    );

  const state = STATES[decision];
  const isSame = (one: Approval): boolean => one.state === state && one.decidedBy === by;
  if (last.state !== 'pending' && !isSame(last))
    return no(last.state === 'expired' ? 'expired' : 'decided', overText(last));
  if (last.state === 'pending') {
    if (record.status === 'ended')
      return no('not-waiting', `migration ${migrationId} ended ${record.outcome ?? 'without an outcome'}`);
    if (Date.parse(last.expiresAt) <= now) return no('expired', `the approval has expired at ${last.expiresAt}`);
    const barred = decision === 'approve' ? await barredFromApproving(record, by, dependencies) : undefined;
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
    return no(
      'decided',
      decided ? overText(decided) : `the approval of migration ${migrationId} is not there any more`,
    );
  // Where the same was decided already, by a request at the same time, that one has told the execution.
  if (!(await tell(migrationId, decided, dependencies)) && record.status !== 'ended' && standing.first)
    return no('expired', 'the execution does not wait for it any more');
  return { approval: decided, first: standing.first };
}
