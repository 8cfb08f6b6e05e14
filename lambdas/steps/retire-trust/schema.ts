import { z } from 'zod';
import {
  check,
  migrationId,
  reason,
  requestedBy,
  retiredRole,
  retirementAction,
  soakDays,
} from '../../domain/migration/model.ts';
import { defineStep, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * The only step of the state machine `Retire`: takes the statement out of the trust policy of a migrated add-on's IRSA
 * role that lets the add-on's service accounts in by this cluster's OIDC provider, or puts it back. Throws
 * RetireRefused where it may not be done, LockHeld while the migration's add-on is being worked on, RoleLockHeld while
 * the role is.
 */
export const retireTrustSchema = defineStep('retire-trust', {
  title: "Change this cluster's OIDC statement in the roles' trust policies",
  variants: {
    'retire-trust-retire': "Remove this cluster's OIDC statement from the roles' trust policies",
    'retire-trust-reinstate': "Restore this cluster's OIDC statement in the roles' trust policies",
  },
  environment: targetEnvironment,
  input: z.object({
    migrationId,
    /** The execution that holds the locks meanwhile: of Retire. */
    executionArn: z.string(),
    /** When Step Functions started that one; left out by executions that an earlier version began. */
    executionStartedAt: z.iso.datetime({ offset: true }).optional(),
    action: retirementAction,
    dryRun: z.boolean(),
    soakDays,
    requestedBy: requestedBy.optional(),
    reason: reason.optional(),
    unknownFields,
  }),
  output: z.object({
    action: retirementAction,
    dryRun: z.boolean(),
    /** Whether the trust policy is another because of this execution. */
    done: z.boolean(),
    checks: z.array(check),
    roles: z.array(retiredRole),
  }),
  changes: ['roles'],
  calls: { eks: 12, iam: 4, kubernetes: 4 },
});
