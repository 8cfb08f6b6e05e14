/**
 * A sweep: one look at a fleet of clusters in many accounts and regions, and, where that is asked for, the migration of
 * what is ready there, in waves. Each zod schema once; the API, the command line's JSON and the report are these.
 */
import { z } from 'zod';
import { acceptedUnder } from '../migration/correlation.ts';
import { failure, outcome } from '../migration/model.ts';
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

export * from './request.ts';

/** One region of one account. */
export const sweepLocation = z.object({ account: accountId, region: regionName });
export type SweepLocation = z.infer<typeof sweepLocation>;

/** Of each add-on exactly one. `blocked`: it uses IRSA, and checks of its plan stand in the way. */
export const sweepClass = z.enum(['on-pod-identity', 'ready', 'blocked', 'node-role', 'not-concerned', 'unreachable']);
export type SweepClass = z.infer<typeof sweepClass>;

/** A check that stands in the way: `message` and `remedy` are the plan's. */
export const blockingCheck = z.object({ id: shownText, message: shownText, remedy: shownText.optional() });
export type BlockingCheck = z.infer<typeof blockingCheck>;

/** One add-on as it was found. Where not even its name is known (`unreachable`), it stands for the whole cluster. */
export const sweepFinding = z.object({
  addon: shownText.optional(),
  version: shownText.optional(),
  class: sweepClass,
  /** Why, in one sentence: of `unreachable` and `not-concerned`. */
  reason: shownText.optional(),
  /** Of `blocked`. */
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
  /** Absent where it could not be described. */
  version: shownText.optional(),
  observedAt: z.string(),
  findings: z.array(sweepFinding),
  /** Calls that it took, by service: `eks`, `iam`, `sts`, `kubernetes`. */
  calls: z.record(z.string(), z.int()),
});
export type ClusterInventory = z.infer<typeof clusterInventory>;

/** What the look at one region of one account came to: one object in the bucket, written when it is over. */
export const locationInventory = z.object({
  account: accountId,
  region: regionName,
  /** Clusters that were looked at, and those that the selection leaves out. */
  clusters: z.int(),
  notSelected: z.int(),
  /** Why the place, or the rest of it, could not be looked at: `Unreachable place`, as the findings have it. */
  unreachable: shownText.optional(),
  /** Calls that it took beside those of its clusters. */
  calls: z.record(z.string(), z.int()),
});
export type LocationInventory = z.infer<typeof locationInventory>;

/**
 * `running`: it looks, or begins migrations; `paused`: somebody asked it to begin none for now; `stopping`: it begins
 * none, and those in flight end.
 */
export const sweepStatus = z.enum(['running', 'paused', 'stopping', 'ended']);
export type SweepStatus = z.infer<typeof sweepStatus>;

/**
 * `completed`: nothing was left to begin. `stopped`: by a threshold, or by somebody; it can be resumed. `failed`: by an
 * error of its own.
 */
export const sweepOutcome = z.enum(['completed', 'stopped', 'failed']);
export type SweepOutcome = z.infer<typeof sweepOutcome>;

/** What somebody asked of a sweep that is under way, or has stopped; the last one counts. */
export const sweepCommand = z
  .object({
    command: z.enum(['pause', 'resume', 'stop']).describe('What was requested.'),
    at: time.describe('When it was requested.'),
    by: requestedBy.optional().describe('ARN of the principal that requested it.'),
    reason: reason.optional().describe('Why, in the words of that principal.'),
  })
  .register(schemaNames, { name: 'SweepCommand' });
export type SweepCommand = z.infer<typeof sweepCommand>;

/** How migrations of the sweep have ended; `none`: an execution that ended without an outcome. */
export const sweepTally = z
  .object({
    queued: z.int().describe('Number of migrations that have not begun.'),
    inFlight: z.int().describe('Number of migrations that are under way.'),
    ended: z
      .record(z.string(), z.int())
      .describe('Number of migrations that have ended, by outcome. `none`: without an outcome.'),
  })
  .register(schemaNames, { name: 'SweepTally' });
export type SweepTally = z.infer<typeof sweepTally>;

/**
 * The dispatcher's own: which wave it is at, and how much of it was begun. `endedBefore`: how many had ended when it
 * was opened; absent: it opens once those of before have ended.
 */
export const sweepWave = z
  .object({
    number: z.int().min(1).describe('Number of the wave, from 1.'),
    size: z.int().min(1).describe('Number of migrations that the wave may have.'),
    begun: z.int().min(0).describe('Number of migrations of the wave that have begun.'),
    endedBefore: z
      .int()
      .min(0)
      .optional()
      .describe('Number of migrations that had ended when the wave began. Absent while it waits for the wave before.'),
  })
  .register(schemaNames, { name: 'SweepWave' });
export type SweepWave = z.infer<typeof sweepWave>;

/** The ledger's record of a sweep. */
export const sweep = z.object({
  sweepId: sweepId.describe('Id of the sweep.'),
  request: sweepRequest.describe('What was requested, with defaults filled in.'),
  status: sweepStatus.describe(
    'Status of the sweep. `paused`: it begins no migrations for now. `stopping`: it begins none, and those under way end.',
  ),
  phase: z.enum(['inventory', 'migrations', 'report']).describe('What the sweep is at.'),
  startedAt: time.describe('When the sweep started.'),
  endedAt: time.optional().describe('When the sweep ended. Absent until then.'),
  outcome: sweepOutcome
    .optional()
    .describe(
      'How the sweep ended. `completed`: nothing is left to begin. `stopped`: by a limit or on request, and it can be resumed. `failed`: by an error.',
    ),
  cause: failure.optional().describe('Why it stopped or failed. Absent if it did not.'),
  executionArn: z.string().optional().describe('ARN of the Step Functions execution that works on it, or did last.'),
  /** How many executions it has had: each next one goes on where the one before ended. */
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
  wave: sweepWave.optional().describe('The wave that it is at. Absent before the first.'),
  /**
   * Ids of failed migrations that count for the stop, and how many have ended since; both begin anew where the sweep is
   * resumed.
   */
  failed: z.array(z.string()).default([]),
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
    .describe('Where the report is. Absent until it is written.'),
});
export type Sweep = z.infer<typeof sweep>;

/** A sweep in a list of many. */
export const sweepSummary = sweep.pick({
  sweepId: true,
  request: true,
  status: true,
  outcome: true,
  startedAt: true,
  endedAt: true,
});
export type SweepSummary = z.infer<typeof sweepSummary>;

/** An add-on that the sweep migrates, or plans: waiting, in flight, or over. */
export const sweepItem = z.object({
  /** Derived from the sweep and the add-on, so that it is begun once. */
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
  /** Of one that ended without an outcome, or was blocked. */
  failure: failure.optional(),
  wave: z.int().optional(),
  /** Of one that was blocked because another migration works on its add-on: that migration's id. */
  heldBy: migrationId.optional(),
  /** Nothing was started for it: that the add-on is busy was known before. */
  refused: z.literal(true).optional(),
});
export type SweepItem = z.infer<typeof sweepItem>;
