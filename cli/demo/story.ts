/** The other parts of the demo: a failing UpdateAddon, and what a migration did and what its pods experienced. */
import { isDeepStrictEqual } from 'node:util';
import { EKSServiceException, UpdateAddonCommand } from '@aws-sdk/client-eks';
import type { MigrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Target } from '../../lambdas/domain/terms/subject.ts';
import { verifiedText } from '../../lambdas/domain/terms/levels.ts';
import { type Call, OWN_SERVICES } from '../../sandbox/calls/call-log.ts';
import type { SandboxBackend } from '../backend.ts';
import { CliError } from '../errors.ts';
import { EXIT_CODES } from '../exit-codes.ts';
import { attemptName, DISRUPTION, disruptionText } from '../print/attempts.ts';
import { between } from '../text/duration.ts';
import { hanging, type Style } from '../text/style.ts';
import { look, podLines, type Sight } from './observe.ts';

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
    ...hanging('  ', `eks:UpdateAddon serviceAccountRoleArn "", resolveConflicts ${input.resolveConflicts}`, style),
    ...hanging('  → ', `${refusal.name}: ${refusal.message} (HTTP ${refusal.$metadata.httpStatusCode})`, style, 'red'),
    ...hanging(
      '  ',
      'The role is not in another account: the provider sends an empty ARN, and the check of iam:PassRole rejects it. The add-on, its associations and its pods are unchanged.',
      style,
    ),
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

/** Returns the calls that changed something in the cluster or its account, in order. */
export const changesOf = (calls: readonly Call[]): string[] =>
  calls
    .filter(({ service, mutating, status }) => !OWN_SERVICES.includes(service) && mutating && status < 400)
    .map(({ service, operation }) => `${service}:${operation}`);

/** Returns how many checks passed before the change, and the strategy that was chosen. */
export const planLines = ({ plan, applied, warnings }: MigrationReport, style: Style): string[] => {
  const checks = plan?.checks ?? [];
  const count = (status: string): number => checks.filter((check) => check.status === status).length;
  return [
    ...hanging(
      '  plan         ',
      `${count('pass')} checks passed, ${count('warn')} warned: ${checks
        .filter(({ status }) => status === 'warn')
        .map(({ message }) => message)
        .join(' ')}`,
      style,
    ),
    ...(applied
      ? hanging('  strategy     ', `${attemptName(applied)}: ${DISRUPTION[applied.disruption].text}`, style)
      : []),
    ...(warnings.length > 0 ? hanging('  warnings     ', warnings.map(({ message }) => message).join(' '), style) : []),
  ];
};

/** Returns the calls of a migration, how long it took, and what its pods experienced. */
export const experienceLines = (
  { outcome, verified, startedAt, endedAt, disruption }: MigrationReport,
  after: Sight,
  calls: readonly string[],
  style: Style,
): string[] => [
  ...hanging('  changes      ', calls.join(', '), style),
  ...hanging('  took         ', `${between(startedAt, endedAt)}, simulated`, style),
  ...podLines(after, style),
  ...(disruption ? hanging('  experienced  ', disruptionText(disruption, 'controller pods'), style, 'bold') : []),
  ...hanging(
    `  ${style.paint(outcome === 'migrated' ? 'green' : 'red', `${outcome === 'migrated' ? '✔' : '✖'} ${outcome}`)}  `,
    verifiedText({ outcome, verified }),
    style,
  ),
];
