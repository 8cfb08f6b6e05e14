/** What the API answers, as zod schemas: its OpenAPI document is made of these too. */
import { z } from 'zod';
import { report } from '../domain/identities/model.ts';
import { FAILURE_NAMES } from '../domain/failures/names.ts';
import {
  approval,
  cancellation,
  migrationId,
  migrationReport,
  retirement,
  rollback,
  status,
} from '../domain/migration/model.ts';
import { schemaNames, time } from '../domain/text/schemas.ts';
import { STEP_LINES } from '../domain/migration/step-lines.ts';
import { migrationSummary } from '../domain/migration/summary.ts';
import { sweep, sweepId, sweepSummary } from '../domain/sweep/model.ts';
import { sweepStanding } from '../domain/sweep/standing.ts';
import { waitingFor } from '../domain/waiting/waiting-for.ts';

/** One of a closed set of names, which the document of OpenAPI lists. */
const named = (names: readonly string[]) => z.string().meta({ openapi: { type: 'string', enum: [...names] } });
// docs/failures.md explains each name.
const failure = z
  .object({
    name: named(FAILURE_NAMES).describe('Name of the failure, which docs/failures.md explains.'),
    message: z.string().describe('What happened, to what, and what to do next.'),
  })
  .register(schemaNames, { name: 'Failure' });

/** A path with the stage, or what a custom domain has in its place: a reference that URLs are resolved by. */
const path = z.string().meta({ format: 'uri-reference' });

/** Paths of what belongs to a migration; those that change something are there while they can. */
export const links = z
  .object({
    self: path.describe('Path of what this answer is about.'),
    migration: path.optional().describe('Path of the plan as a migration, with all that is known of it.'),
    plan: path.optional().describe('Path of the plan.'),
    approval: path.optional().describe('Path to approve or reject the plan. Absent if nothing waits for an approval.'),
    rollback: path.optional().describe('Path to roll the migration back. Absent if it cannot be rolled back.'),
    retire: path
      .optional()
      .describe('Path to retire the OIDC trust, or to put it back. Absent if that is not possible now.'),
    cancel: path.optional().describe('Path to cancel the migration. Absent if it cannot be cancelled.'),
    holder: path
      .optional()
      .describe('Path of the migration that had begun on the same subject, so that this one was blocked.'),
    related: z
      .array(path)
      .optional()
      .describe('Paths of other migrations and sweeps that the messages of this answer name.'),
  })
  .register(schemaNames, { name: 'MigrationLinks' });
export type Links = z.infer<typeof links>;
const LINKS = 'Paths of what belongs to the migration, and of what can be done with it now.';

export const accepted = z
  .object({
    migrationId: migrationId.describe('Id of the plan or migration.'),
    status: z.literal('accepted').describe('The request was accepted.'),
    links: links.describe(LINKS),
  })
  .register(schemaNames, { name: 'Accepted' });
export type Accepted = z.infer<typeof accepted>;

/**
 * A migration as it stands: the report of one that is over, and what is known so far of one that is not. What the
 * command line alone knows of it (the disruption, whether AWS was played) is not part of it.
 */
