/** Flags of `identities`. */
import { z } from 'zod';
import { accountId, clusterName, regionName } from '../../lambdas/domain/migration/model.ts';
import { CliError } from '../errors.ts';
import { EXAMPLE_SCENARIO, file, output, parseFlags } from '../options.ts';
import { type DeployedChoice, sandboxChoice, type SandboxChoice, type StateChoice } from '../backend-options.ts';
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

/** Returns where the cluster is. Throws a CliError for flags that cannot be combined, or if none selects it. */
export const backendOfIdentities = ({
  sandbox,
  state,
  deployed,
}: IdentitiesFlags): SandboxChoice | StateChoice | DeployedChoice => {
  if (deployed) {
    if (sandbox !== undefined || state !== undefined)
      throw new CliError(
        'BadOption',
        '--deployed cannot be combined with --sandbox or --state',
        'Omit one or the other',
      );
    return { kind: 'deployed' };
  }
  const choice = sandboxChoice({ sandbox, state });
  if (choice) return choice;
  throw new CliError(
    'NoSandbox',
    'neither --sandbox FILE nor --deployed is given, so it is not clear where the cluster is',
    `Add --deployed for a cluster in AWS, which is read with your own credentials, or --sandbox FILE, for example --sandbox ${EXAMPLE_SCENARIO}`,
  );
};
