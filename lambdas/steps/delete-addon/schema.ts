import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

export const deleteAddonSchema = defineStep('delete-addon', {
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ deleted: z.boolean() }),
});
