import { z } from 'zod';
import { defineStep, recoveringEnvironment, retiringEnvironment } from '../../runtime/step.ts';

/**
 * By schedule: looks for held locks whose execution is no longer RUNNING, and starts Recover for each of their
 * migrations; and for rollbacks and retirements that were accepted and never started. Its input, EventBridge's event, is not looked at.
 */
export const findStrandedSchema = defineStep('find-stranded', {
  title: 'Find stranded migrations',
  environment: recoveringEnvironment.extend(retiringEnvironment.shape),
  input: z.unknown(),
  output: z.object({
    /** Locks that were looked at. */
    held: z.number().int(),
    /** Ids of the migrations for which Recover was started. */
    started: z.array(z.string()),
  }),
});
