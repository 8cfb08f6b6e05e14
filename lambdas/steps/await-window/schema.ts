import { z } from 'zod';
import { defineStep, stepInput, settingsEnvironment, waitingEnvironment } from '../../runtime/step.ts';

/**
 * Throws WindowClosed until the window is open, and WindowOutOfReach where it will not be in time; WindowFarOff, where
 * the caller knows that, as long as it does not open within the hour.
 */
export const awaitWindowSchema = defineStep('await-window', {
  title: 'Wait for the change window',
  environment: settingsEnvironment.extend(waitingEnvironment.shape),
  cancellable: true,
  input: stepInput.required({ startedAt: true }).extend({
    /** Whether the caller knows WindowFarOff; a definition of an earlier release does not. */
    pollsHourly: z.boolean().default(false),
  }),
  output: z.object({
    /** When the window closes again; absent where there is none. */
    openUntil: z.string().optional(),
  }),
});
