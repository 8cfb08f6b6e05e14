import { MigrationError } from '../../domain/errors.ts';
import { step } from '../../runtime/step.ts';
import { startSweepSchema } from './schema.ts';

// PLACEHOLDER of the integration branch: replaced before it lands.
export const startSweepStep = step(startSweepSchema, () => Promise.reject(new MigrationError('BadInput', 'not built yet')));
