/**
 * A sweep: one look at a fleet of clusters in many accounts and regions, and, where that is asked for, the migration of
 * what is ready there, in waves. Each zod schema once; the API, the command line's JSON and the report are these.
 */
import { z } from 'zod';
import { changeWindow } from '../change-window.ts';
import { correlation } from '../correlation.ts';
import { failure, outcome } from '../model.ts';
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
  serviceAccountName,
} from '../names.ts';
import { authenticatedRequester } from '../requester.ts';
import {
  agentMode,
  approvalMode,
  maxDisruption,
  maxDurationMinutes,
  resolveConflicts,
  strategy,
  verificationMode,
} from '../request.ts';
import { shownText } from '../text.ts';
import { conditionKey, trustMode } from '../trust/model.ts';

/** ULID, as a migration's: it sorts by time. */
export const sweepId = z
  .string()
  .regex(/^[0-9A-HJKMNP-TV-Z]{26}$/, 'must be a ULID (26 characters, such as 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A)');

/**
 * `inventory` looks and classifies; `plan` also makes the plan of each add-on that is ready, and keeps it; `migrate`
 * migrates them.
 */
export const sweepMode = z.enum(['inventory', 'plan', 'migrate']);
export type SweepMode = z.infer<typeof sweepMode>;

/** Tag of clusters and add-ons; that of an add-on counts before its cluster's. */
export const SWEEP_TAG = 'pod-identity-migration';
/** Its values; any other counts as none. */
export const TAG_IN = 'include';
export const TAG_OUT = 'exclude';

const pattern = z
  .string()
  .regex(
    /^[\w*?-]{1,100}$/,
    'must be a cluster name in which * stands for any text and ? for any one character, such as prod-*',
  );

/** Which add-ons; each field that is there narrows the fleet. */
export const sweepSelection = z.strictObject({
  /** Default: the service's own account and all that its configuration names. */
  accounts: z.array(accountId).min(1).max(1000).optional(),
  /** Default: those of the deployment's configuration. */
  regions: z.array(regionName).min(1).max(50).optional(),
  /** Names of clusters, with wildcards; one of them has to fit. */
  clusters: z.array(pattern).min(1).max(100).optional(),
  /** Tags that a cluster must have, all of them. */
  clusterTags: z.record(z.string().min(1).max(128), z.string().max(256)).optional(),
  addons: z.array(addonName).min(1).max(100).optional(),
  /** `opt-out`: all but what is tagged `exclude`; `opt-in`: only what is tagged `include`. */
  tagging: z.enum(['opt-out', 'opt-in']).default('opt-out'),
});
export type SweepSelection = z.infer<typeof sweepSelection>;

const whole = (least: number, most: number) => z.int().min(least).max(most);

/** How many migrations run at once, and when no more are begun. */
export const sweepLimits = z.strictObject({
  /** Size of the first wave; each next one is twice as large, up to `concurrency`. */
  canary: whole(1, 100).default(1),
  concurrency: whole(1, 500).default(20),
  /**
   * At once in one account, and in one region of one account. At most one in a cluster, and one with a role, whatever
   * these say.
   */
  perAccount: whole(1, 100).default(5),
  perRegion: whole(1, 100).default(5),
  /** Failures (`rolled-back`, `needs-human`, or without an outcome) after which nothing more is begun. */
  stopAfterFailures: whole(1, 1000).default(3),
  /** The same as a share of what has ended, percent, once at least `concurrency` have ended. */
  stopAtFailurePercent: z.number().min(0.1).max(100).default(10),
});
export type SweepLimits = z.infer<typeof sweepLimits>;

/** What each migration is asked for with; see `migrationRequest`. */
export const sweepOptions = z.strictObject({
  strategy: strategy.default('auto'),
  preserve: z.boolean().default(false),
  maxDisruption: maxDisruption.optional(),
  maxDurationMinutes: maxDurationMinutes.optional(),
  resolveConflicts: resolveConflicts.optional(),
  trust: trustMode.default('validate'),
  acceptedKeys: z.array(conditionKey).max(20).default([]),
  acceptIdentityLoss: z.array(serviceAccountName).max(50).default([]),
  verification: verificationMode.default('injected'),
  agent: agentMode.default('require'),
  approval: approvalMode.default('none'),
  /** Nothing is begun outside of it. */
  changeWindow: changeWindow.optional(),
});
export type SweepOptions = z.infer<typeof sweepOptions>;

