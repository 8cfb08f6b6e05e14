import { z } from 'zod';
import { defineStep, stepInput } from '../../runtime/step.ts';

export const beginSchema = defineStep('begin', {
  input: stepInput.extend({ executionArn: z.string() }),
  output: z.object({ fence: z.number().int().positive() }),
});
