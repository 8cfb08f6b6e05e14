import { z } from 'zod';
import { check } from '../../domain/terms/check.ts';
import { migrationId, reason, requestedBy } from '../../domain/text/names.ts';
import { retiredRole, retirementAction, soakDays } from '../../domain/record/retirement.ts';
import { target, subjectName } from '../../domain/terms/subject.ts';
import { acceptOf } from '../../domain/acceptance/accept.ts';
import {
  approvalEnvironment,
  approverEnvironment,
  soakEnvironment,
  waitingEnvironment,
} from '../../runtime/step-settings.ts';
import { defineStep, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * The only step of the state machine `Retire`: removes from the trust policy of a migrated add-on's IRSA role the statement
 * that trusts the add-on's service accounts through this cluster's OIDC provider, or restores it. Throws RetireRefused if
 * that is not allowed, LockHeld while another execution works on the migration's add-on, and RoleLockHeld while another
 * migration uses the role.
 */
export const retireTrustSchema = defineStep('retire-trust', {
  title: "Change this cluster's OIDC statement in the roles' trust policies",
  variants: {
    'retire-trust-retire': "Remove this cluster's OIDC statement from the roles' trust policies",
    'retire-trust-reinstate': "Restore this cluster's OIDC statement in the roles' trust policies",
  },
  environment: targetEnvironment
    .extend(approvalEnvironment.shape)
    .extend(approverEnvironment.shape)
    .extend(waitingEnvironment.shape)
    .extend(soakEnvironment.shape),
  input: z.object({
    migrationId,
    /** The execution of Retire that holds the locks. */
    executionArn: z.string(),
    /** When Step Functions started that execution; absent in executions that an earlier version began. */
    executionStartedAt: z.iso.datetime({ offset: true }).optional(),
    /**
     * `plan`: decides, and returns what to wait for. `write`: writes what was decided. `refuse`: notes that the wait has
     * ended with `failure`. Absent in executions that an earlier version began, which cannot wait (ADR 108).
     */
    stage: z.enum(['plan', 'write', 'refuse']).optional(),
    /** The hash that the approval reported to the execution. */
    approvedHash: z.string().optional(),
    failure: z.object({ Error: z.string(), Cause: z.string() }).optional(),
    action: retirementAction,
    dryRun: z.boolean(),
    soakDays,
    accept: acceptOf('retirement').optional(),
    requestedBy: requestedBy.optional(),
    reason: reason.optional(),
    unknownFields,
  }),
  output: z.object({
    action: retirementAction,
    dryRun: z.boolean(),
    /** Whether this execution has changed the trust policy. */
    done: z.boolean(),
    checks: z.array(check),
    roles: z.array(retiredRole),
    /** What follows in the stage `plan`; absent if nothing is left to do. */
    next: z
      .object({
        approval: z.boolean(),
        window: z.boolean(),
        planHash: z.string(),
        approvalSeconds: z.number().int().positive(),
        target,
        subject: subjectName,
      })
      .optional(),
  }),
  changes: ['roles'],
  calls: { eks: 13, iam: 4, kubernetes: 13 },
});
