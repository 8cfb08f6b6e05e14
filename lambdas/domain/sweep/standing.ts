/** A sweep as it stands, for whoever looks at it: the API, and the command line's JSON. */
import { z } from 'zod';
import { type Sweep, sweep, sweepTally, type SweepTally } from './model.ts';

export const sweepStanding = sweep.omit({ failed: true, ended: true, executions: true }).extend({
  /** How many failed migrations count for the stop by now. */
  failures: z.int(),
  tally: sweepTally,
  /** As Step Functions says, of a sweep that is not over; not RUNNING: nobody works on it, and it can be resumed. */
  executionStatus: z.string().optional(),
});
export type SweepStanding = z.infer<typeof sweepStanding>;

export function standingOf(
  { failed, ended: _ended, executions: _executions, ...record }: Sweep,
  tally: SweepTally,
  executionStatus?: string,
): SweepStanding {
  return { ...record, failures: failed.length, tally, ...(executionStatus === undefined ? {} : { executionStatus }) };
}
