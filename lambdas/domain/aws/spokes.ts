/**
 * Other accounts ("spokes"), whose clusters the service (in its "hub") works on by roles that it assumes there: one for
 * each capability, under names that never change, so that access entries can name them before the service has been
 * there. `lib/spokes` makes the roles; `ROLE_OF_STEPS` says which step works with which. How to set it up:
 * docs/accounts.md.
 */
import type { ServiceRoles } from '../access/entries.ts';
import { ACCESS_OF_STEPS, type Purpose } from '../access/rules.ts';
import { partitionOf } from './partitions.ts';
import type { ActingStep } from '../plan/acting.ts';
import type { RoleGrant } from '../settings/role-grants.ts';

/**
 * `read` looks at EKS and IAM; `change` changes add-ons and associations, and passes roles; `trust` changes trust
 * policies. The others are for API servers alone, and have no right in AWS.
 */
export const CAPABILITIES = [
  'read',
  'change',
  'trust',
  'kubernetes-read',
  'kubernetes-restart',
  'kubernetes-annotate',
] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Capabilities of EKS and IAM. */
export type AwsCapability = Extract<Capability, 'read' | 'change' | 'trust'>;
/** Capabilities of API servers. */
export type KubernetesCapability = Exclude<Capability, AwsCapability>;

/** The stack, and the name of its template, that makes the roles in such an account. */
export const SPOKE_STACK = 'PodIdentityMigratorSpoke';

/** Name of the role, without a path: aws-auth knows no paths. */
export const spokeRoleName = (capability: Capability): string => `pod-identity-migrator-${capability}`;
export const spokeRoleArn = (account: string, capability: Capability, partition = 'aws'): string =>
  `arn:${partition}:iam::${account}:role/${spokeRoleName(capability)}`;

/** Seconds: the shortest that STS takes. A role that is assumed from a role has an hour at most. */
export const SPOKE_SESSION_SECONDS = 900;

/**
 * Told with each AssumeRole; one for each hub, so that nobody has to make one up. Source: IAM User Guide, "Access to
 * AWS accounts owned by third parties".
 */
export const externalIdOf = (hubAccount: string): string => `pod-identity-migrator-${hubAccount}`;

/**
 * What a session of a step is called: CloudTrail shows it beside the role. At most 64 characters (STS API Reference,
 * AssumeRole).
 */
export const spokeSessionName = (step: string): string => `pod-identity-migrator-${step}`.slice(0, 64);

/**
 * By which role a step works in another account; a step that is not here calls neither EKS nor IAM. Where it has two,
 * the first is for EKS and the second for IAM.
 */
export const ROLE_OF_STEPS = {
  plan: ['read'],
  begin: ['read'],
  'install-agent': ['change'],
  'repair-trust': ['read', 'trust'],
  'delete-addon': ['change'],
  'await-deleted': ['read'],
  'create-addon': ['change'],
  'update-addon': ['change'],
  'create-association': ['change'],
  'await-active': ['read'],
  'carry-over': ['change'],
  'verify-pods': ['read'],
  'restart-pods': ['read'],
  'annotate-service-account': ['read'],
  'assess-rollback': ['read'],
  'restore-addon': ['change'],
  'restore-associations': ['change'],
  'take-over': ['read'],
  finish: ['read'],
  'retire-trust': ['read', 'trust'],
  api: ['read'],
  'take-inventory': ['read'],
} as const satisfies Record<string, readonly [AwsCapability, AwsCapability?]>;
/** A step that works in other accounts. */
export type SpokeStep = keyof typeof ROLE_OF_STEPS;
export const SPOKE_STEPS = Object.keys(ROLE_OF_STEPS) as SpokeStep[];
export const isSpokeStep = (step: string): step is SpokeStep => Object.hasOwn(ROLE_OF_STEPS, step);

const KUBERNETES: Record<Purpose, KubernetesCapability> = {
  read: 'kubernetes-read',
  restart: 'kubernetes-restart',
  annotate: 'kubernetes-annotate',
};

/** The roles of one step. `kubernetes`: absent where it calls no API server. */
export interface StepRoles {
  eks: AwsCapability;
  iam: AwsCapability;
  kubernetes?: KubernetesCapability;
}

/** Which roles a step assumes. On API servers one that restarts, or annotates, reads with the same role. */
export function rolesOfStep(step: SpokeStep): StepRoles {
  const [eks, iam = eks]: readonly [AwsCapability, AwsCapability?] = ROLE_OF_STEPS[step];
  const access: Partial<Record<string, readonly Purpose[]>> = ACCESS_OF_STEPS;
  const purpose = access[step]?.at(-1);
  return { eks, iam, ...(purpose === undefined ? {} : { kubernetes: KUBERNETES[purpose] }) };
}

/** Each once, in the order of CAPABILITIES. */
export function capabilitiesOf(step: SpokeStep): Capability[] {
  const { eks, iam, kubernetes } = rolesOfStep(step);
  return CAPABILITIES.filter((one) => one === eks || one === iam || one === kubernetes);
}

/** Those whose roles are let in to the role of that capability. */
export const stepsWith = (capability: Capability): SpokeStep[] =>
  SPOKE_STEPS.filter((step) => capabilitiesOf(step).includes(capability));

/** The roles that call API servers in an account, as access entries name them. */
export function spokeKubernetesRoles(account: string, partition = 'aws'): ServiceRoles {
  const arnOf = (purpose: Purpose): string => spokeRoleArn(account, KUBERNETES[purpose], partition);
  return {
    all: (['read', 'restart', 'annotate'] as const).map(arnOf),
    restart: [arnOf('restart')],
    annotate: [arnOf('annotate')],
  };
}

/** Every account: of the sandbox alone, no configuration can name it. */
export const EVERY_ACCOUNT = '*';

/** Where the service is, and which other accounts it was deployed for. */
export interface Served {
  /** The service's own account; absent where nobody said it. */
  account?: string | undefined;
  accounts?: readonly string[] | undefined;
}

export const isServed = (account: string, { account: own, accounts = [] }: Served): boolean =>
  account === own || accounts.includes(account) || accounts.includes(EVERY_ACCOUNT);

/** A place in AWS whose roles are meant. */
interface Somewhere {
  account: string;
  region: string;
}

/** What the deployment tells of roles. */
interface RoleSettings extends Served {
  passableRoleArns: string[];
  repairableRoleArns: string[];
  roleGrants?: readonly RoleGrant[] | undefined;
  actingRoles: Partial<Record<ActingStep, string>>;
}

/**
 * The same settings as they are for clusters of that account: a pattern that begins with `role/` is of whichever
 * account it is asked about, and in another one than the service's own the steps act with the roles that they assume there.
 */
export function settingsFor<Settings extends RoleSettings>(
  settings: Settings,
  { account, region }: Somewhere,
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

/** Whether a role is one of those that the service has in other accounts. */
export const isSpokeRole = (arn: string): boolean =>
  CAPABILITIES.some((capability) => arn.endsWith(`:role/${spokeRoleName(capability)}`));
