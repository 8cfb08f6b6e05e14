import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

/** Throws AddonNotActive until the add-on is ACTIVE; AddonFailed when it never will be. */
export const awaitActiveSchema = defineStep('await-active', {
  input: lockedStepInput,
  output: z.object({ status: z.literal('ACTIVE'), associations: z.array(z.string()) }),
});
