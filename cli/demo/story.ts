/** The parts of the story that are neither a look nor a migration. */
import { isDeepStrictEqual } from 'node:util';
import { EKSServiceException, UpdateAddonCommand } from '@aws-sdk/client-eks';
import type { Target } from '../../lambdas/domain/migration/model.ts';
import { type Call, OWN_SERVICES } from '../../sandbox/world/call-log.ts';
import type { SandboxBackend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { timeOfDay } from '../print/duration.ts';
import type { Style } from '../print/style.ts';
import { table } from '../print/table.ts';
import { look, type Sight } from './observe.ts';

/**
 * Sends what the Terraform provider sends for an add-on whose `service_account_role_arn` was removed
 * (hashicorp/terraform-provider-aws#30645) and shows AWS's answer; then looks again, to see that nothing changed.
 */
export const tryAsTerraform = async (
  backend: SandboxBackend,
  target: Target,
  addonName: string,
  before: Sight,
  style: Style,
): Promise<string[]> => {
  const input = {
    clusterName: target.cluster,
    addonName,
    serviceAccountRoleArn: '',
    resolveConflicts: 'OVERWRITE' as const,
  };
  const eks = backend.sandbox.clients(undefined, target.region).eks();
  const refusal = await backend.clock.spawn(() =>
    eks.send(new UpdateAddonCommand(input)).then(() => undefined, asServiceError),
  );
  if (!refusal) throw notLikeAws('UpdateAddon with an empty role was accepted');
  const after = await look(backend, target, addonName);
  if (!isDeepStrictEqual(after, before)) throw notLikeAws('the refused UpdateAddon changed something');
  return [
    `  eks:UpdateAddon ${JSON.stringify(input)}`,
    `  → ${style.paint(['bold', 'red'], `${refusal.name}: ${refusal.message}`)}  (HTTP ${refusal.$metadata.httpStatusCode})`,
    '',
    '  The role is not in another account: the provider sends an empty ARN, and the check of PassRole refuses that.',
    '  Described again: add-on, associations and pods are exactly as they were.',
  ];
};

const asServiceError = (error: unknown): EKSServiceException => {
  if (error instanceof EKSServiceException) return error;
  throw error;
};

const notLikeAws = (what: string): CliError =>
  new CliError(
    'UnexpectedError',
    `the sandbox does not answer as AWS does: ${what}`,
    'Report it with the version of the program',
    EXIT_CODES.unexpected,
  );

/** The calls that changed something in the cluster or its account, in order; and how many only read. */
export const callsThatChanged = (calls: readonly Call[], style: Style): string[] => {
  const theirs = calls.filter(({ service }) => !OWN_SERVICES.includes(service));
  const changing = theirs.filter(({ mutating, status }) => mutating && status < 400);
  return [
    `${style.paint('bold', 'API calls of the migration that changed something')}  (${theirs.length - changing.length} more only read)`,
    ...table(
      changing,
      [
        { title: 'AT', value: ({ at }) => timeOfDay(at) },
        { title: 'CALL', value: ({ service, operation }) => `${service}:${operation}` },
        { title: 'BY ROLE', value: ({ caller }) => caller.split('/').at(-1) ?? caller },
        { title: 'ANSWER', value: ({ status }) => String(status), align: 'right' },
      ],
      style,
    ),
  ];
};
