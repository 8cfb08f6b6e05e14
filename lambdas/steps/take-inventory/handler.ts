/**
 * Looks at the clusters of one region of one account, and keeps what it finds of each in the bucket. Changes nothing
 * else but the queue of its sweep. Idempotency: repeatable at will; a cluster's result replaces the one before, and
 * what is queued stays as it is. Failure: what can't be looked at is part of the answer, with its reason. What is
 * thrown is a defect, or the ledger's and the bucket's own: those are tried again.
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
      `There is no sweep ${sweepId} in the ledger. Start it by its state machine, which notes it first.`,
    );
  return inspectLocation(sweep, { account, region }, { after, tooShortFor }, dependencies);
};

export const takeInventoryStep = step(takeInventorySchema, run);
