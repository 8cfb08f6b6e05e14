import { z } from 'zod';
import { defineStep, stepInput, targetEnvironment } from '../../runtime/step.ts';

const ends = z.enum(['migrated', 'blocked', 'rolled-back', 'needs-human']);

export const finishSchema = defineStep('finish', {
  title: 'Record the outcome and release the locks',
  variants: {
    'finish-rolled-back': 'Record the end of the rollback and release the locks',
    'finish-needs-human': 'Record what is left to do and keep the locks',
  },
  environment: targetEnvironment,
  input: stepInput.extend({
    /** The execution whose locks are released. */
    executionArn: z.string(),
    outcome: ends,
    /** What led here, in the form of Step Functions' errorOutput: Cause is Lambda's JSON, or plain text. */
    failure: z.object({ Error: z.string(), Cause: z.string() }).optional(),
  }),
  output: z.object({ outcome: ends }),
  calls: {},
  patience: 'goes-on',
});
