import { operationTitle } from '../waiting/operations.ts';
import { requesterText } from '../approval/requester.ts';
import { shellCommand } from '../text/shell.ts';
import type { Approval } from '../approval/approval.ts';
import type { Migration } from '../record/migration.ts';
import type { RetiredRole } from '../record/retirement.ts';

/** Returns the command that cancels a migration. */
export const cancelCommand = (migrationId: string): string =>
  shellCommand(['pod-identity', 'cancel', migrationId, '--deployed']);

const RESULTS: Partial<Record<RetiredRole['result'], string>> = {
  'would-remove': 'its trust through OIDC would be removed',
  'would-restore': 'its trust through OIDC would be restored',
};

/**
 * Returns what the approval of a retirement or a reinstatement is for, and what happens without it; undefined for the approval
 * of a plan.
 */
export function operationToApprove(
  record: Migration,
  { operation, planHash, expiresAt }: Approval,
): string[] | undefined {
  if (operation === undefined) return undefined;
  const { retirement } = record;
  return [
    `The ${operationTitle(record)} waits for an approval until ${expiresAt}, and is refused without one. It has changed nothing yet.`,
    ...(retirement?.planHash === planHash
      ? [
          `It was requested by ${requesterText(retirement)}.`,
          ...(retirement.roles ?? []).map(({ roleArn, result }) => `${roleArn}: ${RESULTS[result] ?? 'nothing to do'}`),
        ]
      : ['What this approval was about has been replaced.']),
  ];
}
