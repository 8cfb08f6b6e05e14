import { MigrationError } from '../../domain/errors.ts';
import { step } from '../../runtime/step.ts';
import { takeInventorySchema } from './schema.ts';

// PLACEHOLDER of the integration branch: replaced before it lands.
export const takeInventoryStep = step(takeInventorySchema, () => Promise.reject(new MigrationError('BadInput', 'not built yet')));
