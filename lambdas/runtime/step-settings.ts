/** The settings of the deployment that steps get in their environment: the variables of each, and how they are read. */
import { z } from 'zod';
import { approverRule } from '../domain/approval/approval.ts';
import { denialAction, denialSettings, type DenialSettings } from '../domain/events/denial.ts';
import { MigrationError } from '../domain/failures/errors.ts';
import type { DeploymentSettings } from '../domain/settings/deployment.ts';
import { ACTING_STEPS, ROLE_VARIABLES } from '../domain/steps/work.ts';
import { problemsOf } from '../domain/text/problems.ts';
import { ZOD_MESSAGES } from '../domain/text/zod-messages.ts';
import { waitingCaps } from '../domain/waiting/waiting.ts';
import type { Settings } from '../ports/index.ts';

/** The environment of a step that decides whether an approval is needed: `true` if every change needs one. */
export const approvalEnvironment = z.object({ APPROVAL_REQUIRED: z.enum(['true', 'false']) });
/** The environment of a step that retires: the least `soakDays` of a request. */
export const soakEnvironment = z.object({ LEAST_SOAK_DAYS: z.string().regex(/^\d{1,3}$/) });
/** The environment of a step that admits waiting migrations: the limits for one principal and in total. */
export const waitingEnvironment = z.object({
  MOST_WAITING_PER_PRINCIPAL: z.string().min(1),
  MOST_WAITING: z.string().min(1),
});
/**
 * The environment of a step that decides who may approve a request. ALLOW_UNKNOWN_REQUESTER is `true` if the requester need
 * not be authenticated.
 */
export const approverEnvironment = z.object({
  APPROVER: approverRule,
  ALLOW_UNKNOWN_REQUESTER: z.enum(['true', 'false']),
});
/** The environment of the step that handles denied calls. QUIET_HOURS: how long further denials of an add-on start nothing. */
export const denialEnvironment = z.object({ DENIAL_ACTION: denialAction, QUIET_HOURS: z.string().regex(/^\d+$/) });

type Environment = Readonly<Record<string, string | undefined>>;

/** Returns the settings of the one step that handles denied calls. */
function denialsIn(environment: Environment, accounts: readonly string[]): DenialSettings | undefined {
  const { ACCOUNT: account, DENIAL_ACTION: action, QUIET_HOURS: quietHours } = environment;
  if (action === undefined) return undefined;
  const parsed = denialSettings.safeParse({ account, accounts, action, quietHours: Number(quietHours) }, ZOD_MESSAGES);
  if (parsed.success) return parsed.data;
  throw new MigrationError(
    'BadInput',
    `The function's settings about denied calls are wrong: ${problemsOf(parsed.error, 'they')}. Deploy the service again.`,
  );
}

/** Returns the settings of the steps that admit waiting migrations. */
function waitingIn(environment: Environment): Pick<Settings, 'waiting'> {
  const { MOST_WAITING_PER_PRINCIPAL: perPrincipal, MOST_WAITING: perDeployment } = environment;
  if (perPrincipal === undefined || perDeployment === undefined) return {};
  const parsed = waitingCaps.safeParse(
    { perPrincipal: Number(perPrincipal), perDeployment: Number(perDeployment) },
    ZOD_MESSAGES,
  );
  if (parsed.success) return { waiting: parsed.data };
  throw new MigrationError(
    'BadInput',
    `The function's settings about waiting migrations are wrong: ${problemsOf(parsed.error, 'they')}. Deploy the service again.`,
  );
}

/** Created once: creating a schema takes longer than using it. */
const approver = approverRule.catch('another-role');

/**
 * Returns the settings of a step: those of its environment, and those that ship with its function, if it uses any. Throws
 * BadInput if a limit or a setting about denied calls is wrong. An unknown rule about who may approve counts as the strictest.
 */
export const settingsIn = (
  environment: Environment,
  region: string,
  deployment: DeploymentSettings | undefined,
): Settings => ({
  approvals: {
    required: environment['APPROVAL_REQUIRED'] === 'true',
    approver: approver.parse(environment['APPROVER']),
    allowUnknownRequester: environment['ALLOW_UNKNOWN_REQUESTER'] === 'true',
  },
  changeWindow: deployment?.changeWindow,
  ...waitingIn(environment),
  ...(environment['LEAST_SOAK_DAYS'] === undefined ? {} : { leastSoakDays: Number(environment['LEAST_SOAK_DAYS']) }),
  ...(environment['ACCOUNT'] === undefined ? {} : { account: environment['ACCOUNT'] }),
  accounts: deployment?.accounts ?? [],
  regions: deployment && (deployment.regions ?? [region]),
  ...(environment['RETIRE_STATE_MACHINE_ARN'] ? { retires: true } : {}),
  bucket: environment['BUCKET_NAME'],
  denials: denialsIn(environment, deployment?.accounts ?? []),
  passableRoleArns: deployment?.passableRoleArns ?? [],
  repairableRoleArns: deployment?.repairableRoleArns ?? [],
  ...(deployment?.roleGrants ? { roleGrants: deployment.roleGrants } : {}),
  ...(deployment?.rollbackClaimDays === undefined ? {} : { rollbackClaimDays: deployment.rollbackClaimDays }),
  actingRoles: Object.fromEntries(
    ACTING_STEPS.flatMap((step) => {
      const arn = environment[ROLE_VARIABLES[step]];
      return arn ? [[step, arn]] : [];
    }),
  ),
  simulated: environment['SIMULATED'] === 'true',
});
