import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Throws TrustNotSeenYet while EKS has not seen a repaired trust policy, and AssociationStillThere while the key of a
 * deleted association is still in use.
 */
export const createAddonSchema = defineStep('create-addon', {
  title: 'Create the add-on with its Pod Identity associations',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ created: z.boolean() }),
  changes: ['eks'],
  calls: { eks: 5, iam: 1 },
  patience: 'goes-on',
});
