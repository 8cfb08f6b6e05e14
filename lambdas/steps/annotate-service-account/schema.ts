import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Removes the IRSA annotation from a service account whose pods are verified, or restores it. Throws
 * ServiceAccountChanged, AssociationChanged, ConsumersAppeared or RestoreRefused.
 */
export const annotateServiceAccountSchema = defineStep('annotate-service-account', {
  title: 'Remove the IRSA annotation from the service account',
  variants: {
    'restore-annotation': 'Restore the IRSA annotation on the service account',
  },
  rollbackVariant: 'restore-annotation',
  // An annotation gives pods a role, just as an association does.
  environment: targetEnvironment,
  cancellable: true,
  input: lockedStepInput.extend({ towards: z.enum(['pod-identity', 'before']) }),
  output: z.object({
    /** False if the annotation was already in the wanted state, or this migration never touched it. */
    changed: z.boolean(),
  }),
  changes: ['kubernetes'],
  calls: { eks: 2, kubernetes: 8 },
});
