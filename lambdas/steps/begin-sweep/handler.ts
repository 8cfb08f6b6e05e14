import { MigrationError } from '../../domain/errors.ts';
import { step } from '../../runtime/step.ts';
import { beginSweepSchema } from './schema.ts';

// PLACEHOLDER of the integration branch: replaced before it lands.
export const beginSweepStep = step(beginSweepSchema, () => Promise.reject(new MigrationError('BadInput', 'not built yet')));
