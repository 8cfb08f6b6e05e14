/** Flags of `identities`. */
import { z } from 'zod';
import { accountId, clusterName, regionName } from '../../lambdas/domain/text/names.ts';
import { profile } from '../aws/options.ts';
import { file, output, parseFlags } from '../options.ts';
import {
  type AwsChoice,
  backendOfReading,
  type DeployedChoice,
  type SandboxChoice,
  type StateChoice,
} from '../backend-options.ts';
import { namespaceField } from '../trust/fields.ts';

export const FORMATS = ['table', 'mermaid', 'graphviz'] as const;

const format = z.string().transform((text, context): (typeof FORMATS)[number] => {
  const known = FORMATS.find((one) => one === text);
  if (known !== undefined) return known;
  context.addIssue({ code: 'custom', message: 'must be table, mermaid or graphviz' });
  return z.NEVER;
});

const identitiesFlags = z
  .strictObject({
    cluster: z.string({ error: 'is missing: specify the EKS cluster' }).pipe(clusterName),
    account: accountId.optional(),
    region: regionName.optional(),
    profile,
    namespace: namespaceField.optional(),
    roles: z.boolean().default(false),
    format: format.optional(),
    sandbox: file,
    state: file,
    deployed: z.boolean().optional(),
    ...output,
  })
  .superRefine(({ json, format: chosen }, context) => {
    if (json && chosen !== undefined)
      context.addIssue({
        code: 'custom',
        path: ['format'],
        message: 'cannot be combined with --json: use one or the other',
      });
  });
export type IdentitiesFlags = z.output<typeof identitiesFlags>;

export const parseIdentitiesFlags = (given: Record<string, unknown>): IdentitiesFlags =>
  parseFlags(identitiesFlags, given, 'identities');

/** Returns where the cluster is: in AWS unless a flag selects a sandbox. Throws a CliError for flags that cannot be combined. */
export const backendOfIdentities = (flags: IdentitiesFlags): SandboxChoice | StateChoice | DeployedChoice | AwsChoice =>
  backendOfReading(flags);
