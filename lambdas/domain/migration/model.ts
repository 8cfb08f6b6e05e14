/**
 * What the service speaks of, as zod schemas: one schema each, used by the Lambdas, the command line's JSON and the
 * report alike. All times are ISO 8601 strings in UTC with milliseconds. Names follow the AWS and Kubernetes APIs.
 */
import { z } from 'zod';
import { approval } from '../approval/approval.ts';
import { check } from './check.ts';
import { acceptedUnder, correlation } from './correlation.ts';
import { podEvidence, stepLine } from './evidence.ts';
import { migrationId, reason, requestedBy } from '../text/names.ts';
import { addon, association, serviceAccountState, type Addon } from './observed.ts';
import { failure, outcome, status } from './outcome.ts';
import { plan, attempt } from '../plan/model.ts';
import { identityLoss, plannedAssociation } from './planned.ts';
import { migrationRequest, strategy, target } from './request.ts';
import { authenticatedRequester, notedRequester } from '../approval/requester.ts';
import { retirement } from '../trust/retirement.ts';
import { recovery, rollback } from '../rollback/rollback.ts';
import { brokenPod, progress } from '../rollout/model.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { pasteable } from '../text/shell.ts';
import { serviceAccountRef } from './subject.ts';
import { trigger } from './trigger.ts';
import { trustChange, trustRetirement } from '../trust/model.ts';
import { notedWait } from '../waiting/waiting-for.ts';

export * from '../approval/approval.ts';
export * from './check.ts';
export * from './correlation.ts';
export * from './evidence.ts';
export * from './observed.ts';
export * from './outcome.ts';
export * from '../plan/model.ts';
export * from './planned.ts';
export * from './request.ts';
export * from '../approval/requester.ts';
export * from '../trust/retirement.ts';
export * from '../rollback/rollback.ts';
export * from '../rollout/model.ts';
export * from './trigger.ts';

export {
  accountId,
  addonName,
  clusterName,
  migrationId,
  reason,
  regionName,
  requestedBy,
  roleArn,
} from '../text/names.ts';

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
export const cancellation = z
  .object({
    requestedAt: time.describe('When it was requested.'),
    requestedBy: requestedBy.optional().describe('ARN of the principal that requested it.'),
    reason: reason.optional().describe('Why, in the words of that principal.'),
    supersededBy: migrationId
      .optional()
      .describe(
        'Id of another migration that began on the same subject while this one waited. No one else requested it.',
      ),
  })
  .register(schemaNames, { name: 'Cancellation' });
export type Cancellation = z.infer<typeof cancellation>;

/** A person has let go the locks that a migration keeps after it ended `needs-human`; nothing was put back by that. */
export const release = z
  .object({
    at: time.describe('When the locks were released.'),
    by: requestedBy.optional().describe('Who released them.'),
    reason: reason.optional().describe('Why, in their words.'),
  })
  .register(schemaNames, { name: 'LockRelease' });
export type Release = z.infer<typeof release>;

/**
 * The annotation that a migration takes off: noted before it is written. `writtenAt`: it is off; `undoneAt`: it is
 * there again.
 */
export const annotationChange = z
  .object({
    notedAt: time.describe('When the change was recorded, before it was written.'),
    writtenAt: time.optional().describe('When the annotation was removed. Absent while that is not known.'),
    undoneAt: time.optional().describe('When the annotation was set again.'),
  })
  .register(schemaNames, { name: 'AnnotationChange' });

/** What a migration deleted, made and put back. */
export const associationChanges = z
  .object({
    purged: z.array(association).describe('Associations that it deleted, as they were.'),
    created: z.array(association).describe('Associations that it made.'),
    restored: z.array(association).describe('Associations that its rollback made again.'),
  })
  .register(schemaNames, { name: 'AssociationChanges' });
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
  attempt: z.number().int().min(0).optional(),
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
  associations: associationChanges.describe('Associations that it deleted, made and restored.'),
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
  controllerUnavailableSeconds: z.number().describe('Seconds in which one of these workloads had no ready pod.'),
  minReadyPods: z.number().int().describe('The lowest number of ready pods that any of these workloads had.'),
  simulated: z.boolean().describe('True if the durations come from a scenario of the sandbox.'),
});
export type Disruption = z.infer<typeof disruption>;

/** One document about one migration: the command line's `--json`, the API's answer and the report's row. */
export const migrationReport = z.object({
  migrationId: migrationId.describe('Id of the migration.'),
  outcome: outcome.describe('How it ended.'),
  target: target.describe('Cluster that the migration is in.'),
  addon: z.string().optional().describe('Name of the add-on. Absent if it is about a service account.'),
  serviceAccount: serviceAccountRef.optional().describe('The service account. Absent if it is about an add-on.'),
  strategy: strategy.describe('Strategy of the request.'),
  preserve: z.boolean().describe('`preserve` of the request.'),
  verified: verified.describe('Level at which the pods are verified. `none`: not yet, or not at all.'),
  startedAt: time.describe('When it started.'),
  endedAt: time.describe('When it ended.'),
  plan: plan.optional().describe('The plan. Absent until it is made.'),
  trigger: trigger.optional().describe('What made the service start it by itself. Absent if it was requested.'),
  correlation: acceptedUnder,
  requester: authenticatedRequester
    .optional()
    .describe('Who requested it. Absent if the requester is not authenticated.'),
  approvals: z.array(approval).default([]).describe('Each time that its plan was submitted for approval, in order.'),
  applied: attempt.optional().describe('The attempt that was made last. Absent if none was begun.'),
  recovery: recovery.optional().describe('Present if the service took it over from an execution that stopped.'),
  rollback: rollback.optional().describe('The last rollback. Absent if there was none.'),
  released: release.optional().describe('Present if the locks that it kept after its end were released.'),
  warnings: z.array(check).describe('What is worth knowing although it went well.'),
  disruption: disruption.optional().describe("What it did to the subject's pods. Absent if no one watched them."),
  steps: z.array(stepLine).describe('Steps that it made, in order.'),
  associations: associationChanges.describe('Associations that it deleted, made and restored.'),
  trustChanges: z.array(trustChange).default([]).describe('Trust policies that it changed.'),
  annotationChange: annotationChange
    .optional()
    .describe("Change of the service account's IRSA annotation. Absent if there was none."),
  retirements: z.array(trustRetirement).default([]).describe('What was removed from trust policies afterwards.'),
  retirement: retirement
    .optional()
    .describe('The last retirement of its OIDC trust. A refused one stays. Absent if there was none.'),
  verification: z
    .object({
      before: z.array(podEvidence).describe('Evidence of the pods before the change.'),
      pods: z.array(podEvidence).describe('Evidence of the pods when they were last read.'),
    })
    .register(schemaNames, { name: 'Verification' })
    .describe('Evidence of how pods get their AWS credentials.'),
  failure: failure.optional().describe('Why it did not end `migrated`. Absent if it did.'),
  heldBy: migrationId
    .optional()
    .describe('Id of the migration that had begun on the same subject, so that this one was blocked.'),
  handOff: z
    .array(z.string().overwrite(pasteable))
    .describe('Commands that finish by hand what the service could not.'),
  simulated: z.boolean().describe('True if it ran in the sandbox.'),
});
export type MigrationReport = z.infer<typeof migrationReport>;
