import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Throws AddonNotActive until the add-on is ACTIVE and its associations are listed; AddonFailed when it never will be.
 */
export const awaitActiveSchema = defineStep('await-active', {
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ status: z.literal('ACTIVE'), associations: z.array(z.string()) }),
});
