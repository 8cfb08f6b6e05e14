import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

/** Rolling restarts that a migration may ask for before it gives up. */
export const MAX_RESTARTS = 2;

/** Throws PodsNotSettled while pods come and go, PodsOnWrongIdentity when restarts did not help. */
export const verifyPodsSchema = defineStep('verify-pods', {
  input: lockedStepInput.extend({
    /** 1 the first time, then one more after each restart. */
    round: z.number().int().min(1).max(MAX_RESTARTS + 1),
  }),
  output: z.object({ verdict: z.enum(['proven', 'restart']), podsOnPodIdentity: z.number().int(), podsThatCount: z.number().int() }),
});
