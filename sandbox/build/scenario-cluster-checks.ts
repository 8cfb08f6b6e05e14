/** Checks one cluster of a scenario: that its parts fit each other, its account and the catalogue. */
import type { Catalogue, CatalogueAddon } from '../catalog/catalogue.ts';
import { isJson } from '../json.ts';
import { isWorkloadKind } from '../objects/store.ts';
import type { ScenarioAddon, ScenarioCluster } from '../scenario/scenario.ts';
import { checkOwners } from './scenario-owner-checks.ts';
import { checkRoleAccount, type Path, type Report, reportDuplicates } from './scenario-problems.ts';
import { checkPersistentVolumes } from './scenario-storage-checks.ts';
import { checkServiceAccounts, checkVariables, checkWorkloads } from './scenario-workload-checks.ts';

/**
 * Checks that fields of a workload belong to one that the add-on has; the catalogue does not list the add-on's other
 * objects.
 */
const checkModifiedFields = (addon: ScenarioAddon, known: CatalogueAddon, path: Path, report: Report): void => {
  const fields = addon.modifiedFields ?? [];
  const workloads = known.objects.workloads.map(({ kind, name }) => `${kind}.apps ${name}`);
  for (const [index, { field, value }] of fields.entries()) {
    const [object = ''] = field.split(' - ');
    const isWorkload = isWorkloadKind(object.split(/\W/)[0] ?? '');
    if (isWorkload && !workloads.includes(object))
      report([...path, index, 'field'], `${addon.name} has no ${object}. It has: ${workloads.join(', ')}.`);
    if (!isWorkload && value !== undefined)
      report([...path, index, 'value'], `the sandbox has no ${object} to set it in. Remove the value.`);
  }
  reportDuplicates(
    fields,
    ({ field }) => field,
    (index) => [...path, index, 'field'],
    'the field',
    report,
  );
};

/** Checks that settings of containers name a workload and container of the add-on. */
const checkContainers = (
  name: string,
  settings: readonly { workload?: string | undefined; container?: string | undefined }[],
  { objects: { workloads } }: CatalogueAddon,
  path: Path,
  report: Report,
): void => {
  for (const [index, { workload, container }] of settings.entries()) {
    const fitting = workloads.filter((each) => workload === undefined || each.name === workload);
    if (fitting.length === 0) {
      report(
        [...path, index, 'workload'],
        `${name} has no workload ${workload ?? ''}. It has: ${workloads.map((each) => each.name).join(', ')}.`,
      );
      continue;
    }
    const containers = [...new Set(fitting.flatMap((one) => one.containers.map((each) => each.name)))];
    if (container !== undefined && !containers.includes(container))
      report(
        [...path, index, 'container'],
        `${workload ?? name} has no container ${container}. It has: ${containers.join(', ')}.`,
      );
  }
};

/** Checks that the cluster can have its nodes, and that some node can serve its profiles. */
const checkNodes = ({ autoMode, nodes, fargateProfiles = [] }: ScenarioCluster, path: Path, report: Report): void => {
  const groups = typeof nodes === 'number' ? [] : nodes;
  for (const [index, { os, compute }] of groups.entries()) {
    if (compute === 'auto' && !autoMode)
      report(
        [...path, 'nodes', index, 'compute'],
        'the cluster does not use Auto Mode. Set its autoMode to true, or change compute.',
      );
    if (os === 'windows' && compute !== undefined && compute !== 'ec2')
      report(
        [...path, 'nodes', index, 'os'],
        `${compute} does not support Windows nodes. Change os to linux, or compute to ec2.`,
      );
    if (os === 'windows' && compute === undefined && autoMode)
      report(
        [...path, 'nodes', index, 'os'],
        'Auto Mode does not support Windows nodes. Change os to linux, or add "compute": "ec2".',
      );
  }
  if (fargateProfiles.length > 0 && !groups.some(({ compute }) => compute === 'fargate'))
    report(
      [...path, 'fargateProfiles'],
      'the cluster has no Fargate nodes. Add a group to nodes: { "count": 2, "compute": "fargate" }.',
    );
  reportDuplicates(
    fargateProfiles,
    ({ name }) => name,
    (index) => [...path, 'fargateProfiles', index, 'name'],
    'the Fargate profile',
    report,
  );
};

