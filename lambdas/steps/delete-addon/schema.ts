import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

export const deleteAddonSchema = defineStep('delete-addon', {
  input: lockedStepInput,
  output: z.object({ deleted: z.boolean() }),
});
