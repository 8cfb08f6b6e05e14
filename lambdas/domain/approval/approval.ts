/**
 * Approvals: a principal reads a plan and decides whether it may be carried out. The hash binds each approval to one
 * plan,
 * so that it counts for no other plan. The task token with which Step Functions waits is never part of an approval: see
 * `Ledger`.
 */
import { z } from 'zod';
import { reason, requestedBy } from '../text/names.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { likeness, parsePrincipal, type SharedRole } from '../aws/principal.ts';
import { requesterOf, statedPrincipal } from './requester.ts';

/** `expired`: no one decided in time. `withdrawn`: the migration ended before a decision, for example by a cancel. */
export const approvalState = z.enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn']);

/** What an approval may be for, other than the plan of a migration. A reinstatement is a retirement with that action. */
export const operationKind = z.enum(['retirement']);
export type OperationKind = z.infer<typeof operationKind>;

export const approval = z
  .object({
    round: z
      .number()
      .int()
      .positive()
      .describe('Number of the request for approval, from 1. A plan that changes is submitted for approval again.'),
    planHash: z.string().describe('Hash of the plan that the approval is for. It counts for no other plan.'),
    operation: operationKind
      .optional()
      .describe(
        'What the approval is for: a `retirement`, or a reinstatement. Absent if it is for the plan of the migration.',
      ),
    state: approvalState.describe(
      'State of the approval. `expired`: no one decided in time. `withdrawn`: the migration ended before.',
    ),
    requestedAt: time.describe('When the approval was requested.'),
    expiresAt: time.describe('When the approval expires. The migration then ends `blocked`.'),
    decidedBy: requestedBy
      .optional()
      .describe('ARN of the principal that decided. Absent while it is pending, and if it expired.'),
    decidedAt: time.optional().describe('When the principal decided.'),
    reason: reason.optional().describe('Reason, as stated by the principal that decided.'),
  })
  .register(schemaNames, { name: 'Approval' });
export type Approval = z.infer<typeof approval>;

/** A decision about the plan with that hash. */
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

/** Which principals may approve a request, as the deployment configures it. */
export const approverRule = z.enum(['anyone', 'another-session', 'another-role']);
export type ApproverRule = z.infer<typeof approverRule>;

export interface ApproverRules {
  approver: ApproverRule;
  /** Whether a request without an authenticated requester may be approved. */
  allowUnknownRequester: boolean;
}

/**
 * `barred`: why that principal may not approve. `shared`: both principals are sessions of that role, and whether the
 * approver is barred depends on who created the role.
 */
export type ApproverVerdict = 'admitted' | { barred: string } | { shared: SharedRole };

const SAME_ROLE = 'the requester of a migration may not approve it, and this is the same role';
const SAME_USER = 'the requester of a migration may not approve it, and this is the same user';
const SAME_PRINCIPAL = 'the requester of a migration may not approve it, and this is the same principal';
const UNDECIDED =
  'the requester of a migration may not approve it, and the ARN of a federated user does not show whose session it is. Approve it as a role';
const UNKNOWN_APPROVER =
  'the approver cannot be distinguished from the requester, because its ARN is not the complete ARN of a user or a role. Approve it as a user or a role';
const UNKNOWN_REQUESTER =
  'the requester is not authenticated, so that no approver can be distinguished from the requester. Request the migration through the API, or allow it in the deployment (setting approvals.allowUnknownRequester)';

/** Compares the roles or users, regardless of the session. */
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

/**
 * Compares the approver with a stated requester. The statement can bar the principal that it names, but admits no one.
 */
function judgeStated(stated: string, approver: string): ApproverVerdict {
  const named = statedPrincipal(stated);
  if (named === approver) return { barred: SAME_PRINCIPAL };
  return parsePrincipal(named) && parsePrincipal(approver) ? judgePrincipals(named, approver) : 'admitted';
}

/** Decides whether the rule allows a principal to approve the plan of a migration with this requester. */
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
  // The configuration requested it, and a principal that can deploy the configuration needs no approval anyway.
  if (requester.source === 'schedule') return 'admitted';
  if (rule === 'another-role') return judgePrincipals(requester.principal, approver);
  return requester.principal === approver ? { barred: SAME_PRINCIPAL } : 'admitted';
}

/** What kind of role the requester and the approver share. `unreadable`: the service may not read the role in IAM. */
export type SharedRoleFound = 'identity-center' | 'other' | 'unreadable';

/** Returns why two sessions of that role do not count as two people; `undefined` if they do. */
export const barredByRole = ({ name }: SharedRole, found: SharedRoleFound): string | undefined => {
  if (found === 'identity-center') return undefined;
  return found === 'other'
    ? SAME_ROLE
    : `${SAME_ROLE}. Role ${name} cannot be read, so that it is not known whether IAM Identity Center created it, whose sessions would be different people. Approve it as another role`;
};

/**
 * Checks that the last approval of a migration is for that plan, and was given in time. Returns the `approver`, whom
 * the
 * rule must still admit, or `why` the plan is not approved.
 */
export function notApproved(last: Approval | undefined, planHash: string): { approver: string } | { why: string } {
  if (!last) return { why: 'the ledger has no approval' };
  const { state, decidedBy, decidedAt, expiresAt } = last;
  if (state !== 'approved') return { why: `the approval in the ledger is ${state}` };
  if (last.planHash !== planHash) return { why: 'the approval in the ledger is for another plan' };
  if (decidedBy === undefined || decidedAt === undefined)
    return { why: 'the approval in the ledger does not show who approved it, and when' };
  return Date.parse(decidedAt) < Date.parse(expiresAt)
    ? { approver: decidedBy }
    : { why: `it was approved at ${decidedAt}, and the approval expired at ${expiresAt}` };
}

/** Returns the approval that the migration waits for. */
export const pendingApproval = (approvals: readonly Approval[]): Approval | undefined => {
  const last = approvals.at(-1);
  return last?.state === 'pending' ? last : undefined;
};
