import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

export const deleteAddonSchema = defineStep('delete-addon', {
  title: 'Delete the add-on',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ deleted: z.boolean() }),
  changes: ['eks'],
  calls: { eks: 2 },
});
