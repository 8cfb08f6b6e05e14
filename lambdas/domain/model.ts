/**
 * What the service speaks of, as zod schemas: one schema each, used by the Lambdas, the command line's JSON and the
 * report alike. All times are ISO 8601 strings in UTC with milliseconds. Names follow the AWS and Kubernetes APIs.
 */
import { z } from 'zod';
import { podEvidence, stepLine } from './evidence.ts';
import { accountId, addonName, clusterName, migrationId, reason, regionName, requestedBy, roleArn, serviceAccountName } from './names.ts';
import { conditionKey, trustChange, trustMode, trustRepair, trustRetirement } from './trust/model.ts';

export { podEvidence, podIdentity, stepLine } from './evidence.ts';
export type { PodEvidence, PodIdentity, StepLine } from './evidence.ts';

export const OUTCOMES = ['migrated', 'already-migrated', 'planned', 'blocked', 'rolled-back', 'needs-human'] as const;
export const outcome = z.enum(OUTCOMES);
export type Outcome = z.infer<typeof outcome>;

export { accountId, addonName, clusterName, migrationId, reason, regionName, requestedBy, roleArn } from './names.ts';

export const target = z.object({ account: accountId, region: regionName, cluster: clusterName });
export type Target = z.infer<typeof target>;

export const strategy = z.enum(['auto', 'in-place', 'recreate']);
export type Strategy = z.infer<typeof strategy>;

/** `rolling`: pods roll, capacity stays. `outage`: the add-on's software is removed for a while. */
export const maxDisruption = z.enum(['rolling', 'outage']);
export type MaxDisruption = z.infer<typeof maxDisruption>;

/** What EKS does with fields that others changed; CreateAddon takes PRESERVE for NONE. */
export const resolveConflicts = z.enum(['NONE', 'OVERWRITE', 'PRESERVE']);
export type ResolveConflicts = z.infer<typeof resolveConflicts>;

/** One way to make the change. `preserve` is DeleteAddon's, and false for `in-place`, which deletes nothing. */
export const rung = z.object({
  strategy: z.enum(['in-place', 'recreate']),
  preserve: z.boolean(),
  disruption: maxDisruption,
  resolveConflicts,
});
export type Rung = z.infer<typeof rung>;

/** Far more than the service accounts of any add-on: three, at the time of writing. */
const MAX_ROLES = 50;

/** `pods`: proven on every pod that counts. `api`: by what EKS says alone, where nobody may look at the pods. */
export const verificationMode = z.enum(['pods', 'api']);
export type VerificationMode = z.infer<typeof verificationMode>;

/** What becomes of a cluster without the Pod Identity agent. `require`: it blocks; `install`: its add-on is installed first. */
export const agentMode = z.enum(['require', 'install']);
export type AgentMode = z.infer<typeof agentMode>;

