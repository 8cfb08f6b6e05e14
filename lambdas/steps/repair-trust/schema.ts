import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Writes the trust policies that the plan contains, or removes the added statements again. Throws TrustChanged if a policy
 * is no longer as the plan found it, and Busy while IAM does not show what was written.
 */
export const repairTrustSchema = defineStep('repair-trust', {
  title: "Allow EKS Pod Identity in the roles' trust policies",
  variants: {
    'await-trust': 'Wait until the new trust policies have propagated in IAM',
    'restore-trust': "Restore the roles' trust policies",
  },
  rollbackVariant: 'restore-trust',
  environment: targetEnvironment,
  cancellable: true,
  input: lockedStepInput.extend({
    /** The direction: towards Pod Identity, or back to the trust policies before the migration (in a rollback). */
    towards: z.enum(['pod-identity', 'before']),
  }),
  output: z.object({
    /**
     * Whether this invocation or an earlier one of this migration has written a policy in that direction: EKS may not see
     * it yet.
     */
    changed: z.boolean(),
  }),
  changes: ['roles'],
  calls: { iam: 3 },
});
