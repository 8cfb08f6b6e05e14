import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Takes one action of the rollback if it is still the one that is needed. Throws AssociationStillThere or
 * RestoreRefused.
 */
export const restoreAddonSchema = defineStep('restore-addon', {
  title: 'Restore the add-on',
  variants: {
    'restore-addon-update': 'Restore the add-on by an update',
    'restore-addon-delete': 'Delete the failed copy of the add-on',
    'restore-addon-create': 'Restore the add-on by creating it again',
  },
  environment: targetEnvironment,
  input: lockedStepInput.extend({ action: z.enum(['update', 'delete', 'create']), actions: z.number().int().min(0) }),
  output: z.object({
    /** False if the present state requires another action by now; nothing was changed. */
    done: z.boolean(),
  }),
  changes: ['eks'],
  calls: { eks: 4 },
  patience: 'goes-on',
});
