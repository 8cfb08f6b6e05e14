/** Checks one cluster of a scenario: that its parts fit each other, its account and the catalogue. */
import type { Catalogue, CatalogueAddon } from '../catalog/catalogue.ts';
import { isJson } from '../json.ts';
import { isWorkloadKind } from '../kubernetes/store.ts';
import type { ScenarioAddon, ScenarioCluster } from './scenario.ts';
import { checkRoleAccount, type Path, type Report, reportDuplicates } from './scenario-problems.ts';

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

/** Checks that a variable has either a value or a Secret as its source. */
const checkVariables = (
  variables: { name: string; value?: string | undefined; secret?: object | undefined }[],
  path: Path,
  report: Report,
): void => {
  for (const [index, { name, value, secret }] of variables.entries()) {
    if ((value === undefined) === (secret === undefined))
      report(
        [...path, index],
        `${name} needs either a value or a secret. ${value === undefined ? 'Add one of them' : 'Remove one of them'}.`,
      );
  }
};

/** Checks that added environment variables belong to a workload and container of the add-on. */
const checkExtraEnv = (
  { name, extraEnv = [] }: ScenarioAddon,
  known: CatalogueAddon,
  path: Path,
  report: Report,
): void => {
  checkVariables(extraEnv, path, report);
  const { workloads } = known.objects;
  for (const [index, { workload, container }] of extraEnv.entries()) {
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
      checkExtraEnv(addon, known, [...here, 'extraEnv'], report);
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

const checkWorkloads = (cluster: ScenarioCluster, path: Path, catalogue: Catalogue, report: Report): void => {
  const owners = new Map<string, string>();
  for (const addon of cluster.addons) {
    const { namespace, workloads } = catalogue.get(addon.name)?.objects ?? { namespace: '', workloads: [] };
    for (const { kind, name } of workloads) owners.set(`${kind} ${addon.namespace ?? namespace}/${name}`, addon.name);
  }
  for (const [index, workload] of cluster.workloads.entries()) {
    const owner = owners.get(`${workload.kind} ${workload.namespace}/${workload.name}`);
    if (owner !== undefined)
      report(
        [...path, index],
        `the add-on ${owner} has a ${workload.kind} of that name. Remove the add-on from the cluster's addons for a self-managed one, or give the workload another name.`,
      );
    for (const [position, { env }] of (workload.containers ?? []).entries())
      checkVariables(env, [...path, index, 'containers', position, 'env'], report);
    if (workload.kind === 'DaemonSet' && workload.replicas !== undefined)
      report(
        [...path, index, 'replicas'],
        'a DaemonSet has one pod on each node. Remove replicas, or change kind to Deployment.',
      );
    if (workload.kind !== 'Deployment' && workload.paused)
      report(
        [...path, index, 'paused'],
        `a ${workload.kind} cannot be paused. Remove paused, or change kind to Deployment.`,
      );
    if (workload.kind !== 'DaemonSet' && workload.maxUnavailable !== undefined)
      report(
        [...path, index, 'maxUnavailable'],
        `a ${workload.kind} does not have maxUnavailable. Remove it, or change kind to DaemonSet.`,
      );
    if (workload.kind === 'Deployment' && workload.updateStrategy !== undefined)
      report(
        [...path, index, 'updateStrategy'],
        'a Deployment does not support this strategy. Remove it, or add "paused": true, which also keeps its pods from rolling.',
      );
  }
  reportDuplicates(
    cluster.workloads,
    ({ kind, namespace, name }) => `${kind} ${namespace}/${name}`,
    (index) => [...path, index],
    'the workload',
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
  account: string,
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
  checkCustomResources(cluster, [...path, 'customResources'], catalogue, report);
  checkAccess(cluster, path, report);
  reportDuplicates(
    cluster.disruptionBudgets,
    ({ namespace, name }) => `${namespace}/${name}`,
    (index) => [...path, 'disruptionBudgets', index, 'name'],
    'the PodDisruptionBudget',
    report,
  );
};
