import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

/** Throws AddonStillThere until the add-on is gone for good. */
export const awaitDeletedSchema = defineStep('await-deleted', {
  input: lockedStepInput,
  output: z.object({ gone: z.literal(true) }),
});
