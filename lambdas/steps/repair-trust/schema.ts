import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Writes the trust policies that the plan holds ready, or takes what was added out of them again. Throws TrustChanged
 * where a policy is no longer as the plan found it, Busy while IAM does not show what was written.
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
    /** Pod Identity, or the trust policies as they were before (after a rollback). */
    towards: z.enum(['pod-identity', 'before']),
  }),
  output: z.object({
    /**
     * Whether this migration has written a policy in that direction, by this invocation or an earlier one: EKS may not
     * see it yet.
     */
    changed: z.boolean(),
  }),
  changes: ['roles'],
  calls: { iam: 3 },
});
