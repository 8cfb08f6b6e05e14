import { z } from 'zod';
import { firstPolls } from '../../domain/waiting/first-polls.ts';
import { migrationId, attempt, strictMigrationRequest, target } from '../../domain/migration/model.ts';
import { PLAN_CALLS } from '../../domain/aws/pace.ts';
import { subjectName } from '../../domain/migration/subject.ts';
import { defineStep, planningEnvironment, unknownFields } from '../../runtime/step.ts';

/** Throws RecoveryPending while what a stopped execution left behind is being put back. */
export const planSchema = defineStep('plan', {
  title: 'Run the checks and create the plan',
  variants: {
    'plan-again': 'Plan again and compare with the approved plan',
  },
  environment: planningEnvironment,
  cancellable: true,
  input: z.strictObject({
    migrationId,
    executionArn: z.string(),
    action: z.literal('again').optional(),
    request: strictMigrationRequest,
    unknownFields,
  }),
  output: z.object({
    /** `planned`: it could go on, but a dry run was asked for. */
    verdict: z.enum(['migrate', 'already-migrated', 'planned', 'blocked']),
    target,
    /** What migrates, as one text. */
    subject: subjectName,
    /** The plan's ladder, for the state machine's choices; the steps read theirs from the ledger. */
    attempts: z.array(attempt.pick({ strategy: true, preserve: true })),
    /** Whether the Pod Identity agent is installed first. */
    installsAgent: z.boolean(),
    /** Whether trust policies are changed before the add-on is. */
    repairsTrust: z.boolean(),
    /** Whether standalone associations are created before the add-on is changed. */
    createsStandalone: z.boolean(),
    /** Whether the service account's IRSA annotation is taken off once its pods are verified. */
    removesAnnotation: z.boolean(),
    /** Whether somebody has to approve the plan, and for how long that is waited for. */
    needsApproval: z.boolean(),
    approvalSeconds: z.number().int().positive(),
    /** Whether the change may begin within a window alone. */
    hasWindow: z.boolean(),
    /** Seconds from each call until EKS's work is looked at first. */
    firstPolls,
    /** The plan's own: `begin` carries out no other one. */
    planHash: z.string(),
    /** Ids of the checks that block. */
    blockedBy: z.array(z.string()),
  }),
  calls: PLAN_CALLS,
  patience: 'comes-back',
});
