import { z } from 'zod';
import { waitingEnvironment } from '../../runtime/step-settings.ts';
import { defineStep, operationInput, stepInput, settingsEnvironment } from '../../runtime/step.ts';

/**
 * Throws WindowClosed until the window is open, and WindowOutOfReach if it does not open in time. If the caller knows
 * WindowFarOff, throws that instead of WindowClosed while the window opens in more than an hour.
 */
export const awaitWindowSchema = defineStep('await-window', {
  title: 'Wait for the change window',
  environment: settingsEnvironment.extend(waitingEnvironment.shape),
  variants: { 'await-window-retirement': 'Wait for the change window of the retirement' },
  cancellable: true,
  input: stepInput.required({ startedAt: true }).extend({
    ...operationInput,
    /** Whether the caller knows WindowFarOff; the definition of an earlier release does not. */
    pollsHourly: z.boolean().default(false),
  }),
  output: z.object({
    /** When the window closes again; absent if the migration has no window. */
    openUntil: z.string().optional(),
  }),
});
