/** Who may approve a migration's plan, and whether the ledger has an approval of it that counts. */
import { barredByRole, judgeApprover, notApproved, type SharedRoleFound } from '../../domain/approval/approval.ts';
import { isMigrationError, MigrationError } from '../../domain/failures/errors.ts';
import type { Migration, Plan } from '../../domain/migration/model.ts';
import { isOfIdentityCenter, type SharedRole } from '../../domain/aws/principal.ts';
import { needsApproval } from '../../domain/waiting/waiting.ts';
import type { HandlerDependencies, Settings } from '../../ports/index.ts';
import { recordedMigration } from '../migration/recorded.ts';

export interface Judging {
  settings: Pick<Settings, 'approvals' | 'account'>;
  /** Absent where nobody may read roles: then two sessions of one role are never two people. */
  portsFor?: HandlerDependencies['portsFor'] | undefined;
}

/** Roles of the service's own account alone can be read. */
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

/** Why that principal may not approve the plan of that migration; undefined where it may. */
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
 * Throws BadInput for a plan that has to be approved, unless the ledger has its approval: of this very plan, given in
 * time, by a principal that the deployment's rule admits now. To be called under the lock, since it reads the ledger
 * for itself: whoever holds the task token can have the execution go on, whatever became of the approval.
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
    `The plan of migration ${migrationId} is not carried out, since no approval of it counts: ${why}. Nothing was changed. Start it again, and approve its plan by the API or by pod-identity approve.`,
  );
}
