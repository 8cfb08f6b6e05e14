import { z } from 'zod';
import { sweepId } from '../../domain/sweep/model.ts';
import { defineStep, settingsEnvironment } from '../../runtime/step.ts';

/** One look of the dispatcher: notes what has ended, and begins what may be begun. */
export const dispatchSweepSchema = defineStep('dispatch-sweep', {
  title: 'Begin the migrations that may begin',
  environment: settingsEnvironment.extend({ STATE_MACHINE_ARN: z.string().min(1) }),
  /** `tick`: how many looks this execution has had. */
  input: z.object({ sweepId, executionArn: z.string().min(1), tick: z.int().min(0) }),
  output: z.object({
    /** `hand-over`: another execution goes on, since this one's history fills up. */
    next: z.enum(['wait', 'report', 'hand-over']),
    waitSeconds: z.int().min(1),
  }),
});
