import { z } from 'zod';
import { defineStep, stepInput, settingsEnvironment } from '../../runtime/step.ts';

/** Throws WindowClosed until the window is open, and WindowOutOfReach where it will not be in time. */
export const awaitWindowSchema = defineStep('await-window', {
  environment: settingsEnvironment,
  cancellable: true,
  input: stepInput.required({ startedAt: true }),
  output: z.object({
    /** When the window closes again; absent where there is none. */
    openUntil: z.string().optional(),
  }),
});
