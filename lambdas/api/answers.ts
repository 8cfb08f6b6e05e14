/** What the API answers, as zod schemas: its OpenAPI document is made of these too. */
import { z } from 'zod';
import { report } from '../domain/identities/model.ts';
import { FAILURE_NAMES } from '../domain/failures.ts';
import { approval, cancellation, migrationId, migrationReport, retirement, rollback, status } from '../domain/model.ts';
import { STEP_LINES } from '../domain/step-lines.ts';
import { migrationSummary } from '../domain/summary.ts';
import { sweep, sweepId, sweepSummary } from '../domain/sweep/model.ts';
import { sweepStanding } from '../domain/sweep/standing.ts';
import { waitingFor } from '../domain/waiting-for.ts';

/** One of a closed set of names, which the document of OpenAPI lists. */
const named = (names: readonly string[]) => z.string().meta({ openapi: { type: 'string', enum: [...names] } });
const failure = z.object({
  /** docs/failures.md explains each. */
  name: named(FAILURE_NAMES),
  message: z.string(),
});

/** Paths beside this answer's own; those that change something are there while they can. */
export const links = z.object({
  self: z.string(),
  /** Of a plan: itself as a migration, with all that is known of it. */
  migration: z.string().optional(),
  plan: z.string().optional(),
  approval: z.string().optional(),
  rollback: z.string().optional(),
  retire: z.string().optional(),
  cancel: z.string().optional(),
  /** Another migration, which worked on the same add-on or service account, so that this one was blocked. */
  holder: z.string().optional(),
  /** Other migrations and sweeps that its failure, what it waits for, its warnings or its checks name. */
  related: z.array(z.string()).optional(),
});
export type Links = z.infer<typeof links>;

export const accepted = z.object({ migrationId, status: z.literal('accepted'), links });
export type Accepted = z.infer<typeof accepted>;

/**
 * A migration as it stands: the report of one that is over, and what is known so far of one that is not. What the
 * command line alone knows of it (the disruption, whether AWS was played) is not part of it.
 */
export const migrationAnswer = migrationReport
  .omit({ simulated: true, disruption: true, verification: true })
  .partial({ outcome: true, endedAt: true })
  .extend({
    /** While it is rolling back it has no outcome, and no time of end: `rollback.after` is the outcome of before. */
    status,
    dryRun: z.boolean(),
    /** What the request states, in the words of whoever sent it: `requester` is who that was. */
    requestedBy: z.string().optional(),
    reason: z.string().optional(),
    /** Of a change that has not begun: when its change windows are all open next, or until when they are. */
    changeWindow: z.object({ opensAt: z.string().optional(), openUntil: z.string().optional() }).optional(),
    /** What it waits for: an approval, its change window, a poll or an outage; absent while it is at work. */
    waitingFor: waitingFor.optional(),
    /** Name of the last step's line, without its way and round; absent before the first. docs/failures.md explains each. */
    step: named(STEP_LINES).optional(),
    failure: failure.optional(),
    rollback: rollback.extend({ error: failure.optional() }).optional(),
    retirement: retirement.extend({ error: failure.optional() }).optional(),
    /** The execution that works on it, or did last; absent where none was started yet. */
    executionArn: z.string().optional(),
    /** As Step Functions says, while it is running; not RUNNING: the service takes it over within some minutes. */
    executionStatus: z.string().optional(),
    cancellation: cancellation.optional(),
    /** `left`: how many pods of each are not shown, where there are too many. */
    verification: migrationReport.shape.verification.extend({
      left: z.object({ before: z.int(), pods: z.int() }).optional(),
    }),
    links,
  });
export type MigrationAnswer = z.infer<typeof migrationAnswer>;

/** What of it is about the plan. */
export const planAnswer = migrationAnswer.pick({
  migrationId: true,
  status: true,
  outcome: true,
  target: true,
  addon: true,
  serviceAccount: true,
  strategy: true,
  preserve: true,
  dryRun: true,
  requester: true,
  requestedBy: true,
  reason: true,
  startedAt: true,
  endedAt: true,
  plan: true,
  failure: true,
  links: true,
});
export type PlanAnswer = z.infer<typeof planAnswer>;

export const listAnswer = z.object({
  migrations: z.array(migrationSummary.extend({ links })),
  /** There where there may be more: give it back as `next`. A page may be short, or empty, and not the last. */
  next: z.string().optional(),
});
export type ListAnswer = z.infer<typeof listAnswer>;

/** What every answer to an action has; `links.self` is what it is an action on. */
const ofAction = {
  action: z.enum(['approval', 'cancel', 'rollback', 'retire', 'pause', 'resume', 'stop']),
  /** False where the same was asked for before, and this request changed nothing. */
  first: z.boolean(),
};
/** Of a migration: `status` is as after the action. */
const ofMigrationAction = { ...ofAction, migrationId, status, links };

export const approvalAnswer = z.object({ ...ofMigrationAction, approval });
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

/** `first` is false where the request was sent again under its key. */
export const rollbackAnswer = z.object({ ...ofMigrationAction, rollback });
export type RollbackAnswer = z.infer<typeof rollbackAnswer>;

/** `first` is false where the request was sent again under its key. */
export const retirementAnswer = z.object({ ...ofMigrationAction, retirement });
export type RetirementAnswer = z.infer<typeof retirementAnswer>;

export const cancelAnswer = z.object({
  ...ofMigrationAction,
  /** The one that stands: an earlier one, where somebody has asked before. */
  cancellation,
  /** Whether it had begun when the cancel was noted. */
  begun: z.boolean(),
  /** There only where it is certain. */
  willEnd: z.literal('blocked').optional(),
});
export type CancelAnswer = z.infer<typeof cancelAnswer>;

/** A page of `pod-identity identities`: which role a node has is not looked at, nor are the roles of the account. */
export const identitiesAnswer = report.omit({ namespace: true, totals: true, trustedRoles: true }).extend({
  /** Of the whole cluster, in all pages. */
  totals: z.object({ workloads: z.int() }),
  next: z.string().optional(),
});
export type IdentitiesAnswer = z.infer<typeof identitiesAnswer>;

/** As `links`, of a sweep. */
export const sweepLinks = z.object({
  self: z.string(),
  pause: z.string().optional(),
  resume: z.string().optional(),
  stop: z.string().optional(),
  report: z.string().optional(),
});
export type SweepLinks = z.infer<typeof sweepLinks>;

export const sweepAccepted = z.object({ sweepId, status: z.literal('accepted'), links: sweepLinks });
export type SweepAccepted = z.infer<typeof sweepAccepted>;

export const sweepAnswer = sweepStanding.extend({ cause: failure.optional(), links: sweepLinks });
export type SweepAnswer = z.infer<typeof sweepAnswer>;

/** The sweep as it stands after the action. */
export const sweepActionAnswer = sweepAnswer.extend(ofAction);
export type SweepActionAnswer = z.infer<typeof sweepActionAnswer>;

export const sweepListAnswer = z.object({
  sweeps: z.array(sweepSummary.extend({ links: sweepLinks })),
  /** As in `listAnswer`. */
  next: z.string().optional(),
});
export type SweepListAnswer = z.infer<typeof sweepListAnswer>;

/** Where the report is: whoever reads it does so in S3, by their own rights. */
export const sweepReportAnswer = z.object({ sweepId, reports: sweep.shape.reports.unwrap(), links: sweepLinks });
export type SweepReportAnswer = z.infer<typeof sweepReportAnswer>;
