import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Gives the new associations the settings that the add-on form can't express. `carried` has their ids. Throws
 * TrustNotSeenYet while EKS has not seen a repaired trust policy.
 */
export const carryOverSchema = defineStep('carry-over', {
  title: 'Carry over the other settings of the associations',
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({ carried: z.array(z.string()) }),
  changes: ['eks'],
  calls: {},
});
