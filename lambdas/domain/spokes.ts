/**
 * Other accounts ("spokes"), whose clusters the service (in its "hub") works on by roles that it assumes there: one for
 * each capability, under names that never change, so that access entries can name them before the service has been there.
 * `lib/spokes` makes the roles; `ROLE_OF_STEPS` says which step works with which.
 */
/** `read` looks at EKS and IAM; `change` changes add-ons and associations, and passes roles; `trust` changes trust policies. The others are for API servers alone, and have no right in AWS. */
export const CAPABILITIES = ['read', 'change', 'trust', 'kubernetes-read', 'kubernetes-restart', 'kubernetes-annotate'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Capabilities of EKS and IAM. */
export type AwsCapability = Extract<Capability, 'read' | 'change' | 'trust'>;
/** Capabilities of API servers. */
export type KubernetesCapability = Exclude<Capability, AwsCapability>;

/** Name of the role, without a path: aws-auth knows no paths. */
export const spokeRoleName = (capability: Capability): string => `pod-identity-migrator-${capability}`;
export const spokeRoleArn = (account: string, capability: Capability, partition = 'aws'): string => `arn:${partition}:iam::${account}:role/${spokeRoleName(capability)}`;

/** Seconds: the shortest that STS takes. A role that is assumed from a role has an hour at most. */
export const SPOKE_SESSION_SECONDS = 900;

/** Told with each AssumeRole; one for each hub, so that nobody has to make one up. Source: IAM User Guide, "Access to AWS accounts owned by third parties". */
export const externalIdOf = (hubAccount: string): string => `pod-identity-migrator-${hubAccount}`;

/** By which role a step calls EKS and IAM in another account; a step that is not here calls neither. Where it has two, the second is for what the first may not do. */
export const ROLE_OF_STEPS = {
  plan: ['read'],
  begin: ['read'],
  'install-agent': ['change'],
  'repair-trust': ['trust'],
  'delete-addon': ['change'],
  'await-deleted': ['read'],
  'purge-associations': ['change'],
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
} as const satisfies Record<string, readonly AwsCapability[]>;
