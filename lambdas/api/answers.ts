/** The API's answers as zod schemas. Its OpenAPI document is generated from them. */
import { z } from 'zod';
import { report } from '../domain/identities/model.ts';
import { FAILURE_NAMES } from '../domain/failures/names.ts';
import { approval } from '../domain/approval/approval.ts';
import { cancellation, migrationReport } from '../domain/record/migration.ts';
import { migrationId } from '../domain/text/names.ts';
import { retirement } from '../domain/record/retirement.ts';
import { rollback } from '../domain/record/rollback.ts';
import { status } from '../domain/terms/outcome.ts';
import { schemaNames, time } from '../domain/text/schemas.ts';
import { STEP_LINES } from '../domain/migration/step-lines.ts';
import { migrationSummary } from '../domain/migration/summary.ts';
import { sweep, sweepSummary } from '../domain/sweep/model.ts';
import { sweepId } from '../domain/sweep/request.ts';
import { sweepStanding } from '../domain/sweep/standing.ts';
import { waitingFor } from '../domain/waiting/waiting-for.ts';

/** A name from a closed set, which the OpenAPI document lists. */
const named = (names: readonly string[]) => z.string().meta({ openapi: { type: 'string', enum: [...names] } });
// docs/failures.md explains each name.
const failure = z
  .object({
    name: named(FAILURE_NAMES).describe('Name of the failure, as explained in docs/failures.md.'),
    message: z.string().describe('What happened, to what, and what to do next.'),
  })
  .register(schemaNames, { name: 'Failure' });

/** A path that begins with the stage, or with the base path of a custom domain: a URI reference. */
const path = z.string().meta({ format: 'uri-reference' });

/** Paths that belong to a migration. A path to an action is present only while the action is possible. */
export const links = z
  .object({
    self: path.describe('Path of the resource that this answer describes.'),
    migration: path.optional().describe('Path of the migration that the plan belongs to, with all details.'),
    plan: path.optional().describe('Path of the plan.'),
    handOff: path
      .optional()
      .describe("Path of what the owner's code must contain. Absent if the migration has no hand-off."),
    approval: path
      .optional()
      .describe('Path to approve or reject the plan. Absent if the migration does not wait for an approval.'),
    rollback: path.optional().describe('Path to roll the migration back. Absent if it cannot be rolled back.'),
    retire: path.optional().describe('Path to retire or reinstate the OIDC trust. Absent if neither is possible now.'),
    cancel: path.optional().describe('Path to cancel the migration. Absent if it cannot be cancelled.'),
    holder: path.optional().describe('Path of the migration of the same subject that blocked this one.'),
    related: z
      .array(path)
      .optional()
      .describe('Paths of other migrations and sweeps named in the messages of this answer.'),
  })
  .register(schemaNames, { name: 'MigrationLinks' });
export type Links = z.infer<typeof links>;
export const LINKS = 'Paths of related resources and of the actions that are possible now.';

export const accepted = z
  .object({
    migrationId: migrationId.describe('Id of the plan or migration.'),
    status: z.literal('accepted').describe('The request was accepted.'),
    links: links.describe(LINKS),
  })
  .register(schemaNames, { name: 'Accepted' });
export type Accepted = z.infer<typeof accepted>;

/**
 * The current state of a migration: its report if it has ended, and what is known so far if it has not. It leaves out
 * what only the command line knows (the disruption, and whether AWS was simulated).
 */
export const migrationAnswer = migrationReport
  .omit({ simulated: true, disruption: true, verification: true })
  .partial({ outcome: true, endedAt: true })
  .extend({
    status: status.describe(
      'Status of the migration. A migration that is `rolling-back` has no outcome; `rollback.after` is its outcome before the rollback.',
    ),
    dryRun: z.boolean().describe('True if the migration is only planned and changes nothing.'),
    requestedBy: z
      .string()
      .optional()
      .describe('Who requested the migration, as stated in the request. `requester` is the authenticated principal.'),
    reason: z.string().optional().describe('Reason that the requester gave.'),
    changeWindow: z
      .object({
        opensAt: time.optional().describe('Next time at which all change windows are open.'),
        openUntil: time.optional().describe('Time until which all change windows are open.'),
      })
      .register(schemaNames, { name: 'WindowState' })
      .optional()
      .describe('State of the change windows. Absent once the change has begun.'),
    waitingFor: waitingFor.optional().describe('What the migration waits for. Absent while it is not waiting.'),
    step: named(STEP_LINES)
      .optional()
      .describe('The most recent step, as explained in docs/failures.md. Absent before the first step.'),
    failure: failure.optional().describe('Why the migration did not end `migrated`. Absent if it did.'),
    rollback: rollback
      .extend({ error: failure.optional().describe('Why the rollback was refused, or what it could not restore.') })
      .register(schemaNames, { name: 'Rollback' })
      .optional()
      .describe('The most recent rollback. Absent if there was none.'),
    retirement: retirement
      .extend({ error: failure.optional().describe('Why the retirement was refused, or what it could not do.') })
      .register(schemaNames, { name: 'Retirement' })
      .optional()
      .describe('The most recent retirement of the OIDC trust, including a refused one. Absent if there was none.'),
    executionArn: z
      .string()
      .optional()
      .describe(
        'ARN of the Step Functions execution that works on the migration, or that did so last. Absent before the first execution.',
      ),
    executionStatus: z
      .string()
      .optional()
      .describe(
        'Status of the Step Functions execution. Absent once the migration has ended. If it is not `RUNNING`, the service recovers the migration within a few minutes.',
      ),
    cancellation: cancellation.optional().describe('The request to cancel the migration. Absent if there was none.'),
    verification: migrationReport.shape.verification
      .extend({
        left: z
          .object({
            before: z.int().describe('Number of pods that `before` leaves out.'),
            pods: z.int().describe('Number of pods that `pods` leaves out.'),
          })
          .register(schemaNames, { name: 'PodsLeftOut' })
          .optional()
          .describe('Numbers of pods that are left out. Absent if none are left out.'),
      })
      .register(schemaNames, { name: 'Verification' })
      .describe('Evidence of how pods get their AWS credentials.'),
    links: links.describe(LINKS),
  })
  .register(schemaNames, { name: 'Migration' });
