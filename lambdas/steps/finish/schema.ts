import { z } from 'zod';
import { defineStep, stepInput, targetEnvironment } from '../../runtime/step.ts';

const ends = z.enum(['migrated', 'blocked', 'rolled-back', 'needs-human']);

export const finishSchema = defineStep('finish', {
  environment: targetEnvironment,
  input: stepInput.extend({
    /** Whose locks are let go. */
    executionArn: z.string(),
    outcome: ends,
    /** What led here, as Step Functions' errorOutput has it: Cause is Lambda's JSON, or plain text. */
    failure: z.object({ Error: z.string(), Cause: z.string() }).optional(),
  }),
  output: z.object({ outcome: ends }),
});
