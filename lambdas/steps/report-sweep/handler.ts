/**
 * Writes the report of a sweep into the bucket and ends its record.
 * Idempotency: the objects are replaced, and an end that is recorded stands.
 * Failure: a report that can't be made ends the sweep as failed; nothing of what it has migrated is lost by that.
 */
import { step } from '../../runtime/step.ts';
import { reportSweep } from '../../use-cases/sweep/reporting.ts';
import { reportSweepSchema } from './schema.ts';

export const reportSweepStep = step(reportSweepSchema, reportSweep);
