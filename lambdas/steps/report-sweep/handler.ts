/**
 * Writes the report of a sweep into the bucket and ends the sweep's record.
 * Idempotency: the objects are replaced, and a recorded end is kept.
 * Failure: if the report can't be created, the sweep ends as failed; its migrations are not affected.
 */
import { step } from '../../runtime/step.ts';
import { reportSweep } from '../../use-cases/sweep/reporting.ts';
import { reportSweepSchema } from './schema.ts';

export const reportSweepStep = step(reportSweepSchema, reportSweep);
