import { z } from 'zod';
import type { ChangeWindow } from '../lambdas/domain/waiting/change-window.ts';
import { EVERY_ACCOUNT } from '../lambdas/domain/aws/spokes.ts';
import type { StepName } from '../lambdas/steps/schemas.ts';
import type { Network } from './network/interfaces.ts';
import { everyRole } from './role-pattern.ts';
import { type Settings, settings } from './settings.ts';

/** The settings from which the stack is created, with defaults applied. */
export interface Config {
  passableRoleArns: string[];
  /** If absent, trust policies are only read. */
  repairableRoleArns?: string[];
  /** Roles that may be given to service accounts even if no trust policy or association shows it. */
  roleGrants: Settings['roleGrants'];
  /** For how many days after a migration a requested rollback gives back an association that it deleted. */
  rollbackClaimDays: number;
  permissionsBoundaryArn?: string;
  /** If absent, AWS-owned keys are used. */
  customerKey?: 'create' | { arn: string };
  /** Network of the Lambdas that call API servers. If absent, they are in no VPC. */
  network?: Network;
  /** If absent, alarms notify no one. */
  alarmTopicArn?: string;
  logLevel: Settings['logLevel'];
  /** What is deployed in addition to the state machines. */
  deploy: Settings['deploy'];
  /** Other accounts whose clusters and events the service handles. The stack's own account may be among them. */
  accounts: string[];
  /** Default regions of a sweep. If absent, the stack's own region. */
  regions?: string[];
  /** Sweeps that are started on a schedule. */
  sweeps: Settings['sweeps'];
  approvals: Settings['approvals'];
  /** When changes may begin; a request may narrow it. If absent, at any time. */
  changeWindow?: ChangeWindow;
  /** `topicArn`, `emails`, or neither; then no notifications are sent. */
  notifications: Settings['notifications'];
  denials: Settings['denials'];
  /** Maximum number of migrations that may wait at the same time. */
  waiting: Settings['waiting'];
  retirement: Settings['retirement'];
  /** Reserved concurrency of the steps that it names; the others have none. */
  reservedConcurrency: Settings['reservedConcurrency'];
}

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
