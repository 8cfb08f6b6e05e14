/** Checks the persistent volumes of one cluster of a scenario, and the volumes of its workloads. */
import type { ScenarioCluster } from '../scenario/scenario.ts';
import { type Path, type Report, reportDuplicates } from './scenario-problems.ts';

/** `path` is the cluster's path. */
export const checkPersistentVolumes = (cluster: ScenarioCluster, path: Path, report: Report): void => {
  const { persistentVolumes, workloads } = cluster;
  const claimOf = ({ claim }: (typeof persistentVolumes)[number]): string | undefined =>
    claim && `${claim.namespace}/${claim.name}`;
  reportDuplicates(
    persistentVolumes,
    ({ name }) => name,
    (index) => [...path, 'persistentVolumes', index, 'name'],
    'the PersistentVolume',
    report,
  );
  const claims = new Set<string>();
  for (const [index, volume] of persistentVolumes.entries()) {
    const claim = claimOf(volume);
    if (claim === undefined) continue;
    if (claims.has(claim))
      report(
        [...path, 'persistentVolumes', index, 'claim'],
        `the claim ${claim} is bound to another volume of the list. Give this one another claim, or remove it.`,
      );
    claims.add(claim);
  }
  for (const [index, { namespace, volumes = [] }] of workloads.entries()) {
    const here = [...path, 'workloads', index, 'volumes'];
    reportDuplicates(
      volumes,
      ({ name }) => name,
      (position) => [...here, position, 'name'],
      'the volume',
      report,
    );
    reportDuplicates(
      volumes,
      ({ mountPath }) => mountPath,
      (position) => [...here, position, 'mountPath'],
      'the mount path',
      report,
    );
    for (const [position, { claim }] of volumes.entries())
      if (claim !== undefined && !claims.has(`${namespace}/${claim}`))
        report(
          [...here, position, 'claim'],
          `no PersistentVolume has the claim ${namespace}/${claim}. Add one to persistentVolumes.`,
        );
  }
};
