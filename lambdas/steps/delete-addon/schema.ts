import { z } from 'zod';
import { changingStepInput, defineStep } from '../../runtime/step.ts';

export const deleteAddonSchema = defineStep('delete-addon', {
  cancellable: true,
  input: changingStepInput,
  output: z.object({ deleted: z.boolean() }),
});
