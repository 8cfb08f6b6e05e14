import { z } from 'zod';
import { sweepId, sweepRequest } from '../../domain/sweep/request.ts';
import { plainText } from '../../domain/text/names.ts';
import { defineStep, stepEnvironment } from '../../runtime/step.ts';

/** Starts the sweep of a schedule and due time, once. EventBridge Scheduler invokes it. */
export const startSweepSchema = defineStep('start-sweep', {
  title: 'Start a scheduled sweep',
  environment: stepEnvironment.extend({ SWEEP_STATE_MACHINE_ARN: z.string().min(1) }),
  input: z.object({
    schedule: plainText(64),
    /** The scheduled time, in ISO 8601. */
    at: z.iso.datetime({ offset: true }),
    request: sweepRequest,
  }),
  output: z.object({ sweepId }),
});
