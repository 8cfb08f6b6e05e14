/** Flags of `record`. */
import { z } from 'zod';
import { accountId, clusterName } from '../../lambdas/domain/text/names.ts';
import { awsFields } from '../aws/options.ts';
import { oneOf } from '../fields.ts';
import { file, parseFlags } from '../options.ts';

/** The access of the service to the API server in a twin. */
export const ACCESS = ['granted', 'as-recorded'] as const;

const recordFlags = z
  .strictObject({
    cluster: z.string({ error: 'is missing: specify the EKS cluster' }).pipe(clusterName),
    account: accountId.optional(),
    ...awsFields,
    out: file,
    withConfiguration: z.boolean().default(false),
    anonymise: z.boolean().default(false),
    access: oneOf(z.enum(ACCESS)).default('granted'),
    sandbox: file,
    state: file,
    debug: z.boolean().default(false),
  })
  .superRefine(({ sandbox, state, profile, anonymise, withConfiguration }, context) => {
    if (anonymise && withConfiguration)
      context.addIssue({
        code: 'custom',
        path: ['withConfiguration'],
        message:
          'cannot be combined with --anonymise, which does not know what names they contain: use one or the other',
      });
    if (profile !== undefined && (sandbox !== undefined || state !== undefined))
      context.addIssue({
        code: 'custom',
        path: ['profile'],
        message: 'cannot be combined with --sandbox or --state, which need no AWS credentials: omit one or the other',
      });
  });
export type RecordFlags = z.output<typeof recordFlags>;

export const parseRecordFlags = (given: Record<string, unknown>): RecordFlags =>
  parseFlags(recordFlags, given, 'record');
