/**
 * Other accounts ("spokes"), in which the service (in its "hub") works through roles that it assumes: one for each
 * capability, under fixed names, so that access entries can name them before the service has worked there. `lib/spokes`
 * creates the roles; `ROLE_OF_STEPS` defines which step uses which role. For the setup, see docs/accounts.md.
 */
import type { ServiceRoles } from './entries.ts';
import { partitionOf } from '../aws/partitions.ts';
import type { RoleGrant } from '../settings/role-grants.ts';
import {
  ACCESS_OF_STEPS,
  type ActingStep,
  AWS_CAPABILITIES,
  type AwsCapability,
  type Purpose,
  ROLE_OF_STEPS,
} from '../steps/work.ts';

/** The others than those of EKS and IAM are only for API servers, and have no permissions in AWS. */
export const CAPABILITIES = [
  ...AWS_CAPABILITIES,
  'kubernetes-read',
  'kubernetes-restart',
  'kubernetes-annotate',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Capabilities of API servers. */
export type KubernetesCapability = Exclude<Capability, AwsCapability>;

/** The name of the stack, and of its template, that creates the roles in a spoke. */
export const SPOKE_STACK = 'PodIdentityMigratorSpoke';

/** Returns the name of a role. It has no path, since aws-auth does not support paths. */
export const spokeRoleName = (capability: Capability): string => `pod-identity-migrator-${capability}`;
export const spokeRoleArn = (account: string, capability: Capability, partition = 'aws'): string =>
  `arn:${partition}:iam::${account}:role/${spokeRoleName(capability)}`;

/** Duration of a session in seconds: the minimum of STS. Role chaining allows at most an hour. */
export const SPOKE_SESSION_SECONDS = 900;

/**
 * Returns the external id of each AssumeRole. It is derived from the hub, so that no one has to choose one. Source: IAM
 * User Guide, "Access to AWS accounts owned by third parties".
 */
export const externalIdOf = (hubAccount: string): string => `pod-identity-migrator-${hubAccount}`;

/**
 * Returns the session name of a step, which CloudTrail shows with the role. At most 64 characters (STS API Reference,
 * AssumeRole).
 */
export const spokeSessionName = (step: string): string => `pod-identity-migrator-${step}`.slice(0, 64);

/** A step that works in other accounts. */
export type SpokeStep = keyof typeof ROLE_OF_STEPS;
export const SPOKE_STEPS = Object.keys(ROLE_OF_STEPS) as SpokeStep[];
export const isSpokeStep = (step: string): step is SpokeStep => Object.hasOwn(ROLE_OF_STEPS, step);

const KUBERNETES: Record<Purpose, KubernetesCapability> = {
  read: 'kubernetes-read',
  restart: 'kubernetes-restart',
  annotate: 'kubernetes-annotate',
};

/** The roles of one step. `kubernetes`: absent if it calls no API server. */
export interface StepRoles {
  eks: AwsCapability;
  iam: AwsCapability;
  kubernetes?: KubernetesCapability;
}

/**
 * Returns the roles that a step assumes. A step that restarts or annotates uses the same role to read the API server.
 */
export function rolesOfStep(step: SpokeStep): StepRoles {
  const [eks, iam = eks]: readonly [AwsCapability, AwsCapability?] = ROLE_OF_STEPS[step];
  const access: Partial<Record<string, readonly Purpose[]>> = ACCESS_OF_STEPS;
  const purpose = access[step]?.at(-1);
  return { eks, iam, ...(purpose === undefined ? {} : { kubernetes: KUBERNETES[purpose] }) };
}

/** Returns the capabilities of a step, each once, in the order of `CAPABILITIES`. */
export function capabilitiesOf(step: SpokeStep): Capability[] {
  const { eks, iam, kubernetes } = rolesOfStep(step);
  return CAPABILITIES.filter((one) => one === eks || one === iam || one === kubernetes);
}

/** Returns the steps whose roles may assume the role of a capability. */
export const stepsWith = (capability: Capability): SpokeStep[] =>
  SPOKE_STEPS.filter((step) => capabilitiesOf(step).includes(capability));

/** Returns the roles that call API servers in an account, as access entries name them. */
export function spokeKubernetesRoles(account: string, partition = 'aws'): ServiceRoles {
  const arnOf = (purpose: Purpose): string => spokeRoleArn(account, KUBERNETES[purpose], partition);
  return {
    all: (['read', 'restart', 'annotate'] as const).map(arnOf),
    restart: [arnOf('restart')],
    annotate: [arnOf('annotate')],
  };
}

/** Stands for all accounts. Only the sandbox uses it; a configuration cannot contain it. */
export const EVERY_ACCOUNT = '*';

/** The account of the service, and the other accounts that it was deployed for. */
export interface Served {
  /** The service's own account; absent if it is not configured. */
  account?: string | undefined;
  accounts?: readonly string[] | undefined;
}

export const isServed = (account: string, { account: own, accounts = [] }: Served): boolean =>
  account === own || accounts.includes(account) || accounts.includes(EVERY_ACCOUNT);

/** The location whose roles the settings are for. */
interface RoleLocation {
  account: string;
  region: string;
}

/** The deployment's settings about roles. */
interface RoleSettings extends Served {
  passableRoleArns: string[];
  repairableRoleArns: string[];
  roleGrants?: readonly RoleGrant[] | undefined;
  actingRoles: Partial<Record<ActingStep, string>>;
}

/**
 * Returns the settings for clusters of an account: a pattern that begins with `role/` becomes an ARN pattern of that
 * account, and in a spoke the steps act with the roles that they assume there.
 */
export function settingsFor<Settings extends RoleSettings>(
  settings: Settings,
  { account, region }: RoleLocation,
): Settings {
  const partition = partitionOf(region);
  const there = (pattern: string): string =>
    pattern.startsWith('role/') ? `arn:${partition}:iam::${account}:${pattern}` : pattern;
  const { account: own, actingRoles } = settings;
  const assumed = Object.fromEntries(
    Object.keys(actingRoles).flatMap((step) =>
      isSpokeStep(step) ? [[step, spokeRoleArn(account, rolesOfStep(step).eks, partition)]] : [],
    ),
  );
  return {
    ...settings,
    passableRoleArns: settings.passableRoleArns.map(there),
    repairableRoleArns: settings.repairableRoleArns.map(there),
    ...(settings.roleGrants
      ? { roleGrants: settings.roleGrants.map((grant) => ({ ...grant, roles: grant.roles.map(there) })) }
      : {}),
    actingRoles: own === undefined || account === own ? actingRoles : assumed,
  };
}

/** Returns whether a role is one of the service's roles in other accounts. */
export const isSpokeRole = (arn: string): boolean =>
  CAPABILITIES.some((capability) => arn.endsWith(`:role/${spokeRoleName(capability)}`));
