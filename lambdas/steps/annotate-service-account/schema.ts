import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Takes the IRSA annotation off a service account whose pods are verified, or puts it back. Throws ServiceAccountChanged,
 * AssociationChanged, RestoreRefused.
 */
export const annotateServiceAccountSchema = defineStep('annotate-service-account', {
  title: 'Remove the IRSA annotation of the service account',
  variants: {
    'restore-annotation': 'Restore the IRSA annotation of the service account',
  },
  rollbackVariant: 'restore-annotation',
  // An annotation gives pods a role, as an association does.
  environment: targetEnvironment,
  cancellable: true,
  input: lockedStepInput.extend({ towards: z.enum(['pod-identity', 'before']) }),
  output: z.object({
    /** False: it was as it shall be already, or this migration never touched it. */
    changed: z.boolean(),
  }),
  changes: ['kubernetes'],
  calls: { eks: 2, kubernetes: 2 },
});
