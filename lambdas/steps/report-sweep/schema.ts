import { z } from 'zod';
import { failure } from '../../domain/migration/model.ts';
import { sweepId, sweepOutcome } from '../../domain/sweep/model.ts';
import { defineStep, stepEnvironment } from '../../runtime/step.ts';

/** Last of the state machine Sweep: writes the report and ends the record. */
export const reportSweepSchema = defineStep('report-sweep', {
  title: 'Write the report of the sweep',
  environment: stepEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `failure`: what the sweep failed by. */
  input: z.object({ sweepId, executionArn: z.string().min(1), failure: failure.optional() }),
  output: z.object({ outcome: sweepOutcome, text: z.string() }),
  timeoutSeconds: 600,
  // It has the whole report in memory, and that of the sweep before: docs/scale.md says how many add-ons that is enough
  // for.
  memoryMb: 2048,
});
