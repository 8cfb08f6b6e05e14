/** What a migration reads from EKS and from the API server, and records: part of the record in `record/migration.ts`. */
import { z } from 'zod';
import { schemaNames, time } from '../text/schemas.ts';

const addonHealthIssue = z
  .object({
    code: z.string().describe('Code of the issue, as EKS reports it.'),
    message: z.string().describe('Message of the issue, as EKS reports it.'),
    resourceIds: z.array(z.string()).describe('Ids of the resources that the issue is about.'),
  })
  .register(schemaNames, { name: 'AddonHealthIssue' });

/**
 * An installed add-on, as DescribeAddon returns it. `configurationValues` is the raw text, JSON or YAML, never parsed.
 */
export const addon = z
  .object({
    name: z.string().describe('Name of the add-on.'),
    arn: z.string().describe('ARN of the add-on.'),
    version: z.string().describe('Installed version, such as `v1.35.0-eksbuild.1`.'),
    status: z
      .enum([
        'CREATING',
        'ACTIVE',
        'CREATE_FAILED',
        'UPDATING',
        'DELETING',
        'DELETE_FAILED',
        'DEGRADED',
        'UPDATE_FAILED',
      ])
      .describe('Status of the add-on in EKS.'),
    namespace: z.string().optional().describe('Namespace that the add-on was installed in, if EKS reports it.'),
    serviceAccountRoleArn: z.string().optional().describe('ARN of the IRSA role of the add-on. Absent if it has none.'),
    configurationValues: z
      .string()
      .optional()
      .describe('Configuration values of the add-on: the text as it was set, JSON or YAML.'),
    podIdentityAssociations: z.array(z.string()).describe('ARNs of the associations that the add-on owns.'),
    tags: z.record(z.string(), z.string()).describe('Tags of the add-on.'),
    issues: z.array(addonHealthIssue).describe('Health issues of the add-on.'),
  })
  .register(schemaNames, { name: 'Addon' });
export type Addon = z.infer<typeof addon>;

/** An EKS Pod Identity association, as DescribePodIdentityAssociation returns it. */
export const association = z
  .object({
    id: z.string().describe('Id of the association.'),
    arn: z.string().describe('ARN of the association.'),
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role that pods of the service account get.'),
    ownerArn: z
      .string()
      .optional()
      .describe('ARN of the add-on that owns the association. Absent if it is standalone.'),
    targetRoleArn: z
      .string()
      .optional()
      .describe('ARN of the role that EKS Pod Identity assumes next, with the credentials of `roleArn`.'),
    externalId: z.string().optional().describe('External id with which the target role is assumed.'),
    disableSessionTags: z.boolean().optional().describe('True if sessions have no session tags.'),
    policy: z.string().optional().describe('Session policy of the association: JSON text.'),
    tags: z.record(z.string(), z.string()).describe('Tags of the association.'),
    createdAt: time.describe('When the association was created.'),
    modifiedAt: time.describe('When the association was last modified.'),
  })
  .register(schemaNames, { name: 'Association' });
export type Association = z.infer<typeof association>;

/** A service account that belongs to no add-on, as the API server returns it. */
export const serviceAccountState = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    name: z.string().describe('Name of the service account.'),
    uid: z.string().describe('UID of the service account.'),
    roleArn: z
      .string()
      .optional()
      .describe(
        'ARN of the IRSA role, from the annotation `eks.amazonaws.com/role-arn`. Absent if there is no annotation.',
      ),
    annotatedBy: z
      .array(z.string())
      .describe('Field managers that set the annotation, from `metadata.managedFields`, such as `helm`.'),
  })
  .register(schemaNames, { name: 'ServiceAccountState' });
export type ServiceAccountState = z.infer<typeof serviceAccountState>;
