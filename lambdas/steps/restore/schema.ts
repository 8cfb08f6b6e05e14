import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

/** Puts back what was, one action an invocation. Throws RestoreInProgress until it is all there, RestoreRefused where a person must decide. */
export const restoreSchema = defineStep('restore', {
  input: lockedStepInput,
  output: z.object({ restored: z.literal(true) }),
});
