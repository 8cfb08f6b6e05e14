/** Checks the workloads and service accounts of one cluster of a scenario. */
import type { Catalogue } from '../catalog/catalogue.ts';
import type { ScenarioCluster } from '../scenario/scenario.ts';
import { type Path, type Report, reportDuplicates } from './scenario-problems.ts';

/** Checks that a variable has either a value or a Secret as its source. */
export const checkVariables = (
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

export const checkWorkloads = (cluster: ScenarioCluster, path: Path, catalogue: Catalogue, report: Report): void => {
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
    if (workload.kind === 'StatefulSet' && workload.maxUnavailable !== undefined)
      report(
        [...path, index, 'maxUnavailable'],
        'a StatefulSet does not have maxUnavailable. Remove it, or change kind to DaemonSet.',
      );
    if (workload.kind !== 'Deployment' && workload.maxSurge !== undefined)
      report(
        [...path, index, 'maxSurge'],
        `a ${workload.kind} does not have maxSurge here. Remove it, or change kind to Deployment.`,
      );
    if (workload.kind !== 'Deployment' && workload.updateStrategy === 'Recreate')
      report(
        [...path, index, 'updateStrategy'],
        `a ${workload.kind} does not support Recreate. Remove it, or change kind to Deployment.`,
      );
    if (workload.kind === 'Deployment' && workload.updateStrategy === 'OnDelete')
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

/** `path` is the cluster's path. */
export const checkServiceAccounts = ({ serviceAccounts, pods }: ScenarioCluster, path: Path, report: Report): void => {
  reportDuplicates(
    serviceAccounts,
    ({ namespace, name }) => `${namespace}/${name}`,
    (index) => [...path, 'serviceAccounts', index, 'name'],
    'the service account',
    report,
  );
  for (const [index, { identity, roleArn }] of pods.entries())
    if (roleArn !== undefined && identity !== 'irsa')
      report([...path, 'pods', index, 'roleArn'], 'only pods with IRSA have a role of their own. Remove it.');
};
