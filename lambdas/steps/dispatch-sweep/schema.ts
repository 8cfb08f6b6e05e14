import { z } from 'zod';
import { sweepId } from '../../domain/sweep/request.ts';
import { defineStep, settingsEnvironment } from '../../runtime/step.ts';

/** Runs one poll of the dispatcher: notes which migrations have ended, and begins those that may begin. */
export const dispatchSweepSchema = defineStep('dispatch-sweep', {
  title: 'Begin the migrations that may begin',
  environment: settingsEnvironment.extend({ STATE_MACHINE_ARN: z.string().min(1) }),
  /** `tick` is the number of polls that this execution has had. */
  input: z.object({ sweepId, executionArn: z.string().min(1), tick: z.int().min(0) }),
  output: z.object({
    /** `hand-over`: another execution continues, since this execution's history fills up. */
    next: z.enum(['wait', 'report', 'hand-over']),
    waitSeconds: z.int().min(1),
  }),
});
