import { z } from 'zod';
import { failure } from '../../domain/terms/outcome.ts';
import { sweepId } from '../../domain/sweep/request.ts';
import { sweepOutcome } from '../../domain/sweep/model.ts';
import { defineStep, stepEnvironment } from '../../runtime/step.ts';

/** Last step of the state machine Sweep: writes the report and ends the record. */
export const reportSweepSchema = defineStep('report-sweep', {
  title: 'Write the report of the sweep',
  environment: stepEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `failure` is the error with which the sweep failed. */
  input: z.object({ sweepId, executionArn: z.string().min(1), failure: failure.optional() }),
  output: z.object({ outcome: sweepOutcome, text: z.string() }),
  timeoutSeconds: 600,
  // The whole report and that of the previous sweep are in memory: docs/scale.md states for how many add-ons this is
  // enough.
  memoryMb: 2048,
});