/** What somebody asks for. `roles` maps a service account's name to the role it shall use; default: the add-on's role. */
export const migrationRequest = z.object({
  target,
  addon: addonName,
  /** `auto`: the least disturbing way that is possible, then the next one where the pods did not take the new identity. */
  strategy: strategy.default('auto'),
  /** DeleteAddon's `preserve`: the Kubernetes objects keep running while EKS lets go of them. With `auto`: no way without it. */
  preserve: z.boolean().default(false),
  /** How far it may go. Default: `rolling` with `auto`; what the chosen way takes otherwise. */
  maxDisruption: maxDisruption.optional(),
  /** Default: PRESERVE in place, NONE for a create over preserved objects. OVERWRITE is the consent to reset what others changed. */
  resolveConflicts: resolveConflicts.optional(),
  roles: z
    .record(serviceAccountName, roleArn)
    .refine((roles) => Object.keys(roles).length <= MAX_ROLES, `must have at most ${MAX_ROLES} entries`)
    .default({}),
  /** One role for every planned service account; `roles` goes before it. */
  roleArn: roleArn.optional(),
  /** What becomes of a trust policy that does not let EKS Pod Identity in. */
  trust: trustMode.default('validate'),
  /** Condition keys that can't be known beforehand, and that the caller says will not stand in the way. */
  acceptedKeys: z.array(conditionKey).max(20).default([]),
  verification: verificationMode.default('pods'),
  agent: agentMode.default('require'),
  dryRun: z.boolean().default(false),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
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

/** One association that the migration will make: the add-on form knows no more than these. Its role may be the add-on's own, whatever that is: the plan's checks judge it. */
export const plannedAssociation = z.object({ namespace: z.string(), serviceAccount: z.string(), roleArn: z.string() });
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

/**
 * What the add-on form of an association can't carry: put on the new one, by UpdatePodIdentityAssociation and
 * TagResource, once EKS has made it. `from`: id of the association that had it.
 */
export const carriedOver = z.object({
  namespace: z.string(),
  serviceAccount: z.string(),
  from: z.string(),
  targetRoleArn: z.string().optional(),
  disableSessionTags: z.boolean().optional(),
  policy: z.string().optional(),
  tags: z.record(z.string(), z.string()),
});
export type CarriedOver = z.infer<typeof carriedOver>;

export const plan = z.object({
  verdict,
  strategy,
  preserve: z.boolean(),
  /** The ways to make the change, least disturbing first; empty where there is nothing to change. */
  ladder: z.array(rung),
  checks: z.array(check),
  steps: z.array(planStep),
  addon: addon.optional(),
  namespace: z.string().optional(),
  associations: z.array(plannedAssociation),
  /** Ids of all associations that the planned service accounts have now. */
  existing: z.array(z.string()),
  /** Those of them that the first way deletes by itself, because they stand in its way. */
  purge: z.array(z.string()),
  carryOver: z.array(carriedOver),
  /** Changes of trust policies that come before the change of the add-on; empty unless the request says `repair` and one is needed. */
  trustRepairs: z.array(trustRepair).default([]),
  /** The Pod Identity agent's add-on, which is installed before anything else changes; absent where the cluster has an agent, or nobody asked for it. */
  installAgent: z.object({ version: z.string() }).optional(),
  /** SHA-256 over what was found and is not here itself: the associations, and the roles' trust policies; hex. */
  found: z.string().default(''),
  /** SHA-256 over what was asked and found, and what will be done, hex: see `plan/hash.ts`. */
  hash: z.string(),
});
export type Plan = z.infer<typeof plan>;

/** What was there before anything changed; a rollback works from this alone. */
export const snapshot = z.object({
  takenAt: z.string(),
  addon,
  namespace: z.string(),
  planned: z.array(plannedAssociation),
  /** Every association of the planned service accounts as it was. */
  associations: z.array(association),
  /** Trust policy documents by role ARN, decoded JSON text. */
  trustPolicies: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshot>;

export const failure = z.object({ name: z.string(), message: z.string() });
export type Failure = z.infer<typeof failure>;

export const verified = z.enum(['pods', 'api', 'none']);

/** Somebody asked a migration to stop: before `begin` it ends blocked, after it rolls back. */
export const cancellation = z.object({ requestedAt: z.string(), requestedBy: requestedBy.optional(), reason: reason.optional() });
export type Cancellation = z.infer<typeof cancellation>;

/** Who took the migration over from an execution that stopped, or to put it back on demand. */
export const recovery = z.object({
  startedAt: z.string(),
  executionArn: z.string(),
  cause: z.enum(['stranded', 'requested']),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
  /** The outcome that the migration had before, where it was over. */
  after: outcome.optional(),
});
export type Recovery = z.infer<typeof recovery>;

/** A person has let go the locks that a migration keeps after it ended `needs-human`; nothing was put back by that. */
export const release = z.object({ at: z.string(), by: requestedBy.optional(), reason: reason.optional() });
export type Release = z.infer<typeof release>;

/** The ledger's record of a migration: all that the run's Lambdas share, and what remains when it is over. */
export const migration = z.object({
  migrationId,
  request: migrationRequest,
  /** The execution that works on it, or did last. */
  executionArn: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status: z.enum(['running', 'ended']),
  outcome: outcome.optional(),
  /** From the moment that it was verified, before the end is recorded. */
  verified: verified.default('none'),
  plan: plan.optional(),
  /** Index in the plan's ladder of the way that is, or was last, being tried; absent before anything began. */
  rung: z.number().int().min(0).optional(),
  /** Keys of the locks that it takes, in the order in which it takes them. */
  locks: z.array(z.string()).default([]),
  /** ARNs of the add-on's copies that this migration has asked EKS to delete, and of those that it made. */
  removed: z.array(z.string()).default([]),
  made: z.array(z.string()).default([]),
  recovery: recovery.optional(),
  /** The last one; it counts for the end before it, see `standingRelease`. */
  released: release.optional(),
  /** What is worth knowing although it went well, such as `irsa-role-still-set`. */
  warnings: z.array(check).default([]),
  /** What the migration deleted, made and put back, by association id. */
  associations: z.object({ purged: z.array(association), created: z.array(association), restored: z.array(association) }),
  /** Trust policies that it repaired, by role; and what `retire` took out of them later. */
  trustChanges: z.array(trustChange).default([]),
  retirements: z.array(trustRetirement).default([]),
  failure: failure.optional(),
  /** Commands that finish by hand what the service could not. */
  handOff: z.array(z.string()).default([]),
});
export type Migration = z.infer<typeof migration>;

/** Over the whole migration, for the add-on's workloads whose service accounts migrate. */
export const disruption = z.object({
  /** Seconds in which one of these workloads had no ready pod. */
  controllerUnavailableSeconds: z.number(),
  /** The lowest count of ready pods that any of these workloads had. */
  minReadyPods: z.number().int(),
  /** True where the durations come from a scenario's knobs. */
  simulated: z.boolean(),
});
export type Disruption = z.infer<typeof disruption>;

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
  /** The way that was tried last; absent where nothing was begun. */
  applied: rung.optional(),
  recovery: recovery.optional(),
  /** There where the locks of this end were let go. */
  released: release.optional(),
  warnings: z.array(check),
  /** What it did to the add-on's pods; there where somebody watched them all the time. */
  disruption: disruption.optional(),
  steps: z.array(stepLine),
  associations: z.object({ purged: z.array(association), created: z.array(association), restored: z.array(association) }),
  trustChanges: z.array(trustChange).default([]),
  retirements: z.array(trustRetirement).default([]),
  verification: z.object({ before: z.array(podEvidence), pods: z.array(podEvidence) }),
  failure: failure.optional(),
  handOff: z.array(z.string()),
  /** True when AWS was played by the sandbox: every duration then comes from the scenario's knobs. */
  simulated: z.boolean(),
});
export type MigrationReport = z.infer<typeof migrationReport>;
