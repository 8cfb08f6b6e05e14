/** Commands of this program for remedies about one cluster. */
import type { Target } from '../migration/request.ts';
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
