/**
 * A sweep: the inspection of a fleet of clusters in many accounts and regions and, if requested, the migration in waves
 * of
 * the add-ons that are ready. The API, the command line's JSON and the report share these zod schemas.
 */
import { z } from 'zod';
import { acceptedUnder } from '../terms/correlation.ts';
import { failure, outcome } from '../terms/outcome.ts';
import { verified } from '../terms/levels.ts';
import {
  accountId,
  addonName,
  clusterName,
  migrationId,
  plainText,
  reason,
  regionName,
  requestedBy,
  roleArn,
} from '../text/names.ts';
import { authenticatedRequester } from '../approval/requester.ts';
import { schemaNames, time } from '../text/schemas.ts';
import { shownText } from '../text/text.ts';
import { sweepId, sweepRequest } from './request.ts';

/** One region of one account. */
export const sweepLocation = z.object({ account: accountId, region: regionName });
export type SweepLocation = z.infer<typeof sweepLocation>;

/**
 * Each add-on has exactly one class. `blocked`: it uses IRSA, and checks of its plan block the migration. `keep-irsa`: one
 * of them shows that IRSA is the better fit.
 */
export const sweepClass = z.enum([
  'on-pod-identity',
  'ready',
  'blocked',
  'keep-irsa',
  'node-role',
  'not-concerned',
  'unreachable',
]);
export type SweepClass = z.infer<typeof sweepClass>;

/** A check that blocks the migration, with the message and the remedy of the plan. */
export const blockingCheck = z.object({
  id: shownText,
  message: shownText,
  remedy: shownText.optional(),
  /** True if it shows that IRSA is the better fit. */
  keepIrsa: z.literal(true).optional(),
});
export type BlockingCheck = z.infer<typeof blockingCheck>;

/** One add-on as it was found. Without a name (`unreachable`), the finding is about the whole cluster. */
export const sweepFinding = z.object({
  addon: shownText.optional(),
  version: shownText.optional(),
  class: sweepClass,
  /** The reason for `unreachable` and `not-concerned`, in one sentence. */
  reason: shownText.optional(),
  /** For `blocked` and `keep-irsa`, of which those with the reasons to keep IRSA come first. */
  checks: z.array(blockingCheck).default([]),
  /** Roles that its migration would lock: the IRSA role and the planned ones. */
  roles: z.array(roleArn).default([]),
});
export type SweepFinding = z.infer<typeof sweepFinding>;

/** A cluster as it was found: one object in the bucket. */
export const clusterInventory = z.object({
  account: accountId,
  region: regionName,
  cluster: clusterName,
  /** Absent if the cluster could not be described. */
  version: shownText.optional(),
  observedAt: z.string(),
  findings: z.array(sweepFinding),
  /** Number of calls for the cluster, by service: `eks`, `iam`, `sts`, `kubernetes`. */
  calls: z.record(z.string(), z.int()),
});
export type ClusterInventory = z.infer<typeof clusterInventory>;

/** The result of the inspection of one location: one object in the bucket, written when the inspection is complete. */
export const locationInventory = z.object({
  account: accountId,
  region: regionName,
  /** Number of clusters that were inspected, and number that the selection excludes. */
  clusters: z.int(),
  notSelected: z.int(),
  /** Why the location, or the rest of it, could not be inspected. */
  unreachable: shownText.optional(),
  /** Number of calls, not including those for its clusters. */
  calls: z.record(z.string(), z.int()),
});
export type LocationInventory = z.infer<typeof locationInventory>;

/**
 * How far the inspection of a cluster is, noted before it begins and after it ends. `begun`: it is in progress, or an
 * invocation died during it. `open`: it was broken off, and begins again. `apart`: the same, with no other inspection at
 * the time, since an invocation died during it or its API server took too much of one. `done`: its result is stored.
 */
export const inspectionMark = z.object({
  cluster: clusterName,
  state: z.enum(['begun', 'open', 'apart', 'done']),
  /** The sweep's number of executions: what an earlier execution has inspected is inspected again. */
  execution: z.int(),
  /** In `begun`: true if no other cluster is inspected at the time. */
  alone: z.literal(true).optional(),
  /** In `done`: true if the selection leaves the cluster out by its tags. */
  leftOut: z.literal(true).optional(),
});
export type InspectionMark = z.infer<typeof inspectionMark>;

/**
 * `running`: it inspects, or starts migrations; `paused`: it was asked to start no migrations for now; `stopping`: it
 * starts none, and those in flight complete.
 */
export const sweepStatus = z.enum(['running', 'paused', 'stopping', 'ended']);
export type SweepStatus = z.infer<typeof sweepStatus>;

/**
 * `completed`: every cluster was inspected, and nothing was left to start. `incomplete`: the same, but not every cluster
 * could be inspected. `stopped`: by a limit or on request; it can be resumed. `failed`: by an error.
 */
export const sweepOutcome = z.enum(['completed', 'incomplete', 'stopped', 'failed']);
export type SweepOutcome = z.infer<typeof sweepOutcome>;

/** A command for a sweep that is in progress or has stopped. The last command counts. */
export const sweepCommand = z
  .object({
    command: z.enum(['pause', 'resume', 'stop']).describe('What was requested.'),
    at: time.describe('When it was requested.'),
    by: requestedBy.optional().describe('ARN of the principal that requested it.'),
    reason: reason.optional().describe('Reason, as stated by that principal.'),
  })
  .register(schemaNames, { name: 'SweepCommand' });
export type SweepCommand = z.infer<typeof sweepCommand>;