const checkAddons = (
  cluster: ScenarioCluster,
  account: string,
  path: Path,
  catalogue: Catalogue,
  report: Report,
): void => {
  for (const [index, addon] of cluster.addons.entries()) {
    const here = [...path, 'addons', index];
    checkRoleAccount(addon.serviceAccountRoleArn, account, [...here, 'serviceAccountRoleArn'], report);
    const known = catalogue.get(addon.name);
    if (known) {
      checkModifiedFields(addon, known, [...here, 'modifiedFields'], report);
      const { name, extraEnv = [], software = [] } = addon;
      checkVariables(extraEnv, [...here, 'extraEnv'], report);
      checkContainers(name, extraEnv, known, [...here, 'extraEnv'], report);
      checkContainers(name, software, known, [...here, 'software'], report);
    }
    if (!known) {
      report(
        [...here, 'name'],
        `the sandbox's catalogue has no add-on ${addon.name}. It has: ${[...catalogue.keys()].sort().join(', ')}.`,
      );
    } else if (!known.versions.some((version) => version.version === addon.version)) {
      const offered = known.versions
        .filter((version) => version.kubernetesVersions.includes(cluster.version))
        .map((version) => version.version);
      report(
        [...here, 'version'],
        `the catalogue has no version ${addon.version} of ${addon.name}. For Kubernetes ${cluster.version} it has: ${offered.join(', ') || 'none'}.`,
      );
    }
  }
};

const checkAssociations = (cluster: ScenarioCluster, account: string, path: Path, report: Report): void => {
  const installed = cluster.addons.map((addon) => addon.name);
  for (const [index, association] of cluster.associations.entries()) {
    const here = [...path, 'associations', index];
    checkRoleAccount(association.roleArn, account, [...here, 'roleArn'], report);
    if (association.owner !== undefined && !installed.includes(association.owner)) {
      report(
        [...here, 'owner'],
        `the add-on ${association.owner} is not installed on cluster ${cluster.name}. Add it to the cluster's addons, or omit owner for a standalone association.`,
      );
    }
    if (association.policy === undefined) continue;
    if (!isJson(association.policy))
      report([...here, 'policy'], 'the text is not JSON. Write a policy document as text, with its quotes escaped.');
    if (association.disableSessionTags !== true)
      report(
        [...here, 'disableSessionTags'],
        'must be true if there is a policy, as EKS requires. Add "disableSessionTags": true.',
      );
  }
  reportDuplicates(
    cluster.associations,
    (each) => `${each.namespace}/${each.serviceAccount}`,
    (index) => [...path, 'associations', index],
    'the association of',
    report,
  );
  const withId = cluster.associations.flatMap(({ id }, index) => (id === undefined ? [] : [{ id, index }]));
  reportDuplicates(
    withId,
    ({ id }) => id,
    (index) => [...path, 'associations', withId[index]?.index ?? 0, 'id'],
    'the association id',
    report,
  );
};

/**
 * Checks that all custom resources of one name have the same kind: that of the add-on that brings their definition, or
 * else that of the first resource.
 */
