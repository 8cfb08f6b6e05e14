/** What a migration finds in EKS and on the API server, and remembers: part of the records in `model.ts`. */
import { z } from 'zod';

export const addonHealthIssue = z.object({ code: z.string(), message: z.string(), resourceIds: z.array(z.string()) });

/**
 * An installed add-on, as DescribeAddon answers. `configurationValues` is the raw string, JSON or YAML, never parsed.
 */
export const addon = z.object({
  name: z.string(),
  arn: z.string(),
  version: z.string(),
  status: z.enum([
    'CREATING',
    'ACTIVE',
    'CREATE_FAILED',
    'UPDATING',
    'DELETING',
    'DELETE_FAILED',
    'DEGRADED',
    'UPDATE_FAILED',
  ]),
  namespace: z.string().optional(),
  serviceAccountRoleArn: z.string().optional(),
  configurationValues: z.string().optional(),
  /** ARNs of the associations that the add-on owns. */
  podIdentityAssociations: z.array(z.string()),
  tags: z.record(z.string(), z.string()),
  issues: z.array(addonHealthIssue),
});
export type Addon = z.infer<typeof addon>;

/** An EKS Pod Identity association, whole, as DescribePodIdentityAssociation answers. */
export const association = z.object({
  id: z.string(),
  arn: z.string(),
  namespace: z.string(),
  serviceAccount: z.string(),
  roleArn: z.string(),
  /** ARN of the add-on that owns it; absent for a standalone one. */
  ownerArn: z.string().optional(),
  targetRoleArn: z.string().optional(),
  externalId: z.string().optional(),
  disableSessionTags: z.boolean().optional(),
  policy: z.string().optional(),
  tags: z.record(z.string(), z.string()),
  createdAt: z.string(),
  modifiedAt: z.string(),
});
export type Association = z.infer<typeof association>;

/** A service account that is no add-on's, as the API server has it. */
export const serviceAccountState = z.object({
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  /** By the annotation `eks.amazonaws.com/role-arn`. */
  roleArn: z.string().optional(),
  /** Who has set the annotation, as `metadata.managedFields` says: `helm`, `kubectl-client-side-apply`, … */
  annotatedBy: z.array(z.string()),
});
export type ServiceAccountState = z.infer<typeof serviceAccountState>;
