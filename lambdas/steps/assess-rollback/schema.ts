import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/** The number of actions (creates, updates and deletes, failed ones included) after which the rollback gives up. */
export const MAX_RESTORE_ACTIONS = 6;

/**
 * Reads the present state and decides what the rollback needs next. Throws RestoreInProgress while EKS is at work,
 * RestoreRefused if a person must decide, and RestoreFailed when the limit of `actions` is reached.
 */
export const assessRollbackSchema = defineStep('assess-rollback', {
  title: 'Compare the present state with the snapshot',
  environment: targetEnvironment,
  input: lockedStepInput.extend({
    /** The number of actions that the rollback has taken so far. */
    actions: z.number().int().min(0),
  }),
  output: z.object({ action: z.enum(['update', 'delete', 'create', 'done']) }),
  calls: { eks: 3 },
  patience: 'goes-on',
});
