/** Checks what shows the owners of a cluster's resources: capabilities and controllers. */
import type { ScenarioCluster } from '../scenario/scenario.ts';
import { checkRoleAccount, type Path, type Report, reportDuplicates } from './scenario-problems.ts';

/** EKS API reference, CreateCapability: one of each type, with a role of the account. */
const checkCapabilities = ({ capabilities }: ScenarioCluster, account: string, path: Path, report: Report): void => {
  for (const [index, { roleArn }] of capabilities.entries())
    checkRoleAccount(roleArn, account, [...path, index, 'roleArn'], report);
  reportDuplicates(
    capabilities,
    ({ type }) => type,
    (index) => [...path, index, 'type'],
    'a capability of type',
    report,
  );
  reportDuplicates(
    capabilities,
    ({ name }) => name,
    (index) => [...path, index, 'name'],
    'the capability',
    report,
  );
};

const checkControllers = (
  cluster: ScenarioCluster,
  account: string,
  roles: ReadonlySet<string>,
  path: Path,
  report: Report,
): void => {
  const ids = cluster.associations.flatMap(({ id }) => (id === undefined ? [] : [id]));
  for (const [index, { tool, owns, name, roleArn }] of cluster.controllers.entries()) {
    const here = [...path, index];
    const isInCluster = tool === 'argo-cd' || tool === 'flux';
    if ((owns === 'annotation') !== isInCluster)
      report(
        [...here, 'owns'],
        isInCluster
          ? `${tool} puts back objects of the cluster. Change it to annotation.`
          : `${tool} puts back resources of AWS. Change it to add-on, association or trust-policy.`,
      );
    const known = { 'add-on': cluster.addons.map((addon) => addon.name), association: ids, 'trust-policy': [...roles] };
    if (owns === 'annotation') {
      if (!/^[^/]+\/[^/]+$/.test(name)) report([...here, 'name'], 'must be namespace/name of a service account.');
    } else if (!known[owns].includes(name))
      report([...here, 'name'], `there is no such ${owns}. There are: ${known[owns].join(', ') || 'none'}.`);
    checkRoleAccount(roleArn, account, [...here, 'roleArn'], report);
    if (roleArn !== undefined && !roles.has(roleArn))
      report([...here, 'roleArn'], `the account has no such role. Add it to roles, or remove it here.`);
  }
};

/** Checks the capabilities and controllers of a cluster. `path` is the cluster's path; `roles`: those of the account. */
export const checkOwners = (
  cluster: ScenarioCluster,
  { account, roles }: { account: string; roles: ReadonlySet<string> },
  path: Path,
  report: Report,
): void => {
  checkCapabilities(cluster, account, [...path, 'capabilities'], report);
  checkControllers(cluster, account, roles, [...path, 'controllers'], report);
};
