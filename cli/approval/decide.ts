/** Deciding about the plan of a migration that waits for it, with the service's own rules. */
import { type Approval, type ApprovalDecision, pendingApproval } from '../../lambdas/domain/approval/approval.ts';
import { type AuthenticatedRequester, type Plan, requesterOf } from '../../lambdas/domain/migration/model.ts';
import { decideApproval, type Refusal } from '../../lambdas/use-cases/approval/decide.ts';
import { type Backend, executionsOf } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { findMigration } from '../known.ts';

/** What `--json` prints. */
export interface Decision {
  migrationId: string;
  /** As it stands now. */
  approval: Approval;
}

/** The strictest: whoever knows better has said so. */
const STRICTEST = 'another-role';

const HINTS: Record<Refusal, (migrationId: string) => string> = {
  unknown: (id) =>
    `The id stands in the second line of what migrate prints. Is it the same service? To look: pod-identity show ${id}`,
  'not-waiting': (id) => `To see how it goes: pod-identity show ${id}`,
  'other-plan': (id) => `To see the plan that waits: pod-identity approve ${id}, without --plan`,
  expired: () => 'Nothing was changed. Ask for the migration again, or give it longer: --approval-hours',
  decided: (id) => `To see how it goes: pod-identity show ${id}`,
  barred: () => 'Somebody else has to approve it: the deployment says who may (setting approvals.approver)',
};

/** Exit code 3 for a principal that may not approve; 2 for all else. */
export const decisionRefused = (migrationId: string, refused: Refusal, why: string): CliError =>
  new CliError(
    'NotDecided',
    `nothing was decided about migration ${migrationId}: ${why}`,
    HINTS[refused](migrationId),
    refused === 'barred' ? EXIT_CODES.blocked : EXIT_CODES.badInput,
  );

/** `by`: the principal. In a thread of the backend's clock. Throws NotDecided. */
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

/** What waits for a decision, to be looked at. */
export interface Undecided {
  migrationId: string;
  approval: Approval;
  plan?: Plan | undefined;
  /** Who requested it; absent where nobody has authenticated that. */
  requester?: AuthenticatedRequester | undefined;
  /** What the request states. */
  requestedBy?: string | undefined;
  reason?: string | undefined;
}

export const notWaiting = (migrationId: string): CliError =>
  decisionRefused(migrationId, 'not-waiting', `migration ${migrationId} does not wait for an approval`);

/** In a thread of the backend's clock. Throws UnknownMigration, and NotDecided where nothing is waited for. */
export const undecided = async (backend: Backend, migrationId: string): Promise<Undecided> => {
  const record = await findMigration(backend, migrationId);
  const approval = pendingApproval(record?.approvals ?? []);
  if (!record || !approval) throw notWaiting(migrationId);
  const { requestedBy, reason } = record.request;
  return { migrationId, approval, plan: record.plan, requester: requesterOf(record), requestedBy, reason };
};
