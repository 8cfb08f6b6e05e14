/** What a plan decides for single service accounts, as zod schemas: part of the records in `model.ts`. */
import { z } from 'zod';
import { podIdentity } from './evidence.ts';

/**
 * One association that the migration will make: the add-on form knows no more than these. Its role may be the add-on's
 * own, whatever that is: the plan's checks judge it. `standalone`: the add-on takes none for that service account, so
 * the migration makes it by itself, before the add-on is changed.
 */
export const plannedAssociation = z.object({
  namespace: z.string(),
  serviceAccount: z.string(),
  roleArn: z.string(),
  standalone: z.literal(true).optional(),
});
export type PlannedAssociation = z.infer<typeof plannedAssociation>;

/**
 * A service account that has the add-on's identity, takes no association from it, and is planned none: once the add-on
 * has no role, new pods fall back to the node role.
 */
export const identityLoss = z.object({
  namespace: z.string(),
  serviceAccount: z.string(),
  roleArn: z.string(),
  /** What its pods have now. */
  identity: podIdentity,
  /** How many pods run with it. */
  pods: z.number().int(),
  /** The request accepts it by name. */
  accepted: z.boolean(),
});
export type IdentityLoss = z.infer<typeof identityLoss>;

/**
 * What the add-on form of an association can't carry: put on the new one, by UpdatePodIdentityAssociation and
 * TagResource, once EKS has made it. `from`: id of the association that had it.
 */
export const carriedOver = z.object({
  namespace: z.string(),
  serviceAccount: z.string(),
  from: z.string(),
  targetRoleArn: z.string().optional(),
  disableSessionTags: z.boolean().optional(),
  policy: z.string().optional(),
  tags: z.record(z.string(), z.string()),
});
export type CarriedOver = z.infer<typeof carriedOver>;
