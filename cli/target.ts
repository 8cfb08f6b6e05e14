/** Resolves the target of a migration: account, region and cluster. */
import type { Target } from '../lambdas/domain/terms/subject.ts';
import type { Scenario } from '../sandbox/scenario/scenario.ts';
import { CliError } from './errors.ts';
import type { CommonFlags } from './options.ts';

export type TargetFlags = Pick<CommonFlags, 'cluster' | 'account' | 'region'>;

/** Returns the target in a scenario. Account and region default to those of the only cluster of that name. */
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
      `Add one of:\n${list}`,
    );
  }
  // The plan reports a missing cluster, as it would in AWS, so any location will do for it.
  const location = named[0] ?? clusters[0];
  return {
    account: account ?? location?.account ?? scenario.home?.account ?? known[0] ?? '',
    region: region ?? location?.region ?? scenario.home?.region ?? 'us-east-1',
    cluster,
  };
};

/**
 * Returns the scenario with the service deployed at the target, unless the scenario itself has a location for it.
 * Throws a CliError for a target in another account than the service's.
 */
export const deployedFor = ({ account, region }: Target, scenario: Scenario): Scenario => {
  const home = scenario.home ?? { account, region };
  if (account !== home.account) {
    throw new CliError(
      'NotAvailable',
      `the scenario deploys the service in account ${home.account}, and in a sandbox this command supports only clusters in that account, not in account ${account}`,
      `Remove "home" from the scenario, or set it to account ${account}`,
    );
  }
  return { ...scenario, home };
};

/**
 * Returns the target for a deployed service. Account and region default to the caller's account and the environment's
 * region. An account other than the service's must be named: the service decides whether it works there
 * (docs/accounts.md).
 */
export const targetOfCaller = (
  { cluster, account, region }: TargetFlags,
  caller: { account: string; serviceAccount: string; region: string | undefined },
): Target => {
  const there = region ?? caller.region;
  if (there === undefined) {
    throw new CliError(
      'NoRegion',
      '--region is missing, and AWS_REGION is not set',
      'Add --region, for example --region eu-west-1',
    );
  }
  if (account === undefined && caller.account !== caller.serviceAccount) {
    throw new CliError(
      'OtherAccount',
      `the service is deployed in account ${caller.serviceAccount}, but these credentials belong to account ${caller.account}`,
      `Name the account of the cluster: --account ${caller.account}, or --account ${caller.serviceAccount}`,
    );
  }
  return { account: account ?? caller.account, region: there, cluster };
};
