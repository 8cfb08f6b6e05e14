/** What a plan decides for each service account, as zod schemas: part of the record in `record/migration.ts`. */
import { z } from 'zod';
import { podIdentity } from './evidence.ts';
import { schemaNames } from '../text/schemas.ts';

/**
 * An association that the migration will create. AddonPodIdentityAssociations has no other fields. The role can be any
 * role of the add-on: the plan's checks evaluate it. `standalone`: the add-on takes no association for this service
 * account, so the migration creates a standalone one before it changes the add-on.
 */
export const plannedAssociation = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role of the association.'),
    standalone: z
      .literal(true)
      .optional()
      .describe(
        'True if the add-on takes no association for this service account, so that a standalone one is created.',
      ),
  })
  .register(schemaNames, { name: 'PlannedAssociation' });
export type PlannedAssociation = z.infer<typeof plannedAssociation>;

/**
 * A service account that has the add-on's identity and gets no association, neither from the add-on nor from the plan:
 * once the add-on has no role, its new pods fall back to the node role.
 */
export const identityLoss = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role that its new pods no longer get.'),
    identity: podIdentity.describe('How its pods get their AWS credentials now.'),
    pods: z.number().int().describe('Number of pods that run with the service account.'),
    accepted: z.boolean().describe('Whether the request accepts the loss, by `identity-loss` in `accept`.'),
  })
  .register(schemaNames, { name: 'IdentityLoss' });
export type IdentityLoss = z.infer<typeof identityLoss>;

/**
 * The settings that AddonPodIdentityAssociations can't express. UpdatePodIdentityAssociation and TagResource apply them
 * to the new association once EKS has created it. `from` is the id of the association that had them.
 */
export const carriedOver = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    from: z.string().describe('Id of the association that has these settings now.'),
    targetRoleArn: z.string().optional().describe('ARN of the target role.'),
    disableSessionTags: z.boolean().optional().describe('True if sessions have no session tags.'),
    policy: z.string().optional().describe('Session policy: JSON text.'),
    tags: z.record(z.string(), z.string()).describe('Tags of the association.'),
  })
  .register(schemaNames, { name: 'CarriedOver' });
export type CarriedOver = z.infer<typeof carriedOver>;
