/** The other parts of the demo: a failing UpdateAddon, and the API calls of the migration. */
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
 * (hashicorp/terraform-provider-aws#30645), shows AWS's answer, and reads the state again to show that nothing changed.
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
    '  The role is not in another account: the provider sends an empty ARN, and the check of iam:PassRole rejects it.',
    '  The add-on, its associations and its pods are unchanged.',
  ];
};

const asServiceError = (error: unknown): EKSServiceException => {
  if (error instanceof EKSServiceException) return error;
  throw error;
};

const notLikeAws = (what: string): CliError =>
  new CliError(
    'UnexpectedError',
    `the sandbox does not behave like AWS: ${what}`,
    'Report this with the version of the program',
    EXIT_CODES.unexpected,
  );

/** Returns the calls that changed something in the cluster or its account, in order, and how many only read. */
export const callsThatChanged = (calls: readonly Call[], style: Style): string[] => {
  const theirs = calls.filter(({ service }) => !OWN_SERVICES.includes(service));
  const changing = theirs.filter(({ mutating, status }) => mutating && status < 400);
  return [
    `${style.paint('bold', 'Mutating API calls of the migration')}  (${theirs.length - changing.length} other calls only read)`,
    ...table(
      changing,
      [
        { title: 'AT', value: ({ at }) => timeOfDay(at) },
        { title: 'CALL', value: ({ service, operation }) => `${service}:${operation}` },
        { title: 'ROLE', value: ({ caller }) => caller.split('/').at(-1) ?? caller },
        { title: 'STATUS', value: ({ status }) => String(status), align: 'right' },
      ],
      style,
    ),
  ];
};
