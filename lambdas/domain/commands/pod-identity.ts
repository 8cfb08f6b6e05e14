/** Commands of this program for remedies about one cluster. */
import type { HandOffFormat } from '../terms/hand-off.ts';
import type { MigrationRequest } from '../request/request.ts';
import type { Target, ServiceAccountRef } from '../terms/subject.ts';
import { shellCommand } from '../text/shell.ts';

const where = ({ account, region, cluster }: Target): string[] => [
  '--cluster',
  cluster,
  '--region',
  region,
  '--account',
  account,
];

/** Returns the command that reports the identity of each workload of the cluster, or of one namespace. */
export const identitiesCommand = (target: Target, namespace?: string): string =>
  shellCommand(
    ['pod-identity', 'identities', ...where(target)],
    namespace === undefined ? undefined : ['--namespace', namespace],
  );

/** Returns the command that migrates an add-on. */
export const migrateCommand = (target: Target, addon: string): string =>
  shellCommand(['pod-identity', 'migrate', ...where(target), '--addon', addon, '--deployed']);

/** Returns the command that plans the removal of a service account's annotation. */
export const removalPlanCommand = (target: Target, { namespace, name }: ServiceAccountRef): string =>
  shellCommand(
    ['pod-identity', 'plan', ...where(target)],
    ['--namespace', namespace, '--service-account', name, '--annotation', 'remove'],
  );

/** Returns the command that prints, in advance, what the owner's code must contain after a migration. */
export const handOffCommand = (
  { target, addon, serviceAccount }: Pick<MigrationRequest, 'target' | 'addon' | 'serviceAccount'>,
  format?: HandOffFormat,
): string =>
  shellCommand(
    ['pod-identity', 'plan', ...where(target)],
    addon === undefined ? undefined : ['--addon', addon],
    serviceAccount && ['--namespace', serviceAccount.namespace, '--service-account', serviceAccount.name],
    ['--hand-off'],
    format === undefined || format === 'terraform' ? undefined : ['--format', format],
  );
