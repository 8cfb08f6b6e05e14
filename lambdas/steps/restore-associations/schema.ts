import { z } from 'zod';
import { defineStep, lockedStepInput, targetEnvironment } from '../../runtime/step.ts';

/**
 * Deletes the migration's own associations and restores the purged ones, whole. `restored` has the ids of the present
 * associations. Throws AssociationStillThere; RestoreInProgress while a service account has no annotation yet;
 * RestoreRefused; and SessionsMayEnd if the replacement could take longer than the pods' sessions are certain to last.
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
     * `purged`: restores purged associations of service accounts that have none now, before anything else, and does
     * nothing more. `deferred`: restores the associations that had to wait until the pods use IRSA again. `own`:
     * recreates the migration's own associations, which the rollback has deleted and EKS's webhook still injects.
     */
    action: z.enum(['purged', 'deferred', 'own']).optional(),
  }),
  output: z.object({
    restored: z.array(z.string()),
    /** Whether an association was deleted that EKS's webhook still knows for some seconds. */
    awaitsWebhook: z.boolean(),
    /**
     * When the newest pod that existed at that deletion was created, by the API server's clock; absent if nothing was
     * deleted, no pod existed, or pods may not be read.
     */
    newestPodAt: z.string().optional(),
    /** The service accounts whose association is restored after their pods: `namespace/name`, separated by spaces. */
    deferred: z.string().optional(),
  }),
  changes: ['eks'],
  calls: { eks: 2 },
  patience: 'goes-on',
});
