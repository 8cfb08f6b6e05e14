/** Decides who may approve a migration's plan, and whether the ledger has an approval of it that counts. */
import { barredByRole, judgeApprover, notApproved, type SharedRoleFound } from '../../domain/approval/approval.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration, Plan } from '../../domain/migration/model.ts';
import { isOfIdentityCenter, type SharedRole } from '../../domain/aws/principal.ts';
import { needsApproval } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies, Settings } from '../../ports/index.ts';
import { recordedMigration } from '../migration/recorded.ts';

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
 * Throws BadInput if the plan needs an approval and the ledger has none for exactly this plan that was given in time by a
 * principal that the deployment's rule admits now. Must be called under the lock, and reads the ledger itself: the holder
 * of the task token can make the execution continue, regardless of the approval.
 */
export async function assertApproved(
  { migrationId, request }: Pick<Migration, 'migrationId' | 'request'>,
  { hash }: Pick<Plan, 'hash'>,
  { ledger, settings, portsFor }: Pick<HandlerDependencies, 'ledger' | 'settings' | 'portsFor'>,
): Promise<void> {
  if (!needsApproval(request, settings)) return;
  const record = await recordedMigration(ledger, migrationId);
  const judged = notApproved(record.approvals.at(-1), hash);
  const why = 'why' in judged ? judged.why : await barredFromApproving(record, judged.approver, { settings, portsFor });
  if (why === undefined) return;
  throw new MigrationError(
    'BadInput',
    `The plan of migration ${migrationId} is not carried out, since it has no approval that counts: ${why}. Nothing was changed. Start the migration again, and approve its plan through the API or on the command line.`,
  );
}
