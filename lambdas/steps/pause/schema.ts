import { z } from 'zod';
import { migrationId } from '../../domain/migration/model.ts';
import { defineStep } from '../../runtime/step.ts';

/**
 * Called after a state has failed by what time may cure: says for how long to wait before that state is entered again.
 * Throws WaitedTooLong when nothing is known to be wrong and it has waited for one thing as long as may be, or the error
 * that it was given where that is no matter of time any more.
 */
export const pauseSchema = defineStep('pause', {
  title: 'Wait until a failing service has recovered',
  hasLine: false,
  input: z.object({
    migrationId,
    /** The state that failed. */
    state: z.string().min(1),
    /** Whether the execution is on its way back, or records an end: nobody can cancel that. */
    back: z.boolean(),
    /** What failed, as Step Functions' errorOutput has it. */
    error: z.string(),
    cause: z.string(),
    /** Pauses of this execution so far, this one included. */
    pauses: z.number().int().positive(),
    executionStartedAt: z.string(),
  }),
  output: z.object({ seconds: z.number().int().positive() }),
});
