import { MigrationError } from '../../domain/errors.ts';
import { step } from '../../runtime/step.ts';
import { dispatchSweepSchema } from './schema.ts';

// PLACEHOLDER of the integration branch: replaced before it lands.
export const dispatchSweepStep = step(dispatchSweepSchema, () => Promise.reject(new MigrationError('BadInput', 'not built yet')));
