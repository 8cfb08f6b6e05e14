/** The settings of a plan without a deployed service, and who is asked about permissions. */
import type { Preview } from '../../lambdas/domain/plan/preview.ts';
import { isMigrationError } from '../../lambdas/domain/failures/errors.ts';
import { ACTING_STEPS } from '../../lambdas/domain/steps/work.ts';
import type { Roles, Settings } from '../../lambdas/ports/index.ts';

/** The ARN of a role's session, without the role's path. */
const SESSION = /^arn:[\w-]+:sts::\d{12}:assumed-role\/([^/]+)\//;

/**
 * Returns the caller's own role. IAM has its ARN: that of the session lacks the role's path, which the roles of IAM Identity
 * Center have.
 */
export const previewFor = async (callerArn: string, roles: Pick<Roles, 'findRole'>): Promise<Preview> => {
  const [, name] = SESSION.exec(callerArn) ?? [];
  if (name === undefined) return { why: `you are not using a role, but ${callerArn}` };
  try {
    const roleArn = await roles.findRole(name);
    return roleArn === undefined ? { why: `IAM has no role ${name}` } : { roleArn };
  } catch (error) {
    if (!isMigrationError(error, 'AccessDenied')) throw error;
    return { why: `your own role could not be read: ${error.message}` };
  }
};

/** Returns the settings. Every role counts as passable, so that the plan depends on no setting that is not known. */
export const previewSettings = (preview: Preview): Settings => ({
  passableRoleArns: ['*'],
  repairableRoleArns: [],
  actingRoles:
    preview.roleArn === undefined ? {} : Object.fromEntries(ACTING_STEPS.map((step) => [step, preview.roleArn])),
  approvals: { required: false, approver: 'another-role', allowUnknownRequester: false },
  preview,
});

/** No ledger is read: the migration that an association's tag names is not known to be unfinished. */
export const NO_LEDGER = { getMigration: () => Promise.resolve(undefined) };
