import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * The change of a service account that is no add-on's; of an add-on, its standalone associations, which come before its
 * change. Throws TrustNotSeenYet while EKS has not seen a repaired trust
 * policy, AssociationStillThere while the key of a deleted association is still taken.
 */
export const createAssociationSchema = defineStep('create-association', {
  title: 'Create the standalone associations',
  variants: {
    'await-webhook': "Wait until EKS's webhook knows the associations",
  },
  environment: targetEnvironment,
  cancellable: true,
  input: changingStepInput,
  output: z.object({
    created: z.boolean(),
    /** Their ids: this migration's, or those that were there before. */
    associations: z.array(z.string()),
  }),
  changes: ['eks'],
  calls: { eks: 5, iam: 1 },
});
