/**
 * What the service speaks of, as zod schemas: one schema each, used by the Lambdas, the command line's JSON and the
 * report alike. All times are ISO 8601 strings in UTC with milliseconds. Names follow the AWS and Kubernetes APIs.
 */
import { z } from 'zod';
import { approval } from './approval.ts';
import { check } from './check.ts';
import { podEvidence, stepLine } from './evidence.ts';
import { migrationId, reason, requestedBy } from './names.ts';
import { addon, association, serviceAccountState, type Addon } from './observed.ts';
import { failure, outcome, status } from './outcome.ts';
import { carriedOver, identityLoss, plannedAssociation } from './planned.ts';
import { maxDisruption, migrationRequest, resolveConflicts, strategy, target } from './request.ts';
import { authenticatedRequester, notedRequester } from './requester.ts';
import { retirement } from './retirement.ts';
import { recovery, rollback } from './rollback.ts';
import { brokenPod, forecast, progress } from './rollout/model.ts';
import { pasteable } from './shell.ts';
import { serviceAccountRef } from './subject.ts';
import { correlation } from './correlation.ts';
import { trigger } from './trigger.ts';
import { trustChange, trustRepair, trustRetirement } from './trust/model.ts';
import { notedWait } from './waiting-for.ts';

export * from './approval.ts';
export * from './check.ts';
export * from './evidence.ts';
export * from './observed.ts';
export * from './outcome.ts';
export * from './planned.ts';
export * from './request.ts';
export * from './requester.ts';
export * from './retirement.ts';
export * from './rollback.ts';
export * from './rollout/model.ts';
export * from './correlation.ts';
export * from './trigger.ts';

export { accountId, addonName, clusterName, migrationId, reason, regionName, requestedBy, roleArn } from './names.ts';

/**
 * One way to make the change. `preserve` is DeleteAddon's, and false for ways that delete nothing. `associate`: of a
 * service account that is no add-on's.
 */
export const rung = z.object({
  strategy: z.enum(['in-place', 'recreate', 'associate']),
  preserve: z.boolean(),
  disruption: maxDisruption,
  resolveConflicts,
});
export type Rung = z.infer<typeof rung>;

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
  /** The ways to make the change, least disturbing first; empty where there is nothing to change. */
  ladder: z.array(rung),
  checks: z.array(check),
  steps: z.array(planStep),
  addon: addon.optional(),
  /** Of a request for one; absent where it could not be seen. */
  serviceAccount: serviceAccountState.optional(),
  namespace: z.string().optional(),
  /** The add-on's default namespace, as EKS names it; absent where it does not. */
  defaultNamespace: z.string().optional(),
  associations: z.array(plannedAssociation),
  /**
   * Service accounts that lose their AWS identity by the change. A plan that changes something accepts each of them that
   * has pods.
   */
  identityLosses: z.array(identityLoss).default([]),
  /** Ids of all associations that the planned service accounts have now. */
  existing: z.array(z.string()),
  /** Those of them that the first way deletes by itself, because they stand in its way. */
  purge: z.array(z.string()),
  carryOver: z.array(carriedOver),
  /**
   * Changes of trust policies that come before the change of the add-on; empty unless the request says `repair` and one
   * is needed.
   */
  trustRepairs: z.array(trustRepair).default([]),
  /**
   * The Pod Identity agent's add-on, which is installed before anything else changes; absent where the cluster has an
   * agent, or nobody asked for it.
   */
  installAgent: z.object({ version: z.string() }).optional(),
  /** How long it is forecast to take; absent where no pod could be seen, or nothing is to be changed. */
  forecast: forecast.optional(),
  /** Pods of the planned service accounts that do not work before anything is changed. */
  brokenPods: z.array(brokenPod).optional(),
  /** SHA-256 over what was found and is not here itself: the associations, and the roles' trust policies; hex. */
  found: z.string().default(''),
  /** SHA-256 over what was asked and found, and what will be done, hex: see `plan/hash.ts`. */
  hash: z.string(),
});
export type Plan = z.infer<typeof plan>;

