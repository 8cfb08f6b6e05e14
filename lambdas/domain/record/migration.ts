/**
 * The data model of the service, as zod schemas that the Lambdas, the command line's JSON and the report share. All
 * times are ISO 8601 strings in UTC with milliseconds. Names follow the AWS and Kubernetes APIs.
 */
import { z } from 'zod';
import { approval } from '../approval/approval.ts';
import { check } from '../terms/check.ts';
import { acceptedUnder, correlation } from '../terms/correlation.ts';
import { podEvidence, stepLine } from '../terms/evidence.ts';
import { levelsText, verified } from '../terms/levels.ts';
import { migrationId, reason, requestedBy } from '../text/names.ts';
import { addon, association, serviceAccountState, type Addon } from '../terms/observed.ts';
import { failure, outcome, status } from '../terms/outcome.ts';
import { handOff } from '../terms/hand-off.ts';
import { plan, attempt } from './plan.ts';
import { identityLoss, plannedAssociation } from '../terms/planned.ts';
import { migrationRequest, strategy } from '../request/request.ts';
import { target, serviceAccountRef } from '../terms/subject.ts';
import { authenticatedRequester, notedRequester } from '../approval/requester.ts';
import { retirement } from './retirement.ts';
import { recovery, rollback } from './rollback.ts';
import { brokenPod, progress } from '../rollout/model.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { pasteable } from '../text/shell.ts';
import { trigger } from '../terms/trigger.ts';
import { trustChange, trustRetirement } from '../terms/trust.ts';
import { notedWait } from '../waiting/waiting-for.ts';

/** The state of an add-on, or of a service account, before the first change. A rollback works from this alone. */
export const snapshot = z.object({
  takenAt: z.string(),
  addon: addon.optional(),
  /** Absent for an add-on, and if the service may not read the API server. */
  serviceAccount: serviceAccountState.optional(),
  namespace: z.string(),
  /** As in the plan. A create names the add-on's namespace only if it differs from this one. */
  defaultNamespace: z.string().optional(),
  planned: z.array(plannedAssociation),
  /**
   * As in the plan. Their pods are not expected to have Pod Identity, and a rollback restores their former identity.
   */
  identityLosses: z.array(identityLoss).default([]),
  /**
   * Other service accounts of the add-on that had its role by annotation, and whose pods all used it. None of them may
   * have lost it when the pods are verified. Empty if the service may not read the API server.
   */
  bystanders: z.array(z.string()).default([]),
  /**
   * Planned service accounts that had the add-on's role by annotation; absent if they were not read. The update of the
   * add-on removes the annotation, so that afterwards only this field shows that it existed.
   */
  annotated: z.array(z.string()).optional(),
  /** As in the plan: pods that did not work before the first change. */
  brokenPods: z.array(brokenPod).optional(),
  /** All associations of the planned service accounts before the first change. */
  associations: z.array(association),
  /**
   * Service accounts, as `namespace/name`, for which IRSA did not work before the first change; absent if there were
   * none. A rollback returns them to it all the same.
   */
  irsaBroken: z.array(z.string()).optional(),
  /** Trust policy documents by role ARN, decoded JSON text. */
  trustPolicies: z.record(z.string(), z.string()),
});
export type Snapshot = z.infer<typeof snapshot>;
export type AddonSnapshot = Snapshot & { addon: Addon };
export const isOfAddon = (one: Snapshot): one is AddonSnapshot => one.addon !== undefined;

/** A request to stop a migration. Before `begin` the migration ends blocked; after it, it rolls back. */
export const cancellation = z
  .object({
    requestedAt: time.describe('When it was requested.'),
    requestedBy: requestedBy.optional().describe('ARN of the principal that requested it.'),
    reason: reason.optional().describe('Reason, as stated by that principal.'),
    supersededBy: migrationId
      .optional()
      .describe(
        'Id of another migration that began on the same subject while this one waited, which cancelled this one.',
      ),
  })
  .register(schemaNames, { name: 'Cancellation' });