const checkCustomResources = (cluster: ScenarioCluster, path: Path, catalogue: Catalogue, report: Report): void => {
  const known = new Map<string, { kind: string; namespaced: boolean; versions?: string[]; origin: string }>();
  for (const addon of cluster.addons) {
    for (const kind of catalogue.get(addon.name)?.objects.customKinds ?? [])
      known.set(`${kind.plural}.${kind.group}`, { ...kind, origin: `as ${addon.name} defines them` });
  }
  for (const [index, kind] of cluster.customResourceDefinitions.entries()) {
    const resource = `${kind.plural}.${kind.group}`;
    const defined = known.get(resource);
    const here = [...path.slice(0, -1), 'customResourceDefinitions', index];
    if (defined) report(here, `${resource} are defined twice, ${defined.origin}. Remove this definition.`);
    else known.set(resource, { ...kind, origin: 'as customResourceDefinitions has them' });
  }
  for (const [index, { apiVersion, kind, plural, namespace }] of cluster.customResources.entries()) {
    const [group = '', version = ''] = apiVersion.split('/');
    const resource = `${plural}.${group}`;
    const defined = known.get(resource);
    if (!defined) {
      known.set(resource, {
        kind,
        namespaced: namespace !== undefined,
        versions: [version],
        origin: `as item ${index} of the list declares them`,
      });
      continue;
    }
    if (defined.kind !== kind)
      report([...path, index, 'kind'], `${resource}, ${defined.origin}, are of kind ${defined.kind}. Change it.`);
    if (defined.versions && !defined.versions.includes(version))
      report(
        [...path, index, 'apiVersion'],
        `${resource}, ${defined.origin}, are served in ${defined.versions.map((each) => `${group}/${each}`).join(', ')}. Change it.`,
      );
    if (defined.namespaced !== (namespace !== undefined))
      report(
        [...path, index, 'namespace'],
        `${resource}, ${defined.origin}, ${defined.namespaced ? 'have a namespace. Add it' : 'have no namespace. Remove it'}.`,
      );
  }
  const nameOf = ({ apiVersion, plural, namespace, name }: ScenarioCluster['customResources'][number]): string =>
    `${plural}.${apiVersion.split('/')[0]} ${namespace === undefined ? '' : `${namespace}/`}${name}`;
  reportDuplicates(cluster.customResources, nameOf, (index) => [...path, index], 'the custom resource', report);
};

const checkAccess = (cluster: ScenarioCluster, path: Path, report: Report): void => {
  const entries = cluster.accessEntries ?? [];
  for (const [index, entry] of entries.entries()) {
    const here = [...path, 'accessEntries', index];
    if (entry.type !== 'STANDARD' && (entry.policies.length > 0 || entry.kubernetesGroups.length > 0)) {
      report(
        [...here, 'type'],
        `an entry of type ${entry.type} is for nodes and supports neither policies nor kubernetesGroups. Change the type to STANDARD, or remove them.`,
      );
    }
    reportDuplicates(
      entry.policies,
      ({ policyArn }) => policyArn,
      (position) => [...here, 'policies', position, 'policyArn'],
      'the access policy',
      report,
    );
  }
  reportDuplicates(
    entries,
    ({ principalArn }) => principalArn,
    (index) => [...path, 'accessEntries', index, 'principalArn'],
    'the access entry of',
    report,
  );
  const nameOf = ({ kind, metadata }: ScenarioCluster['rbac'][number]): string =>
    `${kind} ${'namespace' in metadata ? `${metadata.namespace}/` : ''}${metadata.name}`;
  reportDuplicates(cluster.rbac, nameOf, (index) => [...path, 'rbac', index, 'metadata', 'name'], 'the', report);
};

export const checkCluster = (
  cluster: ScenarioCluster,
  { account, roles }: { account: string; roles: ReadonlySet<string> },
  path: Path,
  catalogue: Catalogue,
  report: Report,
): void => {
  reportDuplicates(
    cluster.addons,
    (addon) => addon.name,
    (index) => [...path, 'addons', index, 'name'],
    'the add-on',
    report,
  );
  checkNodes(cluster, path, report);
  checkAddons(cluster, account, path, catalogue, report);
  checkAssociations(cluster, account, path, report);
  checkWorkloads(cluster, [...path, 'workloads'], catalogue, report);
  checkServiceAccounts(cluster, path, report);
  checkPersistentVolumes(cluster, path, report);
  checkCustomResources(cluster, [...path, 'customResources'], catalogue, report);
  checkAccess(cluster, path, report);
  checkOwners(cluster, { account, roles }, path, report);
  reportDuplicates(
    cluster.networkPolicies,
    ({ metadata: { namespace, name } }) => `${namespace}/${name}`,
    (index) => [...path, 'networkPolicies', index, 'metadata', 'name'],
    'the NetworkPolicy',
    report,
  );
  reportDuplicates(
    cluster.disruptionBudgets,
    ({ namespace, name }) => `${namespace}/${name}`,
    (index) => [...path, 'disruptionBudgets', index, 'name'],
    'the PodDisruptionBudget',
    report,
  );
};