/** What was there before anything changed; a rollback works from this alone. Of an add-on, or of a service account. */
export const snapshot = z.object({
  takenAt: z.string(),
  addon: addon.optional(),
  /** Absent too where nobody may look at the API server. */
  serviceAccount: serviceAccountState.optional(),
  namespace: z.string(),
  /** As in the plan: a create names the add-on's namespace only where it is another one. */
  defaultNamespace: z.string().optional(),
  planned: z.array(plannedAssociation),
  /** As the plan has them: their pods are not expected to have Pod Identity, and get back what they had on a rollback. */
  identityLosses: z.array(identityLoss).default([]),
  /**
   * Other service accounts of the add-on that had its role by annotation, and whose pods all had it: none of them may
   * have lost it when the pods are verified. Empty where nobody may read the API server.
   */
  bystanders: z.array(z.string()).default([]),
  /**
   * Planned service accounts that had the add-on's role by annotation; absent where nobody looked. The add-on's update
   * takes the annotation away, so that only this says later that it was there.
   */
  annotated: z.array(z.string()).optional(),
  /** As in the plan: pods that did not work before anything was changed. */
  brokenPods: z.array(brokenPod).optional(),
  /** Every association of the planned service accounts as it was. */
  associations: z.array(association),
  /** Trust policy documents by role ARN, decoded JSON text. */
  trustPolicies: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshot>;
export type AddonSnapshot = Snapshot & { addon: Addon };
export const isOfAddon = (one: Snapshot): one is AddonSnapshot => one.addon !== undefined;

export const verified = z.enum(['injected', 'api', 'none']);

/** Somebody asked a migration to stop: before `begin` it ends blocked, after it rolls back. */
export const cancellation = z.object({
  requestedAt: z.string(),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
  /** Another migration has begun on the same subject while this one waited: nobody else asked. */
  supersededBy: migrationId.optional(),
});
export type Cancellation = z.infer<typeof cancellation>;

/** A person has let go the locks that a migration keeps after it ended `needs-human`; nothing was put back by that. */
export const release = z.object({ at: z.string(), by: requestedBy.optional(), reason: reason.optional() });
export type Release = z.infer<typeof release>;

/**
 * The annotation that a migration takes off: noted before it is written. `writtenAt`: it is off; `undoneAt`: it is
 * there again.
 */
export const annotationChange = z.object({
  notedAt: z.string(),
  writtenAt: z.string().optional(),
  undoneAt: z.string().optional(),
});
export type AnnotationChange = z.infer<typeof annotationChange>;

/** The ledger's record of a migration: all that the run's Lambdas share, and what remains when it is over. */
export const migration = z.object({
  migrationId,
  request: migrationRequest,
  /** Who requested it, where that is authenticated: see `requesterOf`. */
  requester: notedRequester.optional(),
  /** The execution that works on it, or did last. */
  executionArn: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status,
  /** How it ended; while it is rolling back, how it had ended before. */
  outcome: outcome.optional(),
  /** What had the service start it by itself. */
  trigger: trigger.optional(),
  /** Of the request that it was taken in by. */
  correlation: correlation.optional(),
  /** Each time that somebody was asked to approve its plan, in order. */
  approvals: z.array(approval).default([]),
  /** From the moment that it was verified, before the end is recorded. */
  verified: verified.default('none'),
  plan: plan.optional(),
  /** How far the last look at the pods found the rollout that it waits for. */
  progress: progress.optional(),
  /** What it waits for; absent while it is at work. Approvals have their own items: see `waitingForOf`. */
  waitingFor: notedWait.optional(),
  /** Index in the plan's ladder of the way that is, or was last, being tried; absent before anything began. */
  rung: z.number().int().min(0).optional(),
  /** Keys of the locks that it takes, in the order in which it takes them. */
  locks: z.array(z.string()).default([]),
  /** ARNs of the add-on's copies that this migration has asked EKS to delete, and of those that it made. */
  removed: z.array(z.string()).default([]),
  made: z.array(z.string()).default([]),
  /** Of the service account's IRSA annotation, once it is about to be taken off. */
  annotationChange: annotationChange.optional(),
  recovery: recovery.optional(),
  /** The last one. */
  rollback: rollback.optional(),
  /** The last one; it counts for the end before it, see `standingRelease`. */
  released: release.optional(),
  /** What is worth knowing although it went well, such as `irsa-role-still-set`. */
  warnings: z.array(check).default([]),
  /** What the migration deleted, made and put back, by association id. */
  associations: z.object({
    purged: z.array(association),
    created: z.array(association),
    restored: z.array(association),
  }),
  /** Trust policies that it repaired, by role; and what `retire` took out of them later. */
  trustChanges: z.array(trustChange).default([]),
  retirements: z.array(trustRetirement).default([]),
  /** The last one that was asked for, or begun. */
  retirement: retirement.optional(),
  failure: failure.optional(),
  /** The migration that held the lock of what this one is about, where it was blocked by that. */
  heldBy: migrationId.optional(),
  /** Commands that finish by hand what the service could not. */
  handOff: z.array(z.string().overwrite(pasteable)).default([]),
});
export type Migration = z.infer<typeof migration>;

/** One that has just begun: nothing was changed for it yet. */
export const newMigration = (
  base: Pick<
    Migration,
    'migrationId' | 'request' | 'requester' | 'executionArn' | 'startedAt' | 'trigger' | 'correlation'
  >,
): Migration => ({
  ...base,
  status: 'running',
  approvals: [],
  verified: 'none',
  locks: [],
  removed: [],
  made: [],
  warnings: [],
  associations: { purged: [], created: [], restored: [] },
  trustChanges: [],
  retirements: [],
  handOff: [],
});

/** Over the whole migration, for the workloads whose service accounts migrate. */
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
  addon: z.string().optional(),
  serviceAccount: serviceAccountRef.optional(),
  strategy,
  preserve: z.boolean(),
  verified,
  startedAt: z.string(),
  endedAt: z.string(),
  plan: plan.optional(),
  trigger: trigger.optional(),
  correlation: correlation.optional(),
  /** Who requested it; absent where nobody has authenticated that. */
  requester: authenticatedRequester.optional(),
  approvals: z.array(approval).default([]),
  /** The way that was tried last; absent where nothing was begun. */
  applied: rung.optional(),
  recovery: recovery.optional(),
  /** The last rollback, if there was one: a refused one stays visible. */
  rollback: rollback.optional(),
  /** There where the locks of this end were let go. */
  released: release.optional(),
  warnings: z.array(check),
  /** What it did to the add-on's pods; there where somebody watched them all the time. */
  disruption: disruption.optional(),
  steps: z.array(stepLine),
  associations: z.object({
    purged: z.array(association),
    created: z.array(association),
    restored: z.array(association),
  }),
  trustChanges: z.array(trustChange).default([]),
  annotationChange: annotationChange.optional(),
  retirements: z.array(trustRetirement).default([]),
  /** The last one that was asked for, or begun: a refused one stays visible. */
  retirement: retirement.optional(),
  verification: z.object({ before: z.array(podEvidence), pods: z.array(podEvidence) }),
  failure: failure.optional(),
  /** As in the record. */
  heldBy: migrationId.optional(),
  handOff: z.array(z.string().overwrite(pasteable)),
  /** True when AWS was played by the sandbox: every duration then comes from the scenario's knobs. */
  simulated: z.boolean(),
});
export type MigrationReport = z.infer<typeof migrationReport>;
