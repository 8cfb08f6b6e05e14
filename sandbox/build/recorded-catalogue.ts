/** The catalogue of one scenario: the sandbox's own, with the add-ons that the scenario recorded. */
import type { WorkloadTemplate } from '../objects/objects.ts';
import { containerTemplateOf } from './environment.ts';
import type { ScenarioCatalogueChange, ScenarioRecordedAddon } from '../scenario/scenario-recorded.ts';
import type { Catalogue, CatalogueAddon, CatalogueVersion } from '../catalog/catalogue.ts';
import { loadCatalogue } from '../catalog/index.ts';

type Containers = NonNullable<ScenarioRecordedAddon['workloads']>[number]['containers'];

const containersOf = (containers: Containers): WorkloadTemplate['containers'] => containers.map(containerTemplateOf);

/** Returns a workload without the fields that are not set, as the catalogue's own workloads are. */
const workloadOf = ({
  containers,
  initContainers,
  paused,
  hostNetwork,
  ...rest
}: NonNullable<ScenarioRecordedAddon['workloads']>[number]): WorkloadTemplate => {
  const isSet = ([, value]: [string, unknown]): boolean => value !== undefined;
  return {
    // The filter makes optional fields exact.
    ...(Object.fromEntries(Object.entries(rest).filter(isSet)) as unknown as Omit<WorkloadTemplate, 'containers'>),
    ...(paused ? { paused } : {}),
    ...(hostNetwork ? { hostNetwork } : {}),
    ...(initContainers ? { initContainers: containersOf(initContainers) } : {}),
    containers: containersOf(containers),
  };
};

const versionOf = ({ podIdentity, ...version }: ScenarioRecordedAddon['versions'][number]): CatalogueVersion => ({
  ...version,
  ...(podIdentity.length > 0 ? { podIdentity } : {}),
});

/** `own`: the add-on in the sandbox's catalogue, which has what the recording left out. */
const addonOf = (
  name: string,
  { type, publisher, owner, namespace, versions, ...recorded }: ScenarioRecordedAddon,
  own: CatalogueAddon | undefined,
): CatalogueAddon => {
  const supported = versions.flatMap(({ podIdentity }) => podIdentity.map(({ serviceAccount }) => serviceAccount));
  const { serviceAccounts = own?.objects.serviceAccounts ?? [], irsaServiceAccounts } = recorded;
  return {
    name,
    type,
    publisher,
    owner,
    objects: {
      ...own?.objects,
      namespace,
      serviceAccounts,
      workloads: recorded.workloads?.map(workloadOf) ?? own?.objects.workloads ?? [],
      ...(recorded.workloads ? { recorded: true } : {}),
    },
    irsaServiceAccounts: irsaServiceAccounts ?? own?.irsaServiceAccounts ?? [...new Set(supported)],
    configurationSchema: own?.configurationSchema ?? '{}',
    versions: versions.map(versionOf),
  };
};

/** Returns a new catalogue with the recorded add-ons of a scenario; withdrawn versions are still offered in it. */
export const catalogueWith = (changes: readonly ScenarioCatalogueChange[]): Catalogue => {
  const catalogue = loadCatalogue();
  for (const { addon, recorded } of changes)
    if (recorded) catalogue.set(addon, addonOf(addon, recorded, catalogue.get(addon)));
  return catalogue;
};
