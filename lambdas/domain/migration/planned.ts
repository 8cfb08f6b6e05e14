/** What a plan decides for single service accounts, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';
import { podIdentity } from './evidence.ts';
import { schemaNames } from '../text/schemas.ts';

/**
 * One association that the migration will make: the add-on form knows no more than these. Its role may be the add-on's
 * own, whatever that is: the plan's checks judge it. `standalone`: the add-on takes none for that service account, so
 * the migration makes it by itself, before the add-on is changed.
 */
export const plannedAssociation = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role that the association gives.'),
    standalone: z
      .literal(true)
      .optional()
      .describe('True if the add-on takes no association for this service account, so that a standalone one is made.'),
  })
  .register(schemaNames, { name: 'PlannedAssociation' });
export type PlannedAssociation = z.infer<typeof plannedAssociation>;

/**
 * A service account that has the add-on's identity, takes no association from it, and is planned none: once the add-on
 * has no role, new pods fall back to the node role.
 */
export const identityLoss = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role that its new pods do not get any more.'),
    identity: podIdentity.describe('How its pods get their AWS credentials now.'),
    pods: z.number().int().describe('Number of pods that run with the service account.'),
    accepted: z.boolean().describe('Whether the request accepts the loss, by `acceptIdentityLoss`.'),
  })
  .register(schemaNames, { name: 'IdentityLoss' });
export type IdentityLoss = z.infer<typeof identityLoss>;

/**
 * What the add-on form of an association can't carry: put on the new one, by UpdatePodIdentityAssociation and
 * TagResource, once EKS has made it. `from`: id of the association that had it.
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