export type Cancellation = z.infer<typeof cancellation>;

/** A person has released the locks that a migration keeps after it ended `needs-human`. A release restores nothing. */
export const release = z
  .object({
    at: time.describe('When the locks were released.'),
    by: requestedBy.optional().describe('Who released them.'),
    reason: reason.optional().describe('Reason, as they stated it.'),
  })
  .register(schemaNames, { name: 'LockRelease' });
export type Release = z.infer<typeof release>;

/**
 * The removal of the annotation by a migration, recorded before it is written. `writtenAt`: the annotation was removed;
 * `undoneAt`: it was set again.
 */
export const annotationChange = z
  .object({
    notedAt: time.describe('When the change was recorded, before it was written.'),
    writtenAt: time.optional().describe('When the annotation was removed. Absent while that is not known.'),
    undoneAt: time.optional().describe('When the annotation was set again.'),
  })
  .register(schemaNames, { name: 'AnnotationChange' });

/** The associations that a migration deleted, created and restored. */
const associationChanges = z
  .object({
    purged: z.array(association).describe('Associations that it deleted, as they were.'),
    created: z.array(association).describe('Associations that it created.'),
    restored: z.array(association).describe('Associations that its rollback created again.'),
  })
  .register(schemaNames, { name: 'AssociationChanges' });
export type AnnotationChange = z.infer<typeof annotationChange>;
export type AnnotationMoment = keyof AnnotationChange;

/** The ledger's record of a migration: the data that its steps share, and that remains when it has ended. */
export const migration = z.object({
  migrationId,
  request: migrationRequest,
  /** The requester, if authenticated: see `requesterOf`. */
  requester: notedRequester.optional(),
  /** The execution that works on it, or the last that did. */
  executionArn: z.string().optional(),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  status,
  /** Its outcome. While it is rolling back, the outcome that it had before. */
  outcome: outcome.optional(),
  /**
   * When the invocation that makes its plan began. An earlier one that is still running, although the state machine has
   * started it again, cannot record another plan any more.
   */
  planningSince: z.string().optional(),
  /** What made the service start it automatically. */
  trigger: trigger.optional(),
  /** Correlation ids of the request that started it. */
  correlation: correlation.optional(),
  /** Each request for an approval of its plan, in order. */
  approvals: z.array(approval).default([]),
  /** Set when the pods are verified, before the outcome is recorded. */
  verified: verified.default('none'),
  plan: plan.optional(),
  /** Progress of the rollout that it waits for, when the pods were last read. */
  progress: progress.optional(),
  /** What it waits for; absent while it is working. Approvals have their own items: see `waitingForOf`. */
  waitingFor: notedWait.optional(),
  /** Index of the current or last attempt in the plan; absent before the first attempt. */
  attempt: z.number().int().min(0).optional(),
  /** Keys of the locks that it acquires, in the order in which it acquires them. */
  locks: z.array(z.string()).default([]),
  /** ARNs of the copies of the add-on that this migration has deleted (`removed`) and created (`made`). */
  removed: z.array(z.string()).default([]),
  made: z.array(z.string()).default([]),
  /** Change of the service account's IRSA annotation; present once the annotation is about to be removed. */
  annotationChange: annotationChange.optional(),
  recovery: recovery.optional(),
  /** The last rollback. */
  rollback: rollback.optional(),
  /** The last release of the locks. It applies to the outcome before it: see `standingRelease`. */
  released: release.optional(),
  /** Warnings that did not change the outcome, such as `irsa-role-still-set`. */
  warnings: z.array(check).default([]),
  associations: associationChanges.describe('Associations that it deleted, created and restored.'),
  /** Trust policies that it repaired, by role, and what `retire` removed from them later. */
  trustChanges: z.array(trustChange).default([]),
  retirements: z.array(trustRetirement).default([]),
  /** The last retirement that was requested or started. */
  retirement: retirement.optional(),
  failure: failure.optional(),
  /** The migration that held the lock of the subject, if that blocked this one. */
  heldBy: migrationId.optional(),
  /** Commands that manually finish what the service could not. */
  restoreCommands: z.array(z.string().overwrite(pasteable)).default([]),
});
export type Migration = z.infer<typeof migration>;

