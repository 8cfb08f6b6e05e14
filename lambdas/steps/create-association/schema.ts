import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * The change of a service account that is no add-on's. Throws TrustNotSeenYet while EKS has not seen a repaired trust
 * policy, AssociationStillThere while the key of a deleted association is still taken.
 */
export const createAssociationSchema = defineStep('create-association', {
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({
    created: z.boolean(),
    /** Its id: this migration's, or the one that was there before. */
    association: z.string(),
  }),
});
