/**
 * Starts the sweep of a schedule. Idempotency: the sweep's id is derived from the schedule and the time at which it was
 * due, so that a delivery that comes again finds what the first one did, and does what is missing. Failure: EventBridge
 * Scheduler delivers it again; nothing but the sweep's record is left of the first try.
 */
import { ulidFrom } from '../../domain/ulid.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { startSweep } from '../../runtime/sweep/commanding.ts';
import { utcOf } from '../../runtime/utc.ts';
import { startSweepSchema } from './schema.ts';

const run: StepRun<typeof startSweepSchema> = async ({ schedule, at, request }, dependencies) => {
  const due = Date.parse(at);
  const { sweepId } = await startSweep(request, `schedule ${schedule}`, dependencies, {
    sweepId: ulidFrom(due, schedule),
    schedule: { name: schedule, at: utcOf(due) },
  });
  return { sweepId };
};

export const startSweepStep = step(startSweepSchema, run);
