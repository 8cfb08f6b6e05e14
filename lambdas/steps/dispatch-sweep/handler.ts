/**
 * Runs one poll of a sweep's dispatcher: notes which migrations have ended, and begins those that the waves, the caps and
 * the window allow. Idempotency: a repeated call continues from the ledger; a migration is noted as in flight before it
 * is started, and started under its own id, so only once. Failure: a migration that can't be started does not keep the
 * others waiting; the next poll makes up for a poll that fails.
 */
import { step } from '../../runtime/step.ts';
import { dispatchSweep } from '../../use-cases/sweep/dispatching.ts';
import { dispatchSweepSchema } from './schema.ts';

export const dispatchSweepStep = step(dispatchSweepSchema, (input, dependencies) => dispatchSweep(input, dependencies));
