import { z } from 'zod';
import { migrationId } from '../../domain/text/names.ts';
import { defineStep } from '../../runtime/step.ts';

/**
 * Runs after a state has failed with an error that time may cure, and returns how long to wait before that state is
 * entered again. Throws WaitedTooLong when one wait has lasted as long as it may and no other cause is known, or the
 * error that it was given if waiting can't cure it any more.
 */
export const pauseSchema = defineStep('pause', {
  title: 'Wait until a failing service has recovered',
  hasLine: false,
  input: z.object({
    migrationId,
    /** The state that failed. */
    state: z.string().min(1),
    /** Whether the execution rolls back or records an end: neither can be cancelled. */
    back: z.boolean(),
    /** The error of the failed state, in the form of Step Functions' errorOutput. */
    error: z.string(),
    cause: z.string(),
    /** The number of pauses of this execution so far, including this one. */
    pauses: z.number().int().positive(),
    executionStartedAt: z.string(),
  }),
  output: z.object({ seconds: z.number().int().positive() }),
});
