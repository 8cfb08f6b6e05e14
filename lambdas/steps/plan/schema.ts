import { z } from 'zod';
import { firstPolls } from '../../domain/waiting/first-polls.ts';
import { migrationId } from '../../domain/text/names.ts';
import { attempt } from '../../domain/record/plan.ts';
import { strictMigrationRequest } from '../../domain/request/request.ts';
import { target, subjectName } from '../../domain/terms/subject.ts';
import { PLAN_CALLS } from '../../domain/aws/pace.ts';
import { defineStep, planningEnvironment, unknownFields } from '../../runtime/step.ts';

/** Throws RecoveryPending while the change of a stopped execution is being rolled back. */
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
    /** `planned`: the migration could begin, but the request asks for a dry run. */
    verdict: z.enum(['migrate', 'already-migrated', 'planned', 'blocked']),
    target,
    /** The subject of the migration, as one text. */
    subject: subjectName,
    /** The plan's attempts, for the state machine's choices; the steps read theirs from the ledger. */
    attempts: z.array(attempt.pick({ strategy: true, preserve: true })),
    /** Whether the Pod Identity agent is installed first. */
    installsAgent: z.boolean(),
    /** Whether trust policies are changed before the add-on is. */
    repairsTrust: z.boolean(),
    /** Whether standalone associations are created before the add-on is changed. */
    createsStandalone: z.boolean(),
    /** Whether the service account's IRSA annotation is removed once its pods are verified. */
    removesAnnotation: z.boolean(),
    /** Whether the plan needs an approval, and for how long the execution waits for it. */
    needsApproval: z.boolean(),
    approvalSeconds: z.number().int().positive(),
    /** Whether the change may begin only within a change window. */
    hasWindow: z.boolean(),
    /** For each call, the seconds until EKS's work is polled for the first time. */
    firstPolls,
    /** The hash of this plan: `begin` carries out no other plan. */
    planHash: z.string(),
    /** The ids of the checks that block. */
    blockedBy: z.array(z.string()),
  }),
  calls: PLAN_CALLS,
  patience: 'comes-back',
});
