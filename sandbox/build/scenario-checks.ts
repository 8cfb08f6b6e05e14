/** Checks what a scenario's schema cannot: that its parts fit each other, its accounts and the catalogue. */
import type { Catalogue } from '../catalog/catalogue.ts';
import { DEFAULT_REGIONS } from '../world/regions.ts';
import { CLUSTER_VERSIONS } from '../catalog/cluster-versions.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { checkCluster } from './scenario-cluster-checks.ts';
import { type Report, reportDuplicates, type ScenarioProblem } from './scenario-problems.ts';
import { checkOidcProviders } from './scenario-oidc-checks.ts';
import { checkRoles } from './scenario-role-checks.ts';

/** Checks that disabled regions can be disabled, and that throttles name existing accounts. */
const checkRegions = (scenario: Scenario, report: Report): void => {
  const ids = scenario.accounts.map((account) => account.id);
  for (const [index, { id, disabledRegions }] of scenario.accounts.entries()) {
    const path = ['accounts', index, 'disabledRegions'];
    for (const [position, region] of disabledRegions.entries()) {
      if (DEFAULT_REGIONS.includes(region))
        report(
          [...path, position],
          `the region ${region} is enabled in every account and cannot be disabled. Choose an opt-in region, such as eu-south-1.`,
        );
      if (scenario.home?.account === id && scenario.home.region === region)
        report(
          [...path, position],
          'the service itself is deployed in this region. Change home, or remove the region.',
        );
    }
    reportDuplicates(
      disabledRegions,
      (region) => region,
      (position) => [...path, position],
      'the region',
      report,
    );
  }
  for (const [index, { account }] of scenario.throttles.entries()) {
    if (account !== undefined && !ids.includes(account))
      report(
        ['throttles', index, 'account'],
        `the account ${account} does not exist. The scenario has: ${ids.join(', ')}.`,
      );
  }
};

const checkAccounts = ({ accounts }: Scenario, catalogue: Catalogue, report: Report): void => {
  reportDuplicates(
    accounts,
    (account) => account.id,
    (index) => ['accounts', index, 'id'],
    'the account',
    report,
  );
  for (const [index, account] of accounts.entries()) {
    const path = ['accounts', index];
    checkRoles(account, path, report);
    checkOidcProviders(account, path, report);
    reportDuplicates(
      account.clusters,
      (cluster) => `${cluster.name} in ${cluster.region}`,
      (position) => [...path, 'clusters', position, 'name'],
      'the cluster',
      report,
    );
    const roles = new Set(account.roles.map(({ arn }) => arn));
    for (const [position, cluster] of account.clusters.entries())
      checkCluster(cluster, { account: account.id, roles }, [...path, 'clusters', position], catalogue, report);
  }
};

/** Checks that no cluster has a Kubernetes version that EKS did not support yet when the world begins. */
const checkReleases = ({ accounts, startAt }: Scenario, report: Report): void => {
  for (const [index, { clusters }] of accounts.entries()) {
    for (const [position, { version }] of clusters.entries()) {
      const released = CLUSTER_VERSIONS.find((known) => known.version === version)?.released;
      if (released === undefined || Date.parse(released) <= Date.parse(startAt)) continue;
      report(
        ['accounts', index, 'clusters', position, 'version'],
        `EKS supports Kubernetes ${version} since ${released}, but the world begins before that, on ${startAt.slice(0, 10)}. Change startAt, or the version.`,
      );
    }
  }
};

const checkHome = ({ home, accounts }: Scenario, report: Report): void => {
  if (home && !accounts.some((account) => account.id === home.account)) {
    report(
      ['home', 'account'],
      `the account ${home.account} does not exist. The scenario has: ${accounts.map((account) => account.id).join(', ')}.`,
    );
  }
};

/** Checks that each add-on is changed once, and that withdrawn versions are in the catalogue. */
const checkCatalogueChanges = (changes: Scenario['catalogue'], catalogue: Catalogue, report: Report): void => {
  reportDuplicates(
    changes,
    ({ addon }) => addon,
    (index) => ['catalogue', index, 'addon'],
    'the add-on',
    report,
  );
  for (const [index, change] of changes.entries()) {
    const known = catalogue.get(change.addon);
    if (!known) {
      report(
        ['catalogue', index, 'addon'],
        `the sandbox's catalogue has no add-on ${change.addon}. It has: ${[...catalogue.keys()].sort().join(', ')}.`,
      );
      continue;
    }
    for (const [position, version] of change.withdrawnVersions.entries()) {
      if (known.versions.some((each) => each.version === version)) continue;
      report(
        ['catalogue', index, 'withdrawnVersions', position],
        `the catalogue has no version ${version} of ${change.addon}. It has: ${known.versions.map((each) => each.version).join(', ')}.`,
      );
    }
  }
};

/** Returns every inconsistency in a scenario that matches its schema; empty if there is none. */
export const checkScenario = (scenario: Scenario, catalogue: Catalogue): ScenarioProblem[] => {
  const problems: ScenarioProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });
  checkAccounts(scenario, catalogue, report);
  checkRegions(scenario, report);
  checkReleases(scenario, report);
  checkHome(scenario, report);
  checkCatalogueChanges(scenario.catalogue, catalogue, report);
  return problems;
};
