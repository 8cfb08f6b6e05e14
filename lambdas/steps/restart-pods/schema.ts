import { z } from 'zod';
import { defineStep, lockedStepInput } from '../../runtime/step.ts';

export const restartPodsSchema = defineStep('restart-pods', {
  input: lockedStepInput.extend({ round: z.number().int().min(1) }),
  output: z.object({ restarted: z.array(z.string()) }),
});
