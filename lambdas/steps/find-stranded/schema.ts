import { z } from 'zod';
import { defineStep, recoveringEnvironment } from '../../runtime/step.ts';

/**
 * By schedule: looks for held locks whose execution is no longer RUNNING, and starts Recover for each of their
 * migrations. Its input, EventBridge's event, is not looked at.
 */
export const findStrandedSchema = defineStep('find-stranded', {
  environment: recoveringEnvironment,
  input: z.unknown(),
  output: z.object({
    /** Locks that were looked at. */
    held: z.number().int(),
    /** Ids of the migrations for which Recover was started. */
    started: z.array(z.string()),
  }),
});
