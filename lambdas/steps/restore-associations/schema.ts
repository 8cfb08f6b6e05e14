import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Takes the migration's own associations away and puts the purged ones back, whole; `restored`: ids of those that are
 * there now. Throws AssociationStillThere, RestoreInProgress while a service account has no annotation yet,
 * RestoreRefused, SessionsMayEnd where that would take longer than the sessions of the pods last for sure.
 */
export const restoreAssociationsSchema = defineStep('restore-associations', {
  title: 'Restore the associations',
  variants: {
    'await-former-identity': "Wait until EKS's webhook knows that the associations are deleted",
    'restore-associations-purged': 'Restore the associations that were deleted for the change',
    'restore-associations-own': 'Recreate the associations that the pods still need',
    'restore-associations-deferred': 'Restore the associations that had to wait for the pods',
  },
  environment: targetEnvironment,
  input: lockedStepInput.extend({
    /**
     * `purged`: puts back what was purged where its key is free, before anything else, and nothing more. `deferred`: puts
     * back what was left out until the pods are on IRSA again. `own`: puts back the migration's own, which the rollback
     * has deleted and EKS's webhook still injects.
     */
    action: z.enum(['purged', 'deferred', 'own']).optional(),
  }),
  output: z.object({
    restored: z.array(z.string()),
    /** An association is gone of which EKS's webhook still knows for some seconds. */
    awaitsWebhook: z.boolean(),
    /**
     * When the newest pod was created that was there as that one went, by the API server's clock; left out where none
     * went, or none was there, or nobody may look.
     */
    newestPodAt: z.string().optional(),
    /** Service accounts, `namespace/name` with a space between, whose association comes back after their pods. */
    deferred: z.string().optional(),
  }),
  changes: ['eks'],
  calls: { eks: 2 },
  patience: 'goes-on',
});
