/** The flags of `trust check`, `trust repair` and `trust target-role`. */
import { z } from 'zod';
import { roleArn } from '../../lambdas/domain/text/names.ts';
import { acceptOf } from '../../lambdas/domain/acceptance/accept.ts';
import { file, output, parseFlags, yes } from '../options.ts';
import { clusterArnField, namespaceField, oidcIssuerField, serviceAccountField } from './fields.ts';

const required = <Schema extends z.ZodType<unknown, string>>(schema: Schema, what: string) =>
  z.string({ error: `is missing: ${what}` }).pipe(schema);

const question = {
  policy: file,
  roleArn: roleArn.optional(),
  clusterArn: required(clusterArnField, 'specify the EKS cluster by its ARN'),
  namespace: required(namespaceField, 'specify the namespace of the service account'),
  oidcIssuer: oidcIssuerField.optional(),
  disableSessionTags: z.boolean().default(false),
  accept: acceptOf('trust-policy').default([]),
  sandbox: file,
  state: file,
  ...output,
};

interface Sources {
  policy?: string | undefined;
  roleArn?: string | undefined;
}

const needsSource = ({ policy, roleArn: arn }: Sources, context: z.RefinementCtx): void => {
  if (policy === undefined && arn === undefined)
    context.addIssue({
      code: 'custom',
      path: ['policy'],
      message:
        'and --role-arn are both missing: specify a file with the trust policy (- for stdin), or the role that has it',
    });
};

const checkFlags = z
  .strictObject({ ...question, serviceAccount: required(serviceAccountField, 'specify the service account') })
  .superRefine(needsSource);
export type TrustCheckFlags = z.output<typeof checkFlags>;

const MISSING_ACCOUNTS = 'is missing: specify the service account; repeat the option for others in the namespace';

const repairFlags = z
  .strictObject({
    ...question,
    serviceAccount: z.array(serviceAccountField, { error: MISSING_ACCOUNTS }).max(50, 'may be given at most 50 times'),
    dryRun: z.boolean().default(false),
    yes,
  })
  .superRefine(needsSource)
  .superRefine(({ policy, roleArn: arn }, context) => {
    // It must not be guessed whether to write the file or the role.
    if (policy !== undefined && arn !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['policy'],
        message: 'cannot be combined with --role-arn: repair either the document or the role',
      });
  });
export type TrustRepairFlags = z.output<typeof repairFlags>;

const targetRoleFlags = z.strictObject({
  roleArn: required(roleArn, 'specify the role of the other account'),
  clusterArn: question.clusterArn,
  namespace: question.namespace,
  serviceAccount: required(serviceAccountField, 'specify the service account'),
  baseRoleName: z
    .string()
    .regex(/^[\w+=,.@-]{1,64}$/, 'must be a role name: at most 64 letters, digits and _+=,.@-')
    .optional(),
  policy: file,
  ...output,
});
export type TrustTargetRoleFlags = z.output<typeof targetRoleFlags>;

const batchFlags = z.strictObject({
  batch: z.string().min(1, 'must name a file'),
  accept: acceptOf('trust-policy').default([]),
  ...output,
});
export type TrustBatchFlags = z.output<typeof batchFlags>;

/** Flags whose values each line of a batch has itself. */
const OF_A_LINE = [
  'policy',
  'roleArn',
  'clusterArn',
  'namespace',
  'serviceAccount',
  'oidcIssuer',
  'disableSessionTags',
  'sandbox',
  'state',
];

const batchOnly = z.record(z.string(), z.unknown()).superRefine((given, context) => {
  for (const name of OF_A_LINE) {
    if (given[name] !== undefined)
      context.addIssue({
        code: 'custom',
        path: [name],
        message: 'cannot be combined with --batch: each line has its own value',
      });
  }
});

const CHECK = 'trust check';

export const parseTrustCheckFlags = (given: Record<string, unknown>): TrustCheckFlags =>
  parseFlags(checkFlags, given, CHECK);

export const parseTrustBatchFlags = (given: Record<string, unknown>): TrustBatchFlags =>
  parseFlags(batchFlags, parseFlags(batchOnly, given, CHECK), CHECK);

export const parseTrustRepairFlags = (given: Record<string, unknown>): TrustRepairFlags =>
  parseFlags(repairFlags, given, 'trust repair');

export const parseTrustTargetRoleFlags = (given: Record<string, unknown>): TrustTargetRoleFlags =>
  parseFlags(targetRoleFlags, given, 'trust target-role');
