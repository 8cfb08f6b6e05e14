/**
 * One look of a sweep's dispatcher: notes what has ended, and begins what the waves, the caps and the window allow.
 * Idempotency: said again it goes on from the ledger; a migration is moved into flight before it is started, and
 * started under its own id, so once. Failure: one that can't be started does not keep the others waiting; a look that
 * fails is made up for by the next one.
 */
import { step } from '../../runtime/step.ts';
import { dispatchSweep } from '../../use-cases/sweep/dispatching.ts';
import { dispatchSweepSchema } from './schema.ts';

export const dispatchSweepStep = step(dispatchSweepSchema, (input, dependencies) => dispatchSweep(input, dependencies));