export type MigrationAnswer = z.infer<typeof migrationAnswer>;

/** The fields of a migration that are about its plan. */
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
    handOff: true,
    failure: true,
    links: true,
  })
  .register(schemaNames, { name: 'Plan' });
export type PlanAnswer = z.infer<typeof planAnswer>;

const next = z
  .string()
  .optional()
  .describe(
    'Token to send as `next` to get the next page. Absent on the last page. A page that is short or empty is not necessarily the last.',
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

const FIRST = z.boolean().describe('False if this request repeats an earlier one and changed nothing.');
/** Fields of every answer to an action on a migration. `links.self` is the path of the migration. */
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
    approval: approval.describe('The decided approval.'),
  })
  .register(schemaNames, { name: 'ApprovalAction' });

/** `first` is false if the request was already sent with the same idempotency key. */
export const rollbackAnswer = z
  .object({
    action: z.literal('rollback').describe('The action.'),
    ...ofMigrationAction,
    rollback: migrationAnswer.shape.rollback.unwrap().describe('The accepted rollback.'),
  })
  .register(schemaNames, { name: 'RollbackAction' });

/** `first` is false if the request was already sent with the same idempotency key. */
export const retirementAnswer = z
  .object({
    action: z.literal('retire').describe('The action.'),
    ...ofMigrationAction,
    retirement: migrationAnswer.shape.retirement.unwrap().describe('The accepted retirement.'),
  })
  .register(schemaNames, { name: 'RetirementAction' });
export type RetirementAnswer = z.infer<typeof retirementAnswer>;

export const cancelAnswer = z
  .object({
    action: z.literal('cancel').describe('The action.'),
    ...ofMigrationAction,
    cancellation: cancellation.describe(
      'The cancellation in effect. This is the earlier one if the migration was already cancelled.',
    ),
    begun: z.boolean().describe('Whether the change had begun when the cancellation was recorded.'),
    willEnd: z
      .literal('blocked')
      .optional()
      .describe('Outcome that the migration will have. Absent unless it is certain.'),
  })
  .register(schemaNames, { name: 'CancelAction' });
export type CancelAnswer = z.infer<typeof cancelAnswer>;

/** A page of what `pod-identity identities` reports. It covers neither the roles of nodes nor those of the account. */
export const identitiesAnswer = report
  .omit({ namespace: true, totals: true, trustedRoles: true })
  .extend({
    totals: z
      .object({ workloads: z.int().describe('Number of workloads in all pages.') })
      .register(schemaNames, { name: 'IdentityTotals' })
      .describe('Totals for the whole cluster.'),
    next,
  })
  .register(schemaNames, { name: 'IdentitiesPage' });
export type IdentitiesAnswer = z.infer<typeof identitiesAnswer>;

/** Paths that belong to a sweep; see `links`. */
export const sweepLinks = z
  .object({
    self: path.describe('Path of the sweep.'),
    pause: path.optional().describe('Path to pause the sweep. Absent if it cannot be paused now.'),
    resume: path.optional().describe('Path to resume the sweep. Absent if it cannot be resumed now.'),
    stop: path.optional().describe('Path to stop the sweep. Absent if it cannot be stopped now.'),
    report: path.optional().describe('Path of the report. Absent until the report is written.'),
  })
  .register(schemaNames, { name: 'SweepLinks' });
export type SweepLinks = z.infer<typeof sweepLinks>;
const SWEEP_LINKS = 'Paths of related resources and of the actions that are possible now.';

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
    cause: failure.optional().describe('Why the sweep stopped or failed. Absent if it did neither.'),
    links: sweepLinks.describe(SWEEP_LINKS),
  })
  .register(schemaNames, { name: 'Sweep' });
export type SweepAnswer = z.infer<typeof sweepAnswer>;

/** The sweep after the action. */
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

/** Where the report is stored. Callers read it in S3 with their own permissions. */
export const sweepReportAnswer = z
  .object({
    sweepId: sweepId.describe('Id of the sweep.'),
    reports: sweep.shape.reports.unwrap().describe('Bucket and keys of the report. Read it in S3.'),
    links: sweepLinks.describe(SWEEP_LINKS),
  })
  .register(schemaNames, { name: 'SweepReport' });
