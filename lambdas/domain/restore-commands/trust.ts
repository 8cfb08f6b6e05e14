/**
 * The commands for a trust policy that this migration changed and could not restore. Options: AWS CLI command reference,
 * `aws iam update-assume-role-policy`.
 */
import { parseRoleArn } from '../aws/arn.ts';
import { type Check, warn } from '../terms/check.ts';
import type { Target } from '../terms/subject.ts';
import { ifWanted, note, option, shellCommand } from '../text/shell.ts';
import { asClause } from '../text/text.ts';
import type { TrustChange } from '../terms/trust.ts';
import { undoRepair } from '../trust/repair.ts';

/** ID of the warning. */
export const TRUST_NOT_RESTORED = 'trust-not-restored';

const nameOf = (roleArn: string): string => parseRoleArn(roleArn)?.name ?? roleArn;

/** Returns a policy without white space between its parts, so that a command stays on one line. */
const onOneLine = (policy: string): string => {
  try {
    return JSON.stringify(JSON.parse(policy));
  } catch {
    return policy;
  }
};

/** IAM is global to a partition, which the region determines. */
export const updateTrustLine = (roleArn: string, document: string, { region }: Pick<Target, 'region'>): string =>
  shellCommand(
    ['aws', 'iam', 'update-assume-role-policy', '--region', region, '--role-name', nameOf(roleArn)],
    option('--policy-document', onOneLine(document)),
  );

const sidOf = ({ statement }: TrustChange): string =>
  typeof statement['Sid'] === 'string' ? ` ${statement['Sid']}` : '';

/** The add-on is restored. Only its role's trust policy still has an additional statement. */
export const trustNotRestored = (change: TrustChange, target: Target, why: string): Check => ({
  id: TRUST_NOT_RESTORED,
  status: 'warn',
  message: `The trust policy of role ${change.roleArn} was not restored: ${why}. Statement${sidOf(change)}, which this migration added, may still allow EKS Pod Identity; the add-on does not need it.`,
  remedy: `Compare the policy with its former text, then remove the statement. To restore the former policy, overwriting every later change: ${updateTrustLine(change.roleArn, change.before, target)}`,
});

/**
 * The note for a role that this deployment may not change. A record's change of such a role is not turned into a command.
 */
export const trustNotOurs = ({ roleArn }: Pick<TrustChange, 'roleArn'>, repairable: readonly string[]): Check => ({
  id: TRUST_NOT_RESTORED,
  status: 'warn',
  message: `The trust policy of role ${roleArn} was not restored: this deployment may not change it (it may change: ${repairable.join(', ') || 'none'}).`,
  remedy:
    'Find out whether the migration or another writer of its record caused this; then remove by hand what does not belong in the policy. The add-on does not need it.',
});

/** The note for a change that this service would not make. The content of such a record is not passed on. */
export const trustNotOwn = ({ roleArn }: Pick<TrustChange, 'roleArn'>, problem: string): Check => ({
  id: TRUST_NOT_RESTORED,
  status: 'warn',
  message: `The trust policy of role ${roleArn} was left as it is: the ledger records a change of it that this service does not make (${problem}).`,
  remedy:
    'Find out who wrote that into the ledger, and compare the trust policy with the intended one. The add-on does not need that change.',
});

/** ID of the warning with the reason why a statement cannot be removed automatically. It quotes the policy. */
export const TRUST_TO_EDIT = 'trust-to-edit';

/** The current policies by the role's ARN: null for a deleted role, absent if a policy could not be read. */
export type TrustNow = Readonly<Record<string, string | null>>;

/**
 * Returns the lines for one change that is not undone. The note names the statement by its Sid. The reason why it cannot
 * be removed is in the warning of `trustToEdit`, outside of the pasted lines.
 */
export function trustLines(change: TrustChange, target: Target, trust: TrustNow): string[] {
  const { roleArn, before } = change;
  const current = trust[roleArn];
  const sid = sidOf(change).trim();
  const asBefore = updateTrustLine(roleArn, before, target);
  if (current === null) return [];
  if (current === undefined) {
    return [
      note`This migration added statement ${sid} to the trust policy of ${roleArn}. The policy could not be read: the line after the next restores the former policy, overwriting every later change. To read the policy first, run the next line without the colon.`,
      ifWanted(shellCommand(['aws', 'iam', 'get-role', '--region', target.region, '--role-name', nameOf(roleArn)])),
      asBefore,
    ];
  }
  const decision = undoRepair(change, current);
  if (decision.do === 'nothing') return [];
  if (decision.do === 'write')
    return [
      note`This migration added statement ${sid} to the trust policy of ${roleArn}: the next line removes it.`,
      updateTrustLine(roleArn, decision.document, target),
    ];
  return [
    note`This migration added statement ${sid} to the trust policy of ${roleArn}, and it cannot be removed automatically: see warning ${TRUST_TO_EDIT}. The next line, without the colon, restores the former policy, overwriting every later change.`,
    ifWanted(asBefore),
  ];
}

/** Returns a warning for each policy that `trustLines` leaves to a person, with the reason. */
export const trustToEdit = (changes: readonly TrustChange[], trust: TrustNow): Check[] =>
  changes.flatMap((change) => {
    const current = trust[change.roleArn];
    const decision = typeof current === 'string' ? undoRepair(change, current) : undefined;
    if (decision?.do !== 'refuse') return [];
    return [
      warn(
        TRUST_TO_EDIT,
        `Statement${sidOf(change)} in the trust policy of role ${change.roleArn} cannot be removed automatically: ${asClause(decision.why)}.`,
        'Remove the statement by hand if nothing needs it, or keep it.',
      ),
    ];
  });
