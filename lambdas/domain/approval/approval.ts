/**
 * Approvals: somebody looks at a plan and says that it may be carried out. Each is bound to one plan by its hash, so
 * that it counts for no other one. The task token by which Step Functions waits is never part of it: see `Ledger`.
 */
import { z } from 'zod';
import { reason, requestedBy } from '../text/names.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { likeness, parsePrincipal, type SharedRole } from '../aws/principal.ts';
import { requesterOf, statedPrincipal } from './requester.ts';

/** `expired`: nobody decided in time. `withdrawn`: the migration ended before, such as by a cancel. */
export const approvalState = z.enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn']);
export type ApprovalState = z.infer<typeof approvalState>;

export const approval = z
  .object({
    round: z
      .number()
      .int()
      .positive()
      .describe('Number of the request for approval, from 1. A plan that changes is submitted again.'),
    planHash: z.string().describe('Hash of the plan that the approval is for. It counts for no other plan.'),
    state: approvalState.describe(
      'State of the approval. `expired`: no one decided in time. `withdrawn`: the migration ended before.',
    ),
    requestedAt: time.describe('When the approval was requested.'),
    expiresAt: time.describe('When the approval expires. The migration then ends `blocked`.'),
    decidedBy: requestedBy
      .optional()
      .describe('ARN of the principal that decided. Absent while it is pending, and if it expired.'),
    decidedAt: time.optional().describe('When the principal decided.'),
    reason: reason.optional().describe('Why, in the words of the principal that decided.'),
  })
  .register(schemaNames, { name: 'Approval' });
export type Approval = z.infer<typeof approval>;

/** What somebody says about the plan with that hash. */
export const approvalDecision = z
  .strictObject({
    decision: z.enum(['approve', 'reject']).describe('Whether the plan may be carried out.'),
    planHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be the hash of the plan, 64 hexadecimal digits, as the migration shows it')
      .describe('Hash of the plan that was read: `plan.hash`. The decision counts for no other plan.'),
    reason: reason.optional().describe('Why, for the people who read the migration later.'),
  })
  .register(schemaNames, { name: 'ApprovalDecision' });
export type ApprovalDecision = z.infer<typeof approvalDecision>;

/** Who may approve what somebody requested, as the deployment configures it. */
export const approverRule = z.enum(['anyone', 'another-session', 'another-role']);
export type ApproverRule = z.infer<typeof approverRule>;

export interface ApproverRules {
  approver: ApproverRule;
  /** Whether a request may be approved whose requester nobody has authenticated. */
  allowUnknownRequester: boolean;
}

/**
 * `barred`: why that principal may not approve. `shared`: both are sessions of that role, and whether that bars it
 * depends on whose the role is.
 */
export type ApproverVerdict = 'admitted' | { barred: string } | { shared: SharedRole };

const SAME_ROLE = 'the requester of a migration may not approve it, and this is the same role';
const SAME_USER = 'the requester of a migration may not approve it, and this is the same user';
const SAME_PRINCIPAL = 'the requester of a migration may not approve it, and this is the same principal';
const UNDECIDED =
  'the requester of a migration may not approve it, and the ARN of a federated user does not show whose session it is. Approve it as a role';
const UNKNOWN_APPROVER =
  'the approver cannot be told from the requester: it is not the whole ARN of a user or a role. Approve it as one';
const UNKNOWN_REQUESTER =
  'nobody has authenticated who requested it, so that nobody can be told from the requester. Request the migration by the API, or have the deployment allow it (setting approvals.allowUnknownRequester)';

/** By the role or user, whatever the session. */
function judgePrincipals(requester: string, approver: string): ApproverVerdict {
  const [asking, approving] = [parsePrincipal(requester), parsePrincipal(approver)];
  if (!approving) return { barred: UNKNOWN_APPROVER };
  if (!asking) return { barred: UNKNOWN_REQUESTER };
  const found = likeness(asking, approving);
  switch (found.is) {
    case 'other':
      return 'admitted';
    case 'same':
      return { barred: asking.kind === 'role' ? SAME_ROLE : SAME_USER };
    case 'undecided':
      return { barred: UNDECIDED };
    case 'shared':
      return { shared: found.role };
  }
}

/** What an unknown requester states bars whom it names, and admits nobody. */
function judgeStated(stated: string, approver: string): ApproverVerdict {
  const named = statedPrincipal(stated);
  if (named === approver) return { barred: SAME_PRINCIPAL };
  return parsePrincipal(named) && parsePrincipal(approver) ? judgePrincipals(named, approver) : 'admitted';
}

/** Whether the rule lets that principal approve the plan of a migration that has this requester. */
export function judgeApprover(
  { approver: rule, allowUnknownRequester }: ApproverRules,
  record: Parameters<typeof requesterOf>[0],
  approver: string,
): ApproverVerdict {
  if (rule === 'anyone') return 'admitted';
  const noted = requesterOf(record);
  const requester = noted?.source === 'schedule' || parsePrincipal(noted?.principal ?? '') ? noted : undefined;
  if (!requester) {
    if (!allowUnknownRequester) return { barred: UNKNOWN_REQUESTER };
    const { requestedBy: stated = '' } = record.request;
    if (rule === 'another-role') return judgeStated(stated, approver);
    return statedPrincipal(stated) === approver ? { barred: SAME_PRINCIPAL } : 'admitted';
  }
  // The configuration requested it, and whoever deploys that needs no approval to do what they like.
  if (requester.source === 'schedule') return 'admitted';
  if (rule === 'another-role') return judgePrincipals(requester.principal, approver);
  return requester.principal === approver ? { barred: SAME_PRINCIPAL } : 'admitted';
}

/** What a role turned out to be that both share. `unreadable`: IAM does not let the service read it. */
export type SharedRoleFound = 'identity-center' | 'other' | 'unreadable';

/** Why two different sessions of that role do not make two people; undefined where they do. */
export const barredByRole = ({ name }: SharedRole, found: SharedRoleFound): string | undefined => {
  if (found === 'identity-center') return undefined;
  return found === 'other'
    ? SAME_ROLE
    : `${SAME_ROLE}: whether IAM Identity Center made role ${name}, whose sessions are then different people, cannot be read here. Approve it as another role`;
};

/**
 * Whether the last approval of a migration is one of that plan, given in time: `approver`, who gave it, who has still to
 * be admitted by the rule; `why` it is none.
 */
export function notApproved(last: Approval | undefined, planHash: string): { approver: string } | { why: string } {
  if (!last) return { why: 'the ledger has no approval' };
  const { state, decidedBy, decidedAt, expiresAt } = last;
  if (state !== 'approved') return { why: `the ledger has its approval as ${state}` };
  if (last.planHash !== planHash) return { why: 'the ledger has the approval of another plan' };
  if (decidedBy === undefined || decidedAt === undefined)
    return { why: 'the ledger does not have who approved it, and when' };
  return Date.parse(decidedAt) < Date.parse(expiresAt)
    ? { approver: decidedBy }
    : { why: `it was approved at ${decidedAt}, and the approval expired at ${expiresAt}` };
}

/** The one that is being waited for. */
export const pendingApproval = (approvals: readonly Approval[]): Approval | undefined => {
  const last = approvals.at(-1);
  return last?.state === 'pending' ? last : undefined;
};
