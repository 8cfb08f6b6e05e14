/**
 * What the service speaks of, as zod schemas: one schema each, used by the Lambdas, the command line's JSON and the
 * report alike. All times are ISO 8601 strings in UTC with milliseconds. Names follow the AWS and Kubernetes APIs.
 */
import { z } from 'zod';

export const OUTCOMES = ['migrated', 'already-migrated', 'planned', 'blocked', 'rolled-back', 'needs-human'] as const;
export const outcome = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof outcome>;

/** ULID: sorts by time, 26 characters of Crockford's base 32. */
export const migrationId = z.string().regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)');

export const accountId = z.string().regex(/^\d{12}$/, 'must be an AWS account id (12 digits)');
export const regionName = z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be an AWS region such as eu-west-1');
/** EKS API model: CreateCluster.name. */
export const clusterName = z
  .string()
  .regex(/^[0-9A-Za-z][A-Za-z0-9_-]{0,99}$/, 'must be an EKS cluster name (letters, digits, - and _, at most 100, starting with a letter or digit)');
export const addonName = z.string().regex(/^[a-z0-9][a-z0-9._-]{0,99}$/, 'must be an EKS add-on name such as aws-ebs-csi-driver');
export const roleArn = z
  .string()
  .max(255, 'must have at most 255 characters')
  .regex(
    /^arn:aws(-[a-z]+)*:iam::\d{12}:role\/([\x21-\x7e]+\/)?[\w+=,.@-]{1,64}$/,
    'must be an IAM role ARN such as arn:aws:iam::111122223333:role/my-role',
  );

export const target = z.object({ account: accountId, region: regionName, cluster: clusterName });
export type Target = z.infer<typeof target>;

export const strategy = z.enum(['recreate']);
export type Strategy = z.infer<typeof strategy>;

/** What somebody asks for. `roles` maps a service account's name to the role it shall use; default: the add-on's role. */
export const migrationRequest = z.object({
  target,
  addon: addonName,
  strategy: strategy.default('recreate'),
  /** DeleteAddon's `preserve`: the Kubernetes objects keep running while EKS lets go of them. */
  preserve: z.boolean().default(false),
  /** CreateAddon's `resolveConflicts` over preserved objects; OVERWRITE resets fields that others changed. */
  resolveConflicts: z.enum(['NONE', 'OVERWRITE']).default('NONE'),
  roles: z.record(z.string(), roleArn).default({}),
  /** One role for every planned service account; `roles` goes before it. */
  roleArn: roleArn.optional(),
  dryRun: z.boolean().default(false),
  requestedBy: z.string().max(256).optional(),
  reason: z.string().max(1024).optional(),
});
export type MigrationRequest = z.infer<typeof migrationRequest>;
export type MigrationRequestInput = z.input<typeof migrationRequest>;

export const check = z.object({
  /** Stable, kebab-case; see `plan/checks.ts`. */
  id: z.string(),
  status: z.enum(['pass', 'warn', 'fail', 'unknown']),
  /** What was found, with names. */
  message: z.string(),
  /** What to do about it; there for every status but pass. */
  remedy: z.string().optional(),
  /** Where the rule comes from: a page of the EKS User Guide or an issue. */
  source: z.string().optional(),
});
export type Check = z.infer<typeof check>;

export const addonHealthIssue = z.object({ code: z.string(), message: z.string(), resourceIds: z.array(z.string()) });

/** An installed add-on, as DescribeAddon answers. `configurationValues` is the raw string, JSON or YAML, never parsed. */
export const addon = z.object({
  name: z.string(),
  arn: z.string(),
  version: z.string(),
  status: z.enum(['CREATING', 'ACTIVE', 'CREATE_FAILED', 'UPDATING', 'DELETING', 'DELETE_FAILED', 'DEGRADED', 'UPDATE_FAILED']),
  namespace: z.string().optional(),
  serviceAccountRoleArn: z.string().optional(),
  configurationValues: z.string().optional(),
  /** ARNs of the associations that the add-on owns. */
  podIdentityAssociations: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  issues: z.array(addonHealthIssue),
});
export type Addon = z.infer<typeof addon>;

