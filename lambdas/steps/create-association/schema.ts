import { z } from 'zod';
import { changingStepInput, defineStep, targetEnvironment } from '../../runtime/step.ts';

/**
 * Makes the change for a service account that belongs to no add-on; for an add-on, creates its standalone associations
 * before the add-on is changed. Throws TrustNotSeenYet while EKS has not seen a repaired trust policy, and
 * AssociationStillThere while the key of a deleted association is still in use.
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
    /** The ids of the associations: created by this migration, or kept from before. */
    associations: z.array(z.string()),
  }),
  changes: ['eks'],
  calls: { eks: 5, iam: 1 },
});
