import { z } from 'zod';
import { changingStepInput, defineStep, rollbackInput, targetEnvironment } from '../../runtime/step.ts';

/** Rolling restarts that a migration, and a rollback, may ask for before it gives up. */
export const MAX_RESTARTS = 2;

/**
 * Pods that a rollback replaces one by one until a new one shows what it had. The waits between them grow from 15 s by
 * 15 s: 7 minutes in all, where EKS says that a deletion is known everywhere after several seconds. Then the association
 * is created again, and a person decides (WebhookStillInjects).
 */
export const MAX_TRIES = 6;

/**
 * Throws PodsNotSettled while pods come and go, AddonNotActive while EKS does not call an add-on well whose pods have
 * settled, PodsFailing where pods do not work with the identity that they should have, PodsOnWrongIdentity when restarts
 * did not help and no other way is
 * left. `towards`: Pod Identity, or what the pods had before (after a rollback). By EKS alone, where the request is
 * content with that.
 */
export const verifyPodsSchema = defineStep('verify-pods', {
  title: 'Verify the pods: where do their credentials come from?',
  variants: {
    'verify-restored': 'Verify the pods: do they have their old identity again?',
  },
  rollbackVariant: 'verify-restored',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput.extend({
    towards: z.enum(['pod-identity', 'before']),
    /** 1 the first time on each rung, then one more after each restart. */
    round: z
      .number()
      .int()
      .min(1)
      .max(MAX_RESTARTS + 1),
    ...rollbackInput,
  }),
  output: z.object({
    /** `climb`: restarts did not help, and the ladder has another way. */
    verdict: z.enum(['verified', 'restart', 'next-attempt']),
    /** Pods that have the identity they shall have; absent, as their number is, where no pod was looked at. */
    podsAsExpected: z.number().int().optional(),
    podsThatCount: z.number().int().optional(),
  }),
  calls: { eks: 3, kubernetes: 5 },
});