/** An EKS Pod Identity association, whole, as DescribePodIdentityAssociation answers. */
export const association = z.object({
  id: z.string(),
  arn: z.string(),
  namespace: z.string(),
  serviceAccount: z.string(),
  roleArn: z.string(),
  /** ARN of the add-on that owns it; absent for a stand-alone one. */
  ownerArn: z.string().optional(),
  targetRoleArn: z.string().optional(),
  externalId: z.string().optional(),
  disableSessionTags: z.boolean().optional(),
  policy: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  createdAt: z.string(),
  modifiedAt: z.string(),
});
export type Association = z.infer<typeof association>;

/** One association that the migration will make: the add-on form knows no more than these. */
export const plannedAssociation = z.object({ namespace: z.string(), serviceAccount: z.string(), roleArn });
export type PlannedAssociation = z.infer<typeof plannedAssociation>;

export const planStep = z.object({
  name: z.string(),
  what: z.string(),
  /** The AWS or Kubernetes API calls of the step that change something; empty for a reading step. */
  calls: z.array(z.string()),
  disruption: z.enum(['none', 'rolling', 'outage']),
  undo: z.string(),
});
export type PlanStep = z.infer<typeof planStep>;

export const verdict = z.enum(['migrate', 'already-migrated', 'blocked']);

export const plan = z.object({
  verdict,
  strategy,
  preserve: z.boolean(),
  checks: z.array(check),
  steps: z.array(planStep),
  addon: addon.optional(),
  namespace: z.string().optional(),
  associations: z.array(plannedAssociation),
  /** Ids of the associations that stand in the way and will be deleted. */
  purge: z.array(z.string()),
  /** SHA-256 over what was found and what will be done, hex. */
  hash: z.string(),
});
export type Plan = z.infer<typeof plan>;

/** What was there before anything changed; a rollback works from this alone. */
export const snapshot = z.object({
  takenAt: z.string(),
  addon,
  namespace: z.string(),
  planned: z.array(plannedAssociation),
  associations: z.array(association),
  /** Trust policy documents by role ARN, decoded JSON text. */
  trustPolicies: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshot>;

/** How a pod gets its AWS credentials. `not-applicable`: its service account is not one that migrates. */
export const podIdentity = z.enum(['pod-identity', 'irsa', 'node-role', 'mixed', 'not-applicable']);
export type PodIdentity = z.infer<typeof podIdentity>;

export const podEvidence = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  serviceAccount: z.string(),
  identity: podIdentity,
  ready: z.boolean(),
  createdAt: z.string(),
  node: z.string().optional(),
  /** What the pod's spec shows: the env keys and the token volume that make the class. */
  evidence: z.string(),
});
export type PodEvidence = z.infer<typeof podEvidence>;

export const stepLine = z.object({
  name: z.string(),
  startedAt: z.string(),
  endedAt: z.string(),
  /** Invocations of the step's Lambda: polls and retries count. */
  attempts: z.number().int().positive(),
  result: z.string().optional(),
  error: z.object({ name: z.string(), message: z.string() }).optional(),
});
export type StepLine = z.infer<typeof stepLine>;

export const failure = z.object({ name: z.string(), message: z.string() });
export type Failure = z.infer<typeof failure>;

export const verified = z.enum(['pods', 'api', 'none']);

/** The ledger's record of a migration: all that the run's Lambdas share, and what remains when it is over. */
export const migration = z.object({
  migrationId,
  request: migrationRequest,
  executionArn: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status: z.enum(['running', 'ended']),
  outcome: outcome.optional(),
  verified: verified.default('none'),
  plan: plan.optional(),
  /** What the migration deleted, made and put back, by association id. */
  associations: z.object({ purged: z.array(association), created: z.array(association), restored: z.array(association) }),
  failure: failure.optional(),
  /** Commands that finish by hand what the service could not. */
  handOff: z.array(z.string()).default([]),
});
export type Migration = z.infer<typeof migration>;

/** One document about one migration: the command line's `--json`, later the API's answer and the report's row. */
export const migrationReport = z.object({
  migrationId,
  outcome,
  target,
  addon: z.string(),
  strategy,
  preserve: z.boolean(),
  verified,
  startedAt: z.string(),
  endedAt: z.string(),
  plan: plan.optional(),
  steps: z.array(stepLine),
  associations: z.object({ purged: z.array(association), created: z.array(association), restored: z.array(association) }),
  verification: z.object({ before: z.array(podEvidence), pods: z.array(podEvidence) }),
  failure: failure.optional(),
  handOff: z.array(z.string()),
  /** True when AWS was played by the sandbox: every duration then comes from the scenario's knobs. */
  simulated: z.boolean(),
});
export type MigrationReport = z.infer<typeof migrationReport>;