export const migrationAnswer = migrationReport
  .omit({ simulated: true, disruption: true, verification: true })
  .partial({ outcome: true, endedAt: true })
  .extend({
    status: status.describe(
      'Status of the migration. While it is `rolling-back` it has no outcome: `rollback.after` has the outcome of before.',
    ),
    dryRun: z.boolean().describe('True if it only plans and changes nothing.'),
    requestedBy: z
      .string()
      .optional()
      .describe('Who requested it, as the request states it. `requester` is who that was.'),
    reason: z.string().optional().describe('Why, in the words of the requester.'),
    changeWindow: z
      .object({
        opensAt: time.optional().describe('When all its windows are open next.'),
        openUntil: time.optional().describe('Until when they are open.'),
      })
      .register(schemaNames, { name: 'WindowState' })
      .optional()
      .describe('State of its change windows. Absent once the change has begun.'),
    waitingFor: waitingFor.optional().describe('What it waits for. Absent while it is at work.'),
    step: named(STEP_LINES)
      .optional()
      .describe('The last step, which docs/failures.md explains. Absent before the first.'),
    failure: failure.optional().describe('Why it did not end `migrated`. Absent if it did.'),
    rollback: rollback
      .extend({ error: failure.optional().describe('Why it was refused, or what it could not restore.') })
      .register(schemaNames, { name: 'Rollback' })
      .optional()
      .describe('The last rollback. Absent if there was none.'),
    retirement: retirement
      .extend({ error: failure.optional().describe('Why it was refused, or what it could not do.') })
      .register(schemaNames, { name: 'Retirement' })
      .optional()
      .describe('The last retirement of its OIDC trust. A refused one stays. Absent if there was none.'),
    executionArn: z
      .string()
      .optional()
      .describe('ARN of the Step Functions execution that works on it, or did last. Absent before the first.'),
    executionStatus: z
      .string()
      .optional()
      .describe(
        'Status of the execution in Step Functions while the migration is not over. If it is not `RUNNING`, the service takes the migration over within some minutes.',
      ),
    cancellation: cancellation.optional().describe('The request to cancel it. Absent if there was none.'),
    verification: migrationReport.shape.verification
      .extend({
        left: z
          .object({
            before: z.int().describe('Number of pods that `before` leaves out.'),
            pods: z.int().describe('Number of pods that `pods` leaves out.'),
          })
          .register(schemaNames, { name: 'PodsLeftOut' })
          .optional()
          .describe('Number of pods that are left out. Absent if none is.'),
      })
      .register(schemaNames, { name: 'Verification' })
      .describe('Evidence of how pods get their AWS credentials.'),
    links: links.describe(LINKS),
  })
  .register(schemaNames, { name: 'Migration' });
export type MigrationAnswer = z.infer<typeof migrationAnswer>;

/** What of it is about the plan. */
export const planAnswer = migrationAnswer
  .pick({
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
  })
  .register(schemaNames, { name: 'Plan' });
export type PlanAnswer = z.infer<typeof planAnswer>;

const next = z
  .string()
  .optional()
  .describe(
    'Send it as `next` to get the next page. Absent on the last page. A page may be short, or empty, and not the last.',
  );

export const listAnswer = z
  .object({
    migrations: z
      .array(
        migrationSummary.extend({ links: links.describe(LINKS) }).register(schemaNames, { name: 'MigrationSummary' }),
      )
      .describe('Migrations, newest first.'),
    next,
  })
  .register(schemaNames, { name: 'MigrationPage' });
export type ListAnswer = z.infer<typeof listAnswer>;

const FIRST = z.boolean().describe('False if the same was requested before, so that this request changed nothing.');
/** What every answer to an action on a migration has; `links.self` is what it is an action on. */
const ofMigrationAction = {
  first: FIRST,
  migrationId: migrationId.describe('Id of the migration.'),
  status: status.describe('Status of the migration after the action.'),
  links: links.describe(LINKS),
};

export const approvalAnswer = z
  .object({
    action: z.literal('approval').describe('The action.'),
    ...ofMigrationAction,
    approval: approval.describe('The approval as it was decided.'),
  })
  .register(schemaNames, { name: 'ApprovalAction' });
export type ApprovalAnswer = z.infer<typeof approvalAnswer>;

/** `first` is false where the request was sent again under its key. */
export const rollbackAnswer = z
  .object({
    action: z.literal('rollback').describe('The action.'),
    ...ofMigrationAction,
    rollback: migrationAnswer.shape.rollback.unwrap().describe('The rollback as it was accepted.'),
  })
  .register(schemaNames, { name: 'RollbackAction' });
export type RollbackAnswer = z.infer<typeof rollbackAnswer>;

/** `first` is false where the request was sent again under its key. */
export const retirementAnswer = z
  .object({
    action: z.literal('retire').describe('The action.'),
    ...ofMigrationAction,
    retirement: migrationAnswer.shape.retirement.unwrap().describe('The retirement as it was accepted.'),
  })
  .register(schemaNames, { name: 'RetirementAction' });