/** Returns the record of a migration that has just started, and has changed nothing yet. */
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
  restoreCommands: [],
});

/** Disruption over the whole migration, for the workloads whose service accounts migrate. */
export const disruption = z.object({
  controllerUnavailableSeconds: z.number().describe('Seconds in which one of these workloads had no ready pod.'),
  minReadyPods: z.number().int().describe('The lowest number of ready pods that any of these workloads had.'),
  simulated: z.boolean().describe('True if the durations come from a scenario of the sandbox.'),
});
export type Disruption = z.infer<typeof disruption>;

/** The document about one migration: the command line's `--json`, the API's response and the report's row. */
export const migrationReport = z.object({
  migrationId: migrationId.describe('Id of the migration.'),
  outcome: outcome.describe('How it ended.'),
  target: target.describe('Cluster that the migration is in.'),
  addon: z.string().optional().describe('Name of the add-on. Absent if it is about a service account.'),
  serviceAccount: serviceAccountRef.optional().describe('The service account. Absent if it is about an add-on.'),
  strategy: strategy.describe('Strategy of the request.'),
  preserve: z.boolean().describe('`preserve` of the request.'),
  verified: verified.describe(
    `Level of evidence that was reached. ${levelsText(['injected', 'ready', 'api'])} \`none\`: not verified yet, or not at all. After a rollback, \`injected\`: the pods have their former identity.`,
  ),
  startedAt: time.describe('When it started.'),
  endedAt: time.describe('When it ended.'),
  plan: plan.optional().describe('The plan. Absent until there is one.'),
  trigger: trigger.optional().describe('What made the service start it automatically. Absent if it was requested.'),
  correlation: acceptedUnder,
  requester: authenticatedRequester
    .optional()
    .describe('Who requested it. Absent if the requester is not authenticated.'),
  approvals: z.array(approval).default([]).describe('Each time that its plan was submitted for approval, in order.'),
  applied: attempt.optional().describe('The last attempt. Absent if there was none.'),
  recovery: recovery.optional().describe('Present if the service took it over from an execution that stopped.'),
  rollback: rollback.optional().describe('The last rollback. Absent if there was none.'),
  released: release.optional().describe('Present if the locks that it kept after its end were released.'),
  warnings: z.array(check).describe('Warnings that did not change the outcome.'),
  disruption: disruption.optional().describe("Disruption of the subject's pods. Absent if it was not measured."),
  steps: z.array(stepLine).describe('Steps that it ran, in order.'),
  associations: associationChanges.describe('Associations that it deleted, created and restored.'),
  trustChanges: z.array(trustChange).default([]).describe('Trust policies that it changed.'),
  annotationChange: annotationChange
    .optional()
    .describe("Change of the service account's IRSA annotation. Absent if there was none."),
  retirements: z.array(trustRetirement).default([]).describe('What was removed from trust policies afterwards.'),
  retirement: retirement
    .optional()
    .describe('The last retirement of its OIDC trust, even if it was refused. Absent if there was none.'),
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
    .describe('Id of the migration that blocked this one, since it had begun on the same subject.'),
  restoreCommands: z
    .array(z.string().overwrite(pasteable))
    .describe('Commands that manually finish what the service could not.'),
  handOff: handOff
    .optional()
    .describe("What the owner's code must contain. Absent if the migration changed nothing, or if it needs a person."),
  simulated: z.boolean().describe('True if it ran in the sandbox.'),
});
export type MigrationReport = z.infer<typeof migrationReport>;
