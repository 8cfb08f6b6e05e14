/**
 * Decides how long an execution waits before it enters a failed state again, if the failed step has not done that
 * itself (`lambdas/runtime/pausing.ts`): its function failed or was throttled, the wait is over, or the definition is of
 * a release before ADR 120. Notes in the record what it waits for, and adds the outbox events: one when the wait begins
 * and one when it ends (`handler.ts` adds that one when a step has succeeded). Changes nothing at the target.
 * Idempotency: can be repeated; a wait keeps the time at which it began.
 * Failure: when the wait is over, throws WaitedTooLong or the error that it was given. An outage of the ledger itself is
 * waited out by the state machine alone.
 */
import { caughtFailure } from '../../runtime/caught.ts';
import { pauseFor } from '../../runtime/pausing.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { pauseSchema } from './schema.ts';

const run: StepRun<typeof pauseSchema> = async ({ error, cause, ...asked }, dependencies) => {
  const pause = await pauseFor({ ...asked, failure: caughtFailure({ Error: error, Cause: cause }) }, dependencies);
  if ('over' in pause) throw pause.over;
  return pause;
};

export const pauseStep = step(pauseSchema, run);