export type RetirementAnswer = z.infer<typeof retirementAnswer>;

export const cancelAnswer = z
  .object({
    action: z.literal('cancel').describe('The action.'),
    ...ofMigrationAction,
    cancellation: cancellation.describe('The cancellation that counts: an earlier one if there was one.'),
    begun: z.boolean().describe('Whether the change had begun when the cancellation was recorded.'),
    willEnd: z.literal('blocked').optional().describe('How the migration will end. Absent unless that is certain.'),
  })
  .register(schemaNames, { name: 'CancelAction' });
export type CancelAnswer = z.infer<typeof cancelAnswer>;

/** A page of `pod-identity identities`: which role a node has is not looked at, nor are the roles of the account. */
export const identitiesAnswer = report
  .omit({ namespace: true, totals: true, trustedRoles: true })
  .extend({
    totals: z
      .object({ workloads: z.int().describe('Number of workloads in all pages.') })
      .register(schemaNames, { name: 'IdentityTotals' })
      .describe('Totals of the whole cluster.'),
    next,
  })
  .register(schemaNames, { name: 'IdentitiesPage' });
export type IdentitiesAnswer = z.infer<typeof identitiesAnswer>;

/** As `links`, of a sweep. */
export const sweepLinks = z
  .object({
    self: path.describe('Path of the sweep.'),
    pause: path.optional().describe('Path to pause the sweep. Absent if it cannot be paused now.'),
    resume: path.optional().describe('Path to resume the sweep. Absent if it cannot be resumed now.'),
    stop: path.optional().describe('Path to stop the sweep. Absent if it cannot be stopped now.'),
    report: path.optional().describe('Path of the report. Absent until it is written.'),
  })
  .register(schemaNames, { name: 'SweepLinks' });
export type SweepLinks = z.infer<typeof sweepLinks>;
const SWEEP_LINKS = 'Paths of what belongs to the sweep, and of what can be done with it now.';

export const sweepAccepted = z
  .object({
    sweepId: sweepId.describe('Id of the sweep.'),
    status: z.literal('accepted').describe('The request was accepted.'),
    links: sweepLinks.describe(SWEEP_LINKS),
  })
  .register(schemaNames, { name: 'SweepAccepted' });
export type SweepAccepted = z.infer<typeof sweepAccepted>;

export const sweepAnswer = sweepStanding
  .extend({
    cause: failure.optional().describe('Why it stopped or failed. Absent if it did not.'),
    links: sweepLinks.describe(SWEEP_LINKS),
  })
  .register(schemaNames, { name: 'Sweep' });
export type SweepAnswer = z.infer<typeof sweepAnswer>;

/** The sweep as it stands after the action. */
export const sweepActionAnswer = sweepAnswer
  .extend({ action: z.enum(['pause', 'resume', 'stop']).describe('The action.'), first: FIRST })
  .register(schemaNames, { name: 'SweepAction' });
export type SweepActionAnswer = z.infer<typeof sweepActionAnswer>;

export const sweepListAnswer = z
  .object({
    sweeps: z
      .array(
        sweepSummary
          .extend({ links: sweepLinks.describe(SWEEP_LINKS) })
          .register(schemaNames, { name: 'SweepSummary' }),
      )
      .describe('Sweeps, newest first.'),
    next,
  })
  .register(schemaNames, { name: 'SweepPage' });
export type SweepListAnswer = z.infer<typeof sweepListAnswer>;

/** Where the report is: whoever reads it does so in S3, by their own rights. */
export const sweepReportAnswer = z
  .object({
    sweepId: sweepId.describe('Id of the sweep.'),
    reports: sweep.shape.reports.unwrap().describe('Where the report is in S3. Read it there.'),
    links: sweepLinks.describe(SWEEP_LINKS),
  })
  .register(schemaNames, { name: 'SweepReport' });
export type SweepReportAnswer = z.infer<typeof sweepReportAnswer>;
