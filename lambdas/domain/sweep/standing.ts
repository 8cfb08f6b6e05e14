/** The current state of a sweep, for the API and the command line's JSON. */
import { z } from 'zod';
import { type Sweep, sweep, sweepTally, type SweepTally } from './model.ts';

export const sweepStanding = sweep.omit({ failed: true, ended: true, executions: true }).extend({
  failures: z.int().describe('Number of failed migrations that count for `limits.stopAfterFailures`.'),
  tally: sweepTally.describe('Number of migrations that are queued, are in progress, and have ended.'),
  executionStatus: z
    .string()
    .optional()
    .describe(
      'Status of the execution in Step Functions until the sweep has ended. If it is not `RUNNING`, the sweep can be resumed.',
    ),
});
export type SweepStanding = z.infer<typeof sweepStanding>;

export function standingOf(
  { failed, ended: _ended, executions: _executions, ...record }: Sweep,
  tally: SweepTally,
  executionStatus?: string,
): SweepStanding {
  return { ...record, failures: failed.length, tally, ...(executionStatus === undefined ? {} : { executionStatus }) };
}
