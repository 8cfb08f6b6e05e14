/**
 * Approvals: somebody looks at a plan and says that it may be carried out. Each is bound to one plan by its hash, so
 * that it counts for no other one. The task token by which Step Functions waits is never part of it: see `Ledger`.
 */
import { z } from 'zod';
import { reason, requestedBy } from './names.ts';

/** `expired`: nobody decided in time. `withdrawn`: the migration ended before, such as by a cancel. */
export const approvalState = z.enum(['pending', 'approved', 'rejected', 'expired', 'withdrawn']);
export type ApprovalState = z.infer<typeof approvalState>;

export const approval = z.object({
  /** Counts from 1: a plan that has changed meanwhile is asked about anew. */
  round: z.number().int().positive(),
  planHash: z.string(),
  state: approvalState,
  requestedAt: z.string(),
  expiresAt: z.string(),
  /** Who decided, when, and why they say they did; absent while it is pending, and where it expired. */
  decidedBy: requestedBy.optional(),
  decidedAt: z.string().optional(),
  reason: reason.optional(),
});
export type Approval = z.infer<typeof approval>;

/** What somebody says about the plan with that hash. */
export const approvalDecision = z.strictObject({
  decision: z.enum(['approve', 'reject']),
  planHash: z
    .string()
    .regex(/^[0-9a-f]{64}$/, 'must be the hash of the plan, 64 hexadecimal digits, as the migration shows it'),
  reason: reason.optional(),
});
export type ApprovalDecision = z.infer<typeof approvalDecision>;

/** Who may approve what somebody asked for, as the deployment says. */
export const approverRule = z.enum(['anyone', 'another-session', 'another-role']);
export type ApproverRule = z.infer<typeof approverRule>;

/** `arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION` without the session; any other ARN as it is. */
const withoutSession = (principal: string): string =>
  principal.replace(/^(arn:[\w-]+:sts::\d{12}:assumed-role\/[^/]+)\/.*$/, '$1');

/** Who made the call that the service answers with a request of its own: `cloudtrail: ARN`. */
export const BY_CLOUDTRAIL = 'cloudtrail: ';
const behind = (requester: string): string =>
  requester.startsWith(BY_CLOUDTRAIL) ? requester.slice(BY_CLOUDTRAIL.length) : requester;

/** Returns the principal of a requester: all sessions of a role are one. */
export const principalOf = (requester: string): string => withoutSession(behind(requester));

/**
 * Why this principal may not approve what that one asked for; undefined where it may. A request whose principal nobody
 * knows can't be told apart from the approver's own, so where anybody is barred nobody may approve it.
 */
export function barredFromApproving(
  rule: ApproverRule,
  requester: string | undefined,
  approver: string,
): string | undefined {
  if (rule === 'anyone') return undefined;
  if (requester === undefined)
    return 'it is not known who asked for the migration, so nobody can be told apart from them';
  const asked = behind(requester);
  const same = rule === 'another-session' ? asked === approver : withoutSession(asked) === withoutSession(approver);
  if (!same) return undefined;
  return rule === 'another-session'
    ? 'who asks for a migration may not approve it, and this is the same principal'
    : 'who asks for a migration may not approve it, and this is the same role';
}

/** The one that is being waited for. */
export const pendingApproval = (approvals: readonly Approval[]): Approval | undefined => {
  const last = approvals.at(-1);
  return last?.state === 'pending' ? last : undefined;
};
