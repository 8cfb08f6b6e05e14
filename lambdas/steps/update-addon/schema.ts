import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Makes the change in place. Throws TrustNotSeenYet while EKS has not seen a repaired trust policy, and
 * AssociationStillThere while the key of a deleted association is still in use.
 */
export const updateAddonSchema = defineStep('update-addon', {
  title: 'Update the add-on in place with its Pod Identity associations',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ updated: z.boolean() }),
  changes: ['eks'],
  calls: { eks: 4, iam: 1 },
});
