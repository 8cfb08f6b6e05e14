/**
 * Zod schemas of a hand-off: what the owner's code (Terraform, CloudFormation, …) must contain so that its next apply
 * changes nothing. It describes the state in the account, independent of the tool; `formats` writes it for each tool.
 */
import { z } from 'zod';
import { target, serviceAccountRef } from './subject.ts';
import { schemaNames } from '../text/schemas.ts';

/** The formats in which a hand-off can be printed. */
export const HAND_OFF_FORMATS = ['terraform', 'terraform-module', 'cloudformation', 'eksctl', 'helm-values'] as const;
export const handOffFormat = z.enum(HAND_OFF_FORMATS);
export type HandOffFormat = z.infer<typeof handOffFormat>;

/** An association as a block, or a list entry, of the add-on's own resource. */
const handOffBlock = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role of the association.'),
  })
  .register(schemaNames, { name: 'HandOffBlock' });
export type HandOffBlock = z.infer<typeof handOffBlock>;

/** The change of the resource that defines the add-on. */
export const handOffAddon = z
  .object({
    name: z.string().describe('Name of the add-on.'),
    version: z.string().optional().describe('Installed version. Absent if it is not known.'),
    addRoleArn: z
      .string()
      .optional()
      .describe('ARN of the IRSA role that the code must contain. Absent if it must contain none.'),
    removeRoleArn: z
      .string()
      .optional()
      .describe('ARN of the former IRSA role, which the code must no longer contain. Absent if the add-on had none.'),
    associations: z
      .array(handOffBlock)
      .describe('All associations that the code must contain, one for each service account. Empty if there is none.'),
  })
  .register(schemaNames, { name: 'HandOffAddon' });
export type HandOffAddon = z.infer<typeof handOffAddon>;

/**
 * `import`: standalone; the code needs a resource of its own for it, and an import of the existing association.
 * `do-not-import`: the add-on owns it; the code must not have a resource of its own for it.
 * `remove`: it no longer exists; the code must not have a resource for it.
 */
export const handOffAssociation = handOffBlock
  .extend({
    action: z
      .enum(['import', 'do-not-import', 'remove'])
      .describe(
        'What the code needs. `import`: a resource, and the import of this association. `do-not-import`: no resource, since the add-on owns it. `remove`: no resource, since it no longer exists.',
      ),
    id: z.string().optional().describe('Id of the association. Absent in a plan, before it exists.'),
    targetRoleArn: z.string().optional().describe('ARN of the target role. Absent without one.'),
    disableSessionTags: z.boolean().optional().describe('True if sessions have no session tags.'),
    policy: z.string().optional().describe('Session policy: JSON text. Absent without one.'),
    tags: z.record(z.string(), z.string()).describe('Tags that the code must set.'),
  })
  .register(schemaNames, { name: 'HandOffAssociation' });
export type HandOffAssociation = z.infer<typeof handOffAssociation>;

/** A statement that the code of a role's trust policy must contain, or must no longer contain. */
export const handOffTrust = z
  .object({
    roleArn: z.string().describe('ARN of the role.'),
    action: z.enum(['add', 'remove']).describe('Whether the code must contain the statement, or must not.'),
    statement: z.record(z.string(), z.unknown()).describe('The statement.'),
    kept: z
      .record(z.string(), z.unknown())
      .optional()
      .describe('What replaces a removed statement, if it also allows other principals.'),
  })
  .register(schemaNames, { name: 'HandOffTrust' });
export type HandOffTrust = z.infer<typeof handOffTrust>;

/** The IRSA annotation `eks.amazonaws.com/role-arn` of a service account that belongs to no add-on. */
export const handOffAnnotation = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    roleArn: z.string().describe('ARN of the role that the annotation has or had.'),
    action: z
      .enum(['remove', 'keep', 'restore'])
      .describe(
        'What the code needs. `remove`: no annotation, since it was removed. `keep`: the annotation, which has no effect while the association exists. `restore`: the annotation again.',
      ),
  })
  .register(schemaNames, { name: 'HandOffAnnotation' });
export type HandOffAnnotation = z.infer<typeof handOffAnnotation>;

/** Settings of an association that the resource of an add-on cannot express. A later change of it loses them. */
const handOffSetting = z
  .object({
    namespace: z.string().describe('Kubernetes namespace of the service account.'),
    serviceAccount: z.string().describe('Name of the service account.'),
    fields: z
      .array(z.enum(['targetRoleArn', 'policy', 'disableSessionTags', 'tags']))
      .describe('Fields of the association that the code of an add-on cannot contain.'),
  })
  .register(schemaNames, { name: 'HandOffSetting' });
export type HandOffSetting = z.infer<typeof handOffSetting>;

/**
 * The state that the code must describe. `planned`: the state after the planned migration; ids are not known yet.
 * `found`: the state in the account, whichever way it came about.
 */
export const handOff = z
  .object({
    state: z
      .enum(['planned', 'migrated', 'rolled-back', 'retired', 'found'])
      .describe(
        'State that the code must describe. `planned`: after the migration. `migrated`, `rolled-back`, `retired`: after what the service did. `found`: as it is in the account.',
      ),
    target: target.describe('The cluster.'),
    addon: handOffAddon
      .optional()
      .describe('Change of the code that defines the add-on. Absent if it is about a service account.'),
    serviceAccount: serviceAccountRef.optional().describe('The service account. Absent if it is about an add-on.'),
    associations: z
      .array(handOffAssociation)
      .describe('Associations, and what the code needs for each, apart from the code of the add-on.'),
    trust: z.array(handOffTrust).describe('Changes of the code of trust policies.'),
    annotations: z.array(handOffAnnotation).describe('Changes of the code of service accounts.'),
    notInCode: z
      .array(handOffSetting)
      .describe('Settings that the code of the add-on cannot contain, and that its next change may remove.'),
    order: z
      .array(z.string())
      .describe('Who must not apply until when, and in which order to proceed: sentences for a person.'),
  })
  .register(schemaNames, { name: 'HandOff' });
export type HandOff = z.infer<typeof handOff>;
