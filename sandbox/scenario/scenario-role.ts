/** The IAM roles of a scenario. */
import { z } from 'zod';
import { roleArn } from '../../lambdas/domain/text/names.ts';
import { tags, timestamp } from './scenario-cluster.ts';

const policyDocument = z.union([z.string(), z.record(z.string(), z.unknown())]);

const inlinePolicy = z
  .strictObject({
    name: z
      .string()
      .regex(/^[\w+=,.@-]{1,128}$/, 'must be a policy name: letters, digits and any of _+=,.@-, at most 128')
      .describe('Name of the policy.'),
    document: policyDocument.describe('The policy: an object, or its JSON text.'),
  })
  .meta({ id: 'InlinePolicy', description: 'A policy that is part of a role.' });

const managedPolicyArn = z
  .string()
  .regex(
    /^arn:aws(-[a-z]+)*:iam::(\d{12}|aws):policy\/[\w+=,.@/-]+$/,
    'must be the ARN of a managed policy, such as arn:aws:iam::aws:policy/ReadOnlyAccess',
  )
  .describe("ARN of a managed policy: AWS's, or the account's own.");
const managedPolicyDocument = policyDocument
  .optional()
  .describe(
    "Its document: an object, or its JSON text. Required for the account's own policies; an AWS managed policy without it allows nothing.",
  );

const attachedPolicy = z
  .strictObject({ arn: managedPolicyArn, document: managedPolicyDocument })
  .meta({ id: 'AttachedPolicy', description: 'A managed policy of a role.' });

const permissionsBoundary = z.strictObject({ arn: managedPolicyArn, document: managedPolicyDocument }).meta({
  id: 'PermissionsBoundary',
  description: "A managed policy that limits what a role's own policies allow: the role may do what both allow.",
});

export const role = z
  .strictObject({
    arn: roleArn.describe('ARN of the role, with its path.'),
    trustPolicy: policyDocument.describe('The trust policy: an object, or its JSON text.'),
    policies: z.array(inlinePolicy).default([]).describe('Its inline policies.'),
    attachedPolicies: z.array(attachedPolicy).default([]).describe('Its managed policies.'),
    permissionsBoundary: permissionsBoundary
      .optional()
      .describe('Its permissions boundary; if omitted, nothing limits its policies.'),
    description: z
      .string()
      .max(1000)
      .regex(/^[\t\n\r -~\u00A1-\u00FF]+$/, 'must have only the characters that IAM allows in a description')
      .optional()
      .describe('Its description; if omitted, it has none.'),
    maxSessionDuration: z
      .number()
      .int()
      .min(3600)
      .max(43_200)
      .optional()
      .describe('Longest session in seconds that may be requested of it; if omitted, an hour.'),
    tags: tags.default({}).describe('Tags.'),
    createdAt: timestamp
      .default('2024-01-01T00:00:00.000Z')
      .describe('When it was created; see the knob `iamLagSeconds`.'),
  })
  .meta({ id: 'Role', description: 'An IAM role.' });
