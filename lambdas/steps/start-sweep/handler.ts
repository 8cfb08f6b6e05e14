/**
 * Starts the sweep of a schedule. Idempotency: the sweep's id is derived from the schedule and the time at which it was
 * due, so that a delivery that comes again finds what the first one did, and does what is missing. Failure: EventBridge
 * Scheduler delivers it again; nothing but the sweep's record is left of the first try.
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import { ulidFrom } from '../../domain/text/ulid.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { startSweep } from '../../use-cases/sweep/commanding.ts';
import { utcOf } from '../../runtime/utc.ts';
import { startSweepSchema } from './schema.ts';

const run: StepRun<typeof startSweepSchema> = async ({ schedule, at, request }, dependencies) => {
  const due = Date.parse(at);
  const wish = { sweepId: ulidFrom(due, schedule), schedule: { name: schedule, at: utcOf(due) } };
  const { sweeps } = dependencies;
  // Its id can be computed: whoever may start executions of Sweep may have put another sweep in its place.
  const there = await sweeps.get(wish.sweepId);
  if (there && (there.schedule?.name !== schedule || there.schedule.at !== wish.schedule.at))
    throw new MigrationError(
      'BadInput',
      `Schedule ${schedule} of ${at} starts nothing: sweep ${wish.sweepId}, which its id stands for, was started by ${there.request.requestedBy ?? 'somebody who is not named'} otherwise. Look at that sweep, then start the scheduled one by hand.`,
    );
  const { sweepId } = await startSweep(request, `schedule ${schedule}`, dependencies, wish);
  return { sweepId };
};

export const startSweepStep = step(startSweepSchema, run);
