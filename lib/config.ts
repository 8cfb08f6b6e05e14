import { z } from 'zod';
import { EVERY_ACCOUNT } from '../lambdas/domain/access/spokes.ts';
import type { StepName } from '../lambdas/steps/schemas.ts';
import { everyRole } from './role-pattern.ts';
import { type Settings, settings } from './settings.ts';

/**
 * The settings from which the stack is created, with defaults applied: of the schema, which describes each. One without a
 * value and a default is absent.
 */
export type Config = { [Key in keyof Omit<Settings, '$schema'>]: Exclude<Settings[Key], undefined> };

/**
 * The steps that write trust policies. A principal that may do so can assume those roles, so they are deployed only on
 * request.
 */
const TRUST_STEPS = ['repair-trust', 'retire-trust'] as const satisfies StepName[];
export type TrustStep = (typeof TRUST_STEPS)[number];

const isTrustStep = (step: StepName): step is TrustStep => TRUST_STEPS.some((one) => one === step);

/** Steps outside the state machines, with the setting that disables each. */
const SWITCHES = { api: 'api', 'diagnose-denial': 'denialRule' } as const satisfies Partial<
  Record<StepName, keyof Config['deploy']>
>;
type SwitchedStep = keyof typeof SWITCHES;
const isSwitched = (step: StepName): step is SwitchedStep => Object.hasOwn(SWITCHES, step);
/** Steps that only some deployments have. */
export type OptionalStep = TrustStep | SwitchedStep;

export const isDeployed = (
  step: StepName,
  { repairableRoleArns, deploy }: Pick<Config, 'repairableRoleArns' | 'deploy'>,
): boolean => (isSwitched(step) ? deploy[SWITCHES[step]] : repairableRoleArns !== undefined || !isTrustStep(step));

/** Returns the object without its undefined properties. */
const withoutUndefined = <Of extends object>(all: Of) =>
  Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [Key in keyof Of]: Exclude<Of[Key], undefined>;
  };

/**
 * Parses settings. If `forEveryRole` is true, every role of every account may be passed and repaired, regardless of
 * the settings.
 */
export function parseSettings(given: Record<string, unknown>, forEveryRole: boolean) {
  if (!forEveryRole) return settings.safeParse(given);
  // No valid pattern can name these roles.
  const every = { passableRoleArns: [everyRole()], repairableRoleArns: [everyRole()] };
  const patterns = z.array(z.string());
  return settings
    .extend({ passableRoleArns: patterns, repairableRoleArns: patterns })
    .safeParse({ ...given, ...every });
}

/** Returns the configuration with parsed settings. If `forEveryRole` is true, everything is deployed. */
export function configOf(parsed: Settings, forEveryRole: boolean): Config {
  const { $schema: _, accounts, deploy, notifications, ...rest } = parsed;
  const everything = {
    deploy: { api: true, apiAccessLog: true, runbook: true, denialRule: true },
    notifications: { ...notifications, emails: ['operator@example.com'] },
    // The sandbox does not authenticate its user.
    approvals: { ...rest.approvals, allowUnknownRequester: true },
  };
  return {
    ...withoutUndefined(rest),
    ...(forEveryRole ? everything : { deploy, notifications }),
    accounts: forEveryRole ? [EVERY_ACCOUNT] : accounts,
  };
}
