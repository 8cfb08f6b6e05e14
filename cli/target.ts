/** What a migration is about: account, region and cluster, from flags and from what is there. */
import type { Target } from '../lambdas/domain/migration/model.ts';
import type { Scenario } from '../sandbox/world/scenario.ts';
import { CliError } from './errors.ts';
import type { CommonFlags } from './options.ts';

export type TargetFlags = Pick<CommonFlags, 'cluster' | 'account' | 'region'>;

/** Account and region where they were not given: those of the scenario's only cluster of that name. */
export const resolveTarget = ({ cluster, account, region }: TargetFlags, scenario: Scenario): Target => {
  const known = scenario.accounts.map(({ id }) => id);
  if (account !== undefined && !known.includes(account)) {
    throw new CliError(
      'UnknownAccount',
      `--account ${account} is not in the scenario`,
      `Its accounts: ${known.join(', ')}`,
    );
  }
  if (account !== undefined && region !== undefined) return { account, region, cluster };
  const clusters = scenario.accounts
    .flatMap(({ id, clusters: all }) => all.map((one) => ({ account: id, region: one.region, cluster: one.name })))
    .filter((one) => (account ?? one.account) === one.account && (region ?? one.region) === one.region);
  const named = clusters.filter((one) => one.cluster === cluster);
  if (named.length > 1) {
    const list = named.map((one) => `--account ${one.account} --region ${one.region}`).join('\n');
    throw new CliError(
      'AmbiguousCluster',
      `the scenario has ${named.length} clusters named ${cluster}`,
      `Say which one:\n${list}`,
    );
  }
  // A cluster that is not there is for the plan to find, as it would be in AWS: anywhere will do to look for it.
  const session = named[0] ?? clusters[0];
  return {
    account: account ?? session?.account ?? scenario.home?.account ?? known[0] ?? '',
    region: region ?? session?.region ?? scenario.home?.region ?? 'us-east-1',
    cluster,
  };
};

/**
 * The scenario with the service deployed where the target is, unless it says itself where that is.
 * Throws a CliError for a target in another account than the service's.
 */
export const deployedFor = ({ account, region }: Target, scenario: Scenario): Scenario => {
  const home = scenario.home ?? { account, region };
  if (account !== home.account) {
    throw new CliError(
      'NotAvailable',
      `the scenario deploys the service in account ${home.account}, and this command works in a sandbox on clusters of that account alone, not of another account (${account})`,
      'Leave "home" out of the scenario, or set it to that account',
    );
  }
  return { ...scenario, home };
};

/**
 * Of a deployed service: the caller's account and the environment's region where they were not given. Another account
 * than the service's has to be named: whether it works there is for the service to say (docs/accounts.md).
 */
export const targetOfCaller = (
  { cluster, account, region }: TargetFlags,
  caller: { account: string; serviceAccount: string; region: string | undefined },
): Target => {
  const there = region ?? caller.region;
  if (there === undefined) {
    throw new CliError(
      'NoRegion',
      'there is no --region, and no AWS_REGION in the environment',
      'Add --region, such as --region eu-west-1',
    );
  }
  if (account === undefined && caller.account !== caller.serviceAccount) {
    throw new CliError(
      'OtherAccount',
      `the service is deployed in account ${caller.serviceAccount}, and these credentials are of another account (${caller.account})`,
      `Say which account the cluster is in: --account ${caller.account}, or --account ${caller.serviceAccount}`,
    );
  }
  return { account: account ?? caller.account, region: there, cluster };
};