/** The counts of the sweep's migrations. `none`: an execution that ended without an outcome. */
export const sweepTally = z
  .object({
    queued: z.int().describe('Number of migrations that have not started.'),
    inFlight: z.int().describe('Number of migrations that are in progress.'),
    ended: z
      .record(z.string(), z.int())
      .describe('Number of migrations that have ended, by outcome. `none`: without an outcome.'),
  })
  .register(schemaNames, { name: 'SweepTally' });
export type SweepTally = z.infer<typeof sweepTally>;

/**
 * The state of the dispatcher: the current wave, and how many of its migrations were started. `endedBefore`: how many
 * migrations had ended when the wave was opened; absent: the wave opens once the previous migrations have ended.
 */
const sweepWave = z
  .object({
    number: z.int().min(1).describe('Number of the wave, from 1.'),
    size: z.int().min(1).describe('Number of migrations that the wave may have.'),
    begun: z.int().min(0).describe('Number of migrations of the wave that have started.'),
    endedBefore: z
      .int()
      .min(0)
      .optional()
      .describe(
        'Number of migrations that had ended when the wave began. Absent while it waits for the previous wave to end.',
      ),
  })
  .register(schemaNames, { name: 'SweepWave' });
export type SweepWave = z.infer<typeof sweepWave>;

/** How many clusters a sweep could inspect. */
export const sweepInspected = z
  .object({
    clusters: z.int().describe('Number of clusters that were inspected completely.'),
    of: z.int().describe('Number of selected clusters that were found.'),
    locations: z.int().describe('Number of locations that, or the rest of which, could not be inspected.'),
  })
  .register(schemaNames, { name: 'SweepInspected' });
export type SweepInspected = z.infer<typeof sweepInspected>;

/** The ledger's record of a sweep. */
export const sweep = z.object({
  sweepId: sweepId.describe('Id of the sweep.'),
  request: sweepRequest.describe('What was requested, with defaults filled in.'),
  status: sweepStatus.describe(
    'Status of the sweep. `paused`: it starts no migrations for now. `stopping`: it starts none, and those in progress complete.',
  ),
  phase: z.enum(['inventory', 'migrations', 'report']).describe('Current phase of the sweep.'),
  startedAt: time.describe('When the sweep started.'),
  endedAt: time.optional().describe('When the sweep ended. Absent until then.'),
  outcome: sweepOutcome
    .optional()
    .describe(
      'How the sweep ended. `completed`: every cluster was inspected, and nothing is left to start. `incomplete`: nothing is left to start, but a cluster or a location could not be inspected completely. `stopped`: by a limit or on request, and it can be resumed. `failed`: by an error.',
    ),
  inspected: sweepInspected.optional().describe('How many clusters were inspected. Absent until it ends.'),
  cause: failure.optional().describe('Why it stopped or failed. Absent if it did not.'),
  executionArn: z
    .string()
    .optional()
    .describe('ARN of the Step Functions execution that works on it, or of the last one that did.'),
  /** Number of executions so far. Each execution continues where the previous one ended. */
  executions: z.int().min(0).default(0),
  requester: authenticatedRequester
    .optional()
    .describe('Who requested it. Absent if the requester is not authenticated, or it was started by a schedule.'),
  correlation: acceptedUnder,
  schedule: z
    .object({
      name: plainText(64).describe('Name of the schedule.'),
      at: time.describe('When the sweep was due.'),
    })
    .register(schemaNames, { name: 'SweepSchedule' })
    .optional()
    .describe('The schedule that started it. Absent if it was requested.'),
  wave: sweepWave.optional().describe('The current wave. Absent before the first.'),
  /** Ids of failed migrations that count for the limits. Reset when the sweep is resumed. */
  failed: z.array(z.string()).default([]),
  /** Number of migrations that have ended. Reset when the sweep is resumed. */
  ended: z.int().default(0),
  command: sweepCommand.optional().describe('The last command to pause, resume or stop it. Absent if there was none.'),
  previous: sweepId.optional().describe('Id of the sweep before it with the same selection.'),
  reports: z
    .object({
      bucket: z.string().describe('Name of the S3 bucket.'),
      json: z.string().describe('Key of the JSON document.'),
      csv: z.string().describe('Key of the CSV file.'),
      html: z.string().describe('Key of the HTML page.'),
    })
    .register(schemaNames, { name: 'SweepReports' })
    .optional()
    .describe('Location of the report in S3. Absent until it is written.'),
});
export type Sweep = z.infer<typeof sweep>;

/** A sweep in a list. */
export const sweepSummary = sweep.pick({
  sweepId: true,
  request: true,
  status: true,
  outcome: true,
  startedAt: true,
  endedAt: true,
});
export type SweepSummary = z.infer<typeof sweepSummary>;

/** An add-on that the sweep migrates or plans: queued, in flight, or ended. */
export const sweepItem = z.object({
  /** Derived from the sweep and the add-on, so that the migration is started only once. */
  migrationId: z.string(),
  account: accountId,
  region: regionName,
  cluster: clusterName,
  addon: addonName,
  roles: z.array(roleArn),
  state: z.enum(['queued', 'in-flight', 'ended']),
  begunAt: z.string().optional(),
  endedAt: z.string().optional(),
  outcome: outcome.optional(),
  /** Level of evidence that was reached. Absent if nothing was verified. */
  verified: verified.optional(),
  /** Present if the migration ended without an outcome, or was blocked. */
  failure: failure.optional(),
  wave: z.int().optional(),
  /** Id of the migration that holds the lock of the add-on, if that blocked this one. */
  heldBy: migrationId.optional(),
  /** True if no migration was started, since the add-on was known to be busy. */
  refused: z.literal(true).optional(),
});
export type SweepItem = z.infer<typeof sweepItem>;