/** What somebody asks for. */
export const sweepRequest = z.strictObject({
  mode: sweepMode,
  selection: sweepSelection.prefault({}),
  limits: sweepLimits.prefault({}),
  options: sweepOptions.prefault({}),
  /** Calls of EKS a second that the inventory makes in one region of one account at most. */
  callsPerSecond: z.number().min(0.1).max(100).default(5),
  requestedBy: requestedBy.optional(),
  reason: reason.optional(),
});
export type SweepRequest = z.infer<typeof sweepRequest>;
export type SweepRequestInput = z.input<typeof sweepRequest>;

/** One region of one account. */
export const sweepPlace = z.object({ account: accountId, region: regionName });
export type SweepPlace = z.infer<typeof sweepPlace>;

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
  lookedAt: z.string(),
  findings: z.array(sweepFinding),
  /** Calls that it took, by service: `eks`, `iam`, `sts`, `kubernetes`. */
  calls: z.record(z.string(), z.int()),
});
export type ClusterInventory = z.infer<typeof clusterInventory>;

/** What the look at one region of one account came to: one object in the bucket, written when it is over. */
export const placeInventory = z.object({
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
export type PlaceInventory = z.infer<typeof placeInventory>;

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
export const sweepCommand = z.object({
  command: z.enum(['pause', 'resume', 'stop']),
  at: z.string(),
  by: requestedBy.optional(),
  reason: reason.optional(),
});
export type SweepCommand = z.infer<typeof sweepCommand>;

/** How migrations of the sweep have ended; `none`: an execution that ended without an outcome. */
export const sweepTally = z.object({ queued: z.int(), inFlight: z.int(), ended: z.record(z.string(), z.int()) });
export type SweepTally = z.infer<typeof sweepTally>;

/**
 * The dispatcher's own: which wave it is at, and how much of it was begun. `endedBefore`: how many had ended when it
 * was opened; absent: it opens once those of before have ended.
 */
export const sweepWave = z.object({
  number: z.int().min(1),
  size: z.int().min(1),
  begun: z.int().min(0),
  endedBefore: z.int().min(0).optional(),
});
export type SweepWave = z.infer<typeof sweepWave>;

/** The ledger's record of a sweep. */
export const sweep = z.object({
  sweepId,
  request: sweepRequest,
  status: sweepStatus,
  phase: z.enum(['inventory', 'migrations', 'report']),
  startedAt: z.string(),
  endedAt: z.string().optional(),
  outcome: sweepOutcome.optional(),
  /** Why it stopped or failed. */
  cause: failure.optional(),
  executionArn: z.string().optional(),
  /** How many executions it has had: each next one goes on where the one before ended. */
  executions: z.int().min(0).default(0),
  /** Who requested it, where that is authenticated; of a start by schedule, `schedule` says it. */
  requester: authenticatedRequester.optional(),
  /** Of the request of the API that it was taken in by. */
  correlation: correlation.optional(),
  /** Of a start by schedule: its name, and when it was due. */
  schedule: z.object({ name: plainText(64), at: z.string() }).optional(),
  wave: sweepWave.optional(),
  /**
   * Ids of failed migrations that count for the stop, and how many have ended since; both begin anew where the sweep is
   * resumed.
   */
  failed: z.array(z.string()).default([]),
  ended: z.int().default(0),
  command: sweepCommand.optional(),
  /** The sweep before it with the same selection, for the trend. */
  previous: sweepId.optional(),
  /** Objects in the bucket, once they are there. */
  reports: z.object({ bucket: z.string(), json: z.string(), csv: z.string(), html: z.string() }).optional(),
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
  /** Of one that was blocked because another migration works on its add-on: that migration's id. */
  heldBy: migrationId.optional(),
  /** Nothing was started for it: that the add-on is busy was known before. */
  refused: z.literal(true).optional(),
  wave: z.int().optional(),
});
export type SweepItem = z.infer<typeof sweepItem>;
