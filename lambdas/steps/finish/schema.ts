import { z } from 'zod';
import { defineStep, stepInput } from '../../runtime/step.ts';

export const finishSchema = defineStep('finish', {
  input: stepInput.extend({
    outcome: z.enum(['migrated', 'blocked', 'rolled-back', 'needs-human']),
    /** What led here, as Step Functions' errorOutput has it: Cause is Lambda's JSON, or plain text. */
    failure: z.object({ Error: z.string(), Cause: z.string() }).optional(),
  }),
  output: z.object({ outcome: z.enum(['migrated', 'blocked', 'rolled-back', 'needs-human']) }),
});
