/** Flags of `grant-access`. */
import { z } from 'zod';
import { accountId, addonName, clusterName, regionName } from '../../lambdas/domain/text/names.ts';
import { annotationMode } from '../../lambdas/domain/request/request.ts';
import { type ServiceAccountRef, serviceAccountRef } from '../../lambdas/domain/terms/subject.ts';
import { oneOf } from '../fields.ts';
import { file, output, parseFlags, yes } from '../options.ts';
import { stackFields } from '../stack-options.ts';

/** `NAMESPACE/NAME`. */
const serviceAccount = z.string().transform((text, context): ServiceAccountRef => {
  const [, namespace, name] = /^([^/]*)\/([^]*)$/.exec(text) ?? [];
  const parsed = serviceAccountRef.safeParse({ namespace, name });
  if (parsed.success) return parsed.data;
  const [{ path: [part], message } = { path: [], message: '' }] = parsed.error.issues;
  context.addIssue({
    code: 'custom',
    message:
      namespace === undefined
        ? 'must be NAMESPACE/NAME, such as payments/api'
        : `${part === 'namespace' ? 'before' : 'after'} the / ${message}`,
  });
  return z.NEVER;
});

const grantFlags = z
  .strictObject({
    cluster: z.string({ error: 'is missing: specify the EKS cluster' }).pipe(clusterName),
    addon: z.array(addonName).max(50, 'may be given at most 50 times').default([]),
    serviceAccount: z.array(serviceAccount).max(50, 'may be given at most 50 times').default([]),
    annotation: oneOf(annotationMode).optional(),
    account: accountId.optional(),
    region: regionName.optional(),
    apply: z.boolean().default(false),
    yes,
    sandbox: file,
    state: file,
    deployed: z.boolean().optional(),
    ...stackFields,
    ...output,
  })
  .superRefine(({ serviceAccount: accounts, annotation }, context) => {
    if (annotation !== undefined && accounts.length === 0)
      context.addIssue({
        code: 'custom',
        path: ['annotation'],
        message: 'applies to service accounts: name one with --service-account NAMESPACE/NAME, or omit it',
      });
  });
export type GrantFlags = z.output<typeof grantFlags>;

export const GRANT_ACCESS = 'grant-access';

export const parseGrantFlags = (given: Record<string, unknown>): GrantFlags =>
  parseFlags(grantFlags, given, GRANT_ACCESS);
