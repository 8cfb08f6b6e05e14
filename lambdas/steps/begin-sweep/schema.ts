import { z } from 'zod';
import { sweepId, sweepMode, sweepRequest } from '../../domain/sweep/request.ts';
import { defineStep, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * First step of the state machine Sweep: notes the sweep, or the execution that continues it, and stores the locations to
 * inspect.
 */
export const beginSweepSchema = defineStep('begin-sweep', {
  title: 'Begin the sweep',
  environment: targetEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `request` is given for a sweep that has no record yet. */
  input: z.object({ sweepId, executionArn: z.string().min(1), request: sweepRequest.optional(), unknownFields }),
  output: z.object({
    sweepId,
    mode: sweepMode,
    /** The phase in which this execution continues. */
    phase: z.enum(['inventory', 'migrations', 'report', 'ended']),
    /** The bucket of the JSON array of locations, and of the Distributed Map's results. */
    bucket: z.string(),
    locationsKey: z.string(),
    mapPrefix: z.string(),
    /** The number of locations; 0 if this execution inspects none. */
    locations: z.int(),
  }),
});
