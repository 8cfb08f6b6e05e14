/** Decides who may approve a migration's plan, and whether the ledger has an approval of it that counts. */
import {
  type Approval,
  barredByRole,
  judgeApprover,
  notApproved,
  type SharedRoleFound,
} from '../../domain/approval/approval.ts';
import { operationOf, requestedAs } from '../../domain/waiting/operations.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration } from '../../domain/record/migration.ts';
import type { Plan } from '../../domain/record/plan.ts';
import { isOfIdentityCenter, type SharedRole } from '../../domain/aws/principal.ts';
import { needsApproval } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies, Settings } from '../../ports/index.ts';
import { recordedMigration } from '../record/recorded.ts';

export interface Judging {
  settings: Pick<Settings, 'approvals' | 'account'>;
  /** Absent if roles may not be read: two sessions of one role then never count as two people. */
  portsFor?: HandlerDependencies['portsFor'] | undefined;
}

/** Returns the kind of a shared role. Only roles in the service's own account can be read. */
async function readShared(
  role: SharedRole,
  { request: { target } }: Pick<Migration, 'request'>,
  { settings: { account }, portsFor }: Judging,
): Promise<SharedRoleFound> {
  if (!portsFor || role.account !== account) return 'unreadable';
  try {
    const arn = await portsFor({ ...target, account }).roles.findRole(role.name);
    return arn !== undefined && isOfIdentityCenter(arn) ? 'identity-center' : 'other';
  } catch (error) {
    if (isMigrationError(error, 'AccessDenied')) return 'unreadable';
    throw error;
  }
}

/** Returns why the principal may not approve the plan of the migration; undefined if it may. */
export async function barredFromApproving(
  record: Pick<Migration, 'request' | 'requester'>,
  approver: string,
  judging: Judging,
): Promise<string | undefined> {
  const verdict = judgeApprover(judging.settings.approvals, record, approver);
  if (verdict === 'admitted') return undefined;
  if ('barred' in verdict) return verdict.barred;
  return barredByRole(verdict.shared, await readShared(verdict.shared, record, judging));
}

/**
 * Returns why the ledger has no approval of that hash that was given in time by a principal that the deployment's rule admits
 * now; undefined if it has one. Reads the ledger itself: the holder of the task token can make the execution continue,
 * regardless of the approval.
 */
async function unapproved(
  migrationId: string,
  hash: string,
  { ledger, settings, portsFor }: Pick<HandlerDependencies, 'ledger' | 'settings' | 'portsFor'>,
): Promise<string | undefined> {
  const record = await recordedMigration(ledger, migrationId);
  const last = record.approvals.at(-1);
  const judged = notApproved(last, hash);
  if ('why' in judged) return judged.why;
  const asked = last && askedFor(record, last);
  if (!asked) return 'the ledger no longer has the operation that was approved';
  return barredFromApproving(asked, judged.approver, { settings, portsFor });
}

/** Returns the record as the requester of what the approval is for requested it; undefined if that no longer waits. */
export function askedFor(record: Migration, approval: Approval): Migration | undefined {
  if (approval.operation === undefined) return record;
  const operation = operationOf(record, approval);
  return operation && requestedAs(record, operation);
}

/**
 * Throws BadInput if the plan needs an approval and the ledger has none for exactly this plan (`unapproved`). Must be called
 * under the lock.
 */
export async function assertApproved(
  { migrationId, request }: Pick<Migration, 'migrationId' | 'request'>,
  { hash }: Pick<Plan, 'hash'>,
  dependencies: Pick<HandlerDependencies, 'ledger' | 'settings' | 'portsFor'>,
): Promise<void> {
  if (!needsApproval(request, dependencies.settings)) return;
  const why = await unapproved(migrationId, hash, dependencies);
  if (why === undefined) return;
  throw new MigrationError(
    'BadInput',
    `The plan of migration ${migrationId} is not carried out, since it has no approval that counts: ${why}. Nothing was changed. Start the migration again, and approve its plan through the API or on the command line.`,
  );
}

/**
 * Returns why an operation may not be carried out: the approval that came with the execution, and that of the ledger, must
 * both be of this hash. Undefined if both are.
 */
export async function unapprovedOperation(
  migrationId: string,
  { hash, approvedHash }: { hash: string; approvedHash: string | undefined },
  dependencies: Pick<HandlerDependencies, 'ledger' | 'settings' | 'portsFor'>,
): Promise<string | undefined> {
  if (approvedHash === undefined) return 'it was not approved';
  if (approvedHash !== hash) return 'what it would change is no longer what was approved';
  return unapproved(migrationId, hash, dependencies);
}
