import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

export const createAddonSchema = defineStep('create-addon', {
  input: lockedStepInput,
  output: z.object({ created: z.boolean() }),
});
