/** What a scenario's schema can't see: that its parts fit each other, its accounts and the catalogue. */
import type { Catalogue } from '../catalog/catalogue.ts';
import type { Scenario, ScenarioCluster } from './scenario.ts';

export interface ScenarioProblem {
  /** Path inside the file. */
  path: (string | number)[];
  /** What is wrong there and what to do about it. */
  message: string;
}

type Report = (path: (string | number)[], message: string) => void;

const accountOf = (arn: string): string => arn.split(':')[4] ?? '';

/** Reports every item whose key another one before it has. */
const reportDuplicates = <T>(items: T[], keyOf: (item: T) => string, pathOf: (index: number) => (string | number)[], what: string, report: Report): void => {
  const first = new Map<string, number>();
  for (const [index, item] of items.entries()) {
    const key = keyOf(item);
    const earlier = first.get(key);
    if (earlier === undefined) first.set(key, index);
    else report(pathOf(index), `${what} ${key} is there twice (the other one is number ${earlier} of the list, counted from 0). Remove one of them.`);
  }
};

const checkRoleAccount = (arn: string | undefined, account: string, path: (string | number)[], report: Report): void => {
  if (arn === undefined || accountOf(arn) === account) return;
  report(path, `the role is of account ${accountOf(arn)}, but stands in account ${account}. Change the ARN, or move the entry to the other account.`);
};

const checkAddons = (cluster: ScenarioCluster, account: string, path: (string | number)[], catalogue: Catalogue, report: Report): void => {
  for (const [index, addon] of cluster.addons.entries()) {
    const here = [...path, 'addons', index];
    checkRoleAccount(addon.serviceAccountRoleArn, account, [...here, 'serviceAccountRoleArn'], report);
    const known = catalogue.get(addon.name);
    if (!known) {
      report([...here, 'name'], `the sandbox's catalogue has no add-on ${addon.name}. It has: ${[...catalogue.keys()].sort().join(', ')}.`);
    } else if (!known.versions.some((version) => version.version === addon.version)) {
      const offered = known.versions.filter((version) => version.kubernetesVersions.includes(cluster.version)).map((version) => version.version);
      report([...here, 'version'], `the catalogue has no version ${addon.version} of ${addon.name}. For Kubernetes ${cluster.version} it has: ${offered.join(', ') || 'none'}.`);
    }
  }
};

const checkAssociations = (cluster: ScenarioCluster, account: string, path: (string | number)[], report: Report): void => {
  const installed = cluster.addons.map((addon) => addon.name);
  for (const [index, association] of cluster.associations.entries()) {
    const here = [...path, 'associations', index];
    checkRoleAccount(association.roleArn, account, [...here, 'roleArn'], report);
    if (association.owner !== undefined && !installed.includes(association.owner)) {
      report([...here, 'owner'], `the add-on ${association.owner} is not installed on cluster ${cluster.name}. Add it to the cluster's addons, or leave owner out for a stand-alone association.`);
    }
  }
  reportDuplicates(cluster.associations, (one) => `${one.namespace}/${one.serviceAccount}`, (index) => [...path, 'associations', index], 'the association of', report);
  const withId = cluster.associations.flatMap((one, index) => (one.id === undefined ? [] : [{ id: one.id, index }]));
  reportDuplicates(withId, (one) => one.id, (index) => [...path, 'associations', withId[index]?.index ?? 0, 'id'], 'the association id', report);
};

const isJson = (text: string): boolean => {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
};

/** Every way in which a scenario that passed its schema does not fit together; empty when it does. */
export const checkScenario = (scenario: Scenario, catalogue: Catalogue): ScenarioProblem[] => {
  const problems: ScenarioProblem[] = [];
  const report: Report = (path, message) => problems.push({ path, message });

  reportDuplicates(scenario.accounts, (account) => account.id, (index) => ['accounts', index, 'id'], 'the account', report);
  for (const [index, account] of scenario.accounts.entries()) {
    const here = ['accounts', index];
    for (const [position, role] of account.roles.entries()) {
      checkRoleAccount(role.arn, account.id, [...here, 'roles', position, 'arn'], report);
      if (typeof role.trustPolicy === 'string' && !isJson(role.trustPolicy)) {
        report([...here, 'roles', position, 'trustPolicy'], 'the text is not JSON. Write the policy as an object instead; it needs no escaping.');
      }
    }
    reportDuplicates(account.roles, (role) => role.arn.split('/').at(-1) ?? '', (position) => [...here, 'roles', position, 'arn'], 'the role name', report);
    reportDuplicates(account.clusters, (cluster) => `${cluster.name} in ${cluster.region}`, (position) => [...here, 'clusters', position, 'name'], 'the cluster', report);
    for (const [position, cluster] of account.clusters.entries()) {
      const path = [...here, 'clusters', position];
      reportDuplicates(cluster.addons, (addon) => addon.name, (addonIndex) => [...path, 'addons', addonIndex, 'name'], 'the add-on', report);
      checkAddons(cluster, account.id, path, catalogue, report);
      checkAssociations(cluster, account.id, path, report);
    }
  }

  const { home } = scenario;
  if (home && !scenario.accounts.some((account) => account.id === home.account)) {
    report(['home', 'account'], `there is no account ${home.account}. The scenario has: ${scenario.accounts.map((account) => account.id).join(', ')}.`);
  }
  for (const [index, change] of scenario.catalogue.entries()) {
    const known = catalogue.get(change.addon);
    if (!known) {
      report(['catalogue', index, 'addon'], `the sandbox's catalogue has no add-on ${change.addon}. It has: ${[...catalogue.keys()].sort().join(', ')}.`);
      continue;
    }
    for (const [position, version] of change.withdrawnVersions.entries()) {
      if (known.versions.some((one) => one.version === version)) continue;
      report(['catalogue', index, 'withdrawnVersions', position], `the catalogue has no version ${version} of ${change.addon}. It has: ${known.versions.map((one) => one.version).join(', ')}.`);
    }
  }
  return problems;
};
