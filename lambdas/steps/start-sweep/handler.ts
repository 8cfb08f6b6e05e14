/**
 * Starts a scheduled sweep. Idempotency: the sweep's id is derived from the schedule and its due time, so that a repeated
 * delivery finds what the first one did, and completes it. Failure: EventBridge Scheduler delivers the event again; the
 * first try has left nothing but the sweep's record.
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
  // The id can be computed: a principal that may start executions of Sweep may have started another sweep under it.
  const there = await sweeps.get(wish.sweepId);
  if (there && (there.schedule?.name !== schedule || there.schedule.at !== wish.schedule.at))
    throw new MigrationError(
      'BadInput',
      `Schedule ${schedule} could not start its sweep of ${at}: sweep ${wish.sweepId} already uses its id and was started by ${there.request.requestedBy ?? 'a caller without a name'} in another way. Inspect that sweep with pod-identity sweep show ${wish.sweepId} , then start the scheduled one by hand.`,
    );
  const { sweepId } = await startSweep(request, `schedule ${schedule}`, dependencies, wish);
  return { sweepId };
};

export const startSweepStep = step(startSweepSchema, run);
