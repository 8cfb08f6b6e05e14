/**
 * Inspects the clusters of one region of one account, and stores the result of each in the bucket. Changes nothing else but
 * the sweep's queue. Idempotency: can be repeated at any time; a cluster's result replaces the earlier one, and queued
 * items stay as they are. Failure: what can't be inspected is part of the result, with the reason. An error that is thrown
 * is a defect, or comes from the ledger or the bucket; the latter are retried.
 */
import { MigrationError } from '../../domain/failures/errors.ts';
import { inspectLocation } from '../../use-cases/sweep/location.ts';
import { step, type StepRun } from '../../runtime/step.ts';
import { takeInventorySchema } from './schema.ts';

const run: StepRun<typeof takeInventorySchema> = async (
  { sweepId, account, region, after, tooShortFor },
  dependencies,
) => {
  const sweep = await dependencies.sweeps.get(sweepId);
  if (!sweep)
    throw new MigrationError(
      'BadInput',
      `The ledger has no sweep ${sweepId}. Start the sweep through its state machine, whose first step stores the record.`,
    );
  return inspectLocation(sweep, { account, region }, { after, tooShortFor }, dependencies);
};

export const takeInventoryStep = step(takeInventorySchema, run);
