import { z } from 'zod';
import { MAX_SETTLINGS, MOST_SETTLE_SECONDS } from '../../domain/rollout/settling.ts';
import { MAX_RESTARTS } from '../../domain/verification/injection-seen.ts';
import { shownText } from '../../domain/text/text.ts';
import { changingStepInput, defineStep, rollbackInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Throws PodsNotSettled while pods come and go; AddonNotActive while EKS reports a problem of an add-on whose pods have
 * settled; PodsFailing if pods do not work with the identity that they should have; AgentMissing if no Pod Identity agent
 * serves them; and PodsOnWrongIdentity if restarts did not help and no other attempt is left. `towards`: Pod Identity, or
 * what the pods had before (in a rollback), or `ready`, which compares pods on Pod Identity with their observation before
 * the settling time. Relies on EKS alone if the request asks for that.
 */
export const verifyPodsSchema = defineStep('verify-pods', {
  title: "Verify the pods' source of credentials",
  variants: {
    'verify-restored': "Verify the pods' former identity",
    'confirm-ready': 'Confirm that the pods stay ready',
  },
  rollbackVariant: 'verify-restored',
  readyVariant: 'confirm-ready',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput.extend({
    towards: z.enum(['pod-identity', 'ready', 'before']),
    /** 1 at the beginning of each attempt, and one more after each restart. */
    round: z
      .number()
      .int()
      .min(1)
      .max(MAX_RESTARTS + 1),
    /**
     * The number of the observation that follows, or that this is; one more than the maximum if none follows. Absent in
     * rollbacks, and in definitions of releases that did not observe the pods.
     */
    settling: z
      .number()
      .int()
      .min(1)
      .max(MAX_SETTLINGS + 1)
      .optional(),
    ...rollbackInput,
  }),
  output: z.object({
    /**
     * `settle`: the pods are verified, and are observed for the settling time. `unstable`: they did not stay ready, and are
     * verified again. `next-attempt`: restarts did not help, and the plan has another attempt.
     */
    verdict: z.enum(['verified', 'settle', 'unstable', 'restart', 'next-attempt']),
    /** The settling time in seconds. */
    settleSeconds: z.number().int().positive().max(MOST_SETTLE_SECONDS).optional(),
    /** The number of pods that stayed ready. */
    podsReady: z.number().int().optional(),
    /** Why the pods are `unstable`. */
    why: shownText.optional(),
    /** The number of pods that have the expected identity; both numbers are absent if no pod was read. */
    podsAsExpected: z.number().int().optional(),
    podsThatCount: z.number().int().optional(),
  }),
  calls: { eks: 5, kubernetes: 8 },
});
