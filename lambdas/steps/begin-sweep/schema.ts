import { z } from 'zod';
import { sweepId, sweepMode, sweepRequest } from '../../domain/sweep/model.ts';
import { defineStep, targetEnvironment, unknownFields } from '../../runtime/step.ts';

/**
 * First of the state machine Sweep: notes the sweep, or the execution that goes on with it, and lays out the places
 * that are looked at.
 */
export const beginSweepSchema = defineStep('begin-sweep', {
  title: 'Begin the sweep',
  environment: targetEnvironment.extend({ BUCKET_NAME: z.string().min(1) }),
  /** `request`: of a sweep that has no record yet. */
  input: z.object({ sweepId, executionArn: z.string().min(1), request: sweepRequest.optional(), unknownFields }),
  output: z.object({
    sweepId,
    mode: sweepMode,
    /** Where this execution goes on. */
    phase: z.enum(['inventory', 'migrations', 'report', 'ended']),
    /** Of the JSON array of places, and of what the Distributed Map writes. */
    bucket: z.string(),
    locationsKey: z.string(),
    mapPrefix: z.string(),
    /** How many; none where this execution does not look any more. */
    locations: z.int(),
  }),
});
