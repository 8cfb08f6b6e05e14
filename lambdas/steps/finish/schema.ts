import { z } from 'zod';
import { defineStep, stepInput, targetEnvironment } from '../../runtime/step.ts';

const ends = z.enum(['migrated', 'blocked', 'rolled-back', 'needs-human']);

/** What is said of a failure that came without a cause, as a time-out of Step Functions does. */
export const NO_CAUSE = 'Step Functions gave no cause: the history of the execution shows the state that failed.';

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
