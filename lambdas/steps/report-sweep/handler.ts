import { MigrationError } from '../../domain/errors.ts';
import { step } from '../../runtime/step.ts';
import { reportSweepSchema } from './schema.ts';

// PLACEHOLDER of the integration branch: replaced before it lands.
export const reportSweepStep = step(reportSweepSchema, () => Promise.reject(new MigrationError('BadInput', 'not built yet')));
