import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/** What the way back may do before it gives up: each failing create, update or delete counts. */
export const MAX_RESTORE_ACTIONS = 6;

/**
 * Looks at what is there and says what the way back needs next. Throws RestoreInProgress while EKS is at work,
 * RestoreRefused where a person must decide, RestoreFailed when `actions` are used up.
 */
export const assessRollbackSchema = defineStep('assess-rollback', {
  title: 'Compare the present state with the snapshot',
  environment: targetEnvironment,
  input: lockedStepInput.extend({
    /** How many actions the way back has taken so far. */
    actions: z.number().int().min(0),
  }),
  output: z.object({ action: z.enum(['update', 'delete', 'create', 'done']) }),
  calls: { eks: 3 },
  patience: 'goes-on',
});
