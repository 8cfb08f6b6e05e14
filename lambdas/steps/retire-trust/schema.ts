import { z } from 'zod';
import { check, migrationId, reason, requestedBy } from '../../domain/model.ts';
import { defineStep, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/** What became, or would become, of one role's trust policy. */
const retiredRole = z.object({
  roleArn: z.string(),
  result: z.enum(['removed', 'would-remove', 'put-back', 'would-put-back', 'nothing', 'refused']),
  /** There for `nothing` and `refused`. */
  why: z.string().optional(),
  /** The trust policy before and after, JSON text; there where it changes, or would. */
  before: z.string().optional(),
  after: z.string().optional(),
});
export type RetiredRole = z.infer<typeof retiredRole>;

/**
 * The only step of the state machine `Retire`: takes the statement out of the trust policy of a migrated add-on's IRSA
 * role that lets the add-on's service accounts in by this cluster's OIDC provider, or puts it back. Throws
 * RetireRefused where it may not be done, LockHeld while the migration's add-on is being worked on, RoleLockHeld while
 * the role is.
 */
export const retireTrustSchema = defineStep('retire-trust', {
  environment: targetEnvironment,
  input: z.object({
    migrationId,
    /** The execution that holds the locks meanwhile: of Retire. */
    executionArn: z.string(),
    action: z.enum(['retire', 'reinstate']),
    dryRun: z.boolean(),
    /** Days that have to pass after the end of the migration before its way back may be taken away. */
    soakDays: z.number().int().min(0).max(365),
    requestedBy: requestedBy.optional(),
    reason: reason.optional(),
    unknownFields,
  }),
  output: z.object({
    action: z.enum(['retire', 'reinstate']),
    dryRun: z.boolean(),
    /** Whether the trust policy is another because of this execution. */
    done: z.boolean(),
    checks: z.array(check),
    roles: z.array(retiredRole),
  }),
});
