/** Decides about the plan of a migration that waits for approval, by the service's own rules. */
import { type Approval, type ApprovalDecision, pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { type AuthenticatedRequester, requesterOf } from '../../lambdas/domain/approval/requester.ts';
import type { Plan } from '../../lambdas/domain/record/plan.ts';
import type { Retirement } from '../../lambdas/domain/record/retirement.ts';
import { decideApproval, type Refusal } from '../../lambdas/use-cases/approval/decide.ts';
import { type Backend, executionsOf } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { findMigration } from './known.ts';

/** What `--json` prints. */
export interface Decision {
  migrationId: string;
  /** The approval after the decision. */
  approval: Approval;
}

/** The strictest rule, which applies unless the deployment's rule is known. */
const STRICTEST = 'another-role';

const HINTS: Record<Refusal, (migrationId: string) => string> = {
  unknown: (id) =>
    `The id is in the second line that migrate prints. Check that this is the same service: pod-identity show ${id}`,
  'not-waiting': (id) => `To show its state: pod-identity show ${id}`,
  'other-plan': (id) => `To show the waiting plan, run without --plan: pod-identity approve ${id}`,
  expired: () => 'Nothing was changed. Start the migration again, if needed with more time: --approval-hours',
  decided: (id) => `To show its state: pod-identity show ${id}`,
  barred: () => 'Another principal must approve it; the deployment configures who may (setting approvals.approver)',
};

/** Returns the error for a refused decision: exit code 3 for a principal that may not approve, 2 otherwise. */
const decisionRefused = (migrationId: string, refused: Refusal, why: string): CliError =>
  new CliError(
    'NotDecided',
    `nothing was decided about migration ${migrationId}: ${why}`,
    HINTS[refused](migrationId),
    refused === 'barred' ? EXIT_CODES.blocked : EXIT_CODES.badInput,
  );

/** Records the decision of principal `by`. Runs in a thread of the backend's clock. Throws NotDecided. */
export const decide = async (
  backend: Backend,
  migrationId: string,
  decision: ApprovalDecision,
  by: string,
): Promise<Decision> => {
  const { ledger, clock, approver = STRICTEST, allowUnknownRequester = false } = backend;
  const decided = await decideApproval(migrationId, decision, by, {
    ledger,
    clock,
    executions: executionsOf(backend),
    settings: { approvals: { required: false, approver, allowUnknownRequester } },
  });
  if ('refused' in decided) throw decisionRefused(migrationId, decided.refused, decided.why);
  return { migrationId, approval: decided.approval };
};

/** A plan that waits for a decision. */
export interface Undecided {
  migrationId: string;
  approval: Approval;
  plan?: Plan | undefined;
  /** The requester; absent if not authenticated. */
  requester?: AuthenticatedRequester | undefined;
  /** The requester that the request states. */
  requestedBy?: string | undefined;
  reason?: string | undefined;
  /** Present if the approval is for what it changes, instead of the plan. */
  retirement?: Retirement | undefined;
}

type Asked = Omit<Undecided, 'migrationId' | 'approval' | 'retirement'>;

/** Returns what the approval is for: the plan of the migration, or the operation that waits. */
export const undecidedAbout = (
  migrationId: string,
  approval: Approval,
  ofMigration: Asked,
  retirement: Retirement | undefined,
): Undecided => {
  if (approval.operation === undefined) return { migrationId, approval, ...ofMigration };
  if (retirement?.planHash !== approval.planHash) throw notWaiting(migrationId);
  const { requester, requestedBy, reason } = retirement;
  return { migrationId, approval, requester, requestedBy, reason, retirement };
};

export const notWaiting = (migrationId: string): CliError =>
  decisionRefused(migrationId, 'not-waiting', `migration ${migrationId} is not waiting for an approval`);

/**
 * Returns the plan that waits for a decision. Runs in a thread of the backend's clock. Throws UnknownMigration, and
 * NotDecided if the migration does not wait for one.
 */
export const undecided = async (backend: Backend, migrationId: string): Promise<Undecided> => {
  const record = await findMigration(backend, migrationId);
  const approval = pendingApproval(record?.approvals ?? []);
  if (!record || !approval) throw notWaiting(migrationId);
  const { requestedBy, reason } = record.request;
  return undecidedAbout(
    migrationId,
    approval,
    { plan: record.plan, requester: requesterOf(record), requestedBy, reason },
    record.retirement,
  );
};
