import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Puts the purged associations back, whole; `restored`: ids of those that are there now. Throws AssociationStillThere,
 * RestoreRefused.
 */
export const restoreAssociationsSchema = defineStep('restore-associations', {
  environment: targetEnvironment,
  input: lockedStepInput,
  output: z.object({
    restored: z.array(z.string()),
    /** An association is gone of which EKS's webhook still knows for some seconds. */
    awaitsWebhook: z.boolean(),
  }),
});
