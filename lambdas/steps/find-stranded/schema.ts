import { z } from 'zod';
import { defineStep, recoveringEnvironment, retiringEnvironment } from '../../runtime/step.ts';

/**
 * Runs on a schedule. Starts Recover for each migration with a held lock whose execution is no longer RUNNING, and for
 * rollbacks that were accepted and never started; starts retirements that were accepted and never started. Ignores its
 * input, EventBridge's event.
 */
export const findStrandedSchema = defineStep('find-stranded', {
  title: 'Find stranded migrations',
  environment: recoveringEnvironment.extend(retiringEnvironment.shape),
  input: z.unknown(),
  output: z.object({
    /** The number of locks that were checked. */
    held: z.number().int(),
    /** The ids of the migrations for which Recover was started. */
    started: z.array(z.string()),
  }),
});
