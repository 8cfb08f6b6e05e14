/** Maps what EKS answered about add-ons, and their objects in the cluster, to a scenario. */
import { NAME_LABEL } from '../../lambdas/domain/verification/pod-identity.ts';
import { namespaceOf } from '../../lambdas/domain/addons/registry.ts';
import { VPC_CNI, vpcCniEnforces } from '../../lambdas/domain/network/enforcement.ts';
import { SERVICE_MANAGER } from '../../lambdas/domain/kubernetes/objects.ts';
import type { Pod } from '../../lambdas/ports/index.ts';
import { loadCatalogue } from '../../sandbox/catalog/index.ts';
import type { ScenarioInput } from '../../sandbox/scenario/scenario.ts';
import { keptTags } from './keep.ts';
import { isOfEks, workloadFields } from './map-workloads.ts';
import type { KubernetesObjects, RecordedWorkload } from './read-kubernetes.ts';
import type { AddonAnswers } from './recording.ts';

type Cluster = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
export type AddonInput = NonNullable<Cluster['addons']>[number];
export type CatalogueInput = NonNullable<ScenarioInput['catalogue']>[number];
type VersionInput = NonNullable<CatalogueInput['recorded']>['versions'][number];

/** Returns the namespace of an installed add-on's objects, if any answer has it. */
export const placeOf = ({ name, addon, offered }: AddonAnswers): string | undefined =>
  namespaceOf({ name, namespace: addon?.namespaceConfig?.namespace }, offered?.defaultNamespace);

const supportedBy = ({ configurations }: AddonAnswers): string[] => [
  ...new Set(
    [...configurations.values()].flatMap(({ podIdentityConfiguration = [] }) =>
      podIdentityConfiguration.flatMap(({ serviceAccount }) => serviceAccount ?? []),
    ),
  ),
];

/** Names and labels of add-ons' workloads that differ from the name of the add-on. */
const ALIASES: Record<string, string[]> = { 'vpc-cni': ['aws-node'], coredns: ['coredns', 'kube-dns'] };

/**
 * Returns the add-on of each workload that EKS applied: in its namespace, the one that supports its service account, that
 * is known to have such a workload, or whose name its labels have; otherwise the only one of that namespace.
 */
export const ownersOf = (
  workloads: readonly RecordedWorkload[],
  addons: readonly AddonAnswers[],
): Map<RecordedWorkload, string> => {
  const catalogue = loadCatalogue();
  const installed = addons.filter(({ addon }) => addon !== undefined);
  const owners = new Map<RecordedWorkload, string>();
  for (const workload of workloads.filter(isOfEks)) {
    const there = installed.filter((one) => placeOf(one) === workload.namespace);
    const names = new Set([workload.name, ...Object.values(workload.labels)]);
    const known = ({ name }: AddonAnswers): boolean =>
      catalogue.get(name)?.objects.workloads.some((one) => one.kind === workload.kind && one.name === workload.name) ===
      true;
    const found =
      there.find(known) ??
      there.find((one) => supportedBy(one).includes(workload.serviceAccount)) ??
      there.find(({ name }) => [name, ...(ALIASES[name] ?? [])].some((alias) => names.has(alias))) ??
      (there.length === 1 ? there[0] : undefined);
    if (found) owners.set(workload, found.name);
  }
  // Workloads with the same label as one of the add-on's.
  const byLabel = new Map<string, string>();
  for (const [{ namespace, labels }, name] of owners) {
    const label = labels[NAME_LABEL];
    if (label !== undefined) byLabel.set(`${namespace}/${label}`, name);
  }
  for (const workload of workloads) {
    const name = byLabel.get(`${workload.namespace}/${workload.labels[NAME_LABEL] ?? ''}`);
    if (!owners.has(workload) && isOfEks(workload) && name !== undefined) owners.set(workload, name);
  }
  return owners;
};

const versionsOf = (answers: AddonAnswers, kubernetesVersion: string): VersionInput[] => {
  const { addon, offered, configurations } = answers;
  const all = offered?.addonVersions ?? [];
  const usual = all.find(({ compatibilities = [] }) => compatibilities.some(({ defaultVersion }) => defaultVersion));
  const ofUsual = configurations.get(usual?.addonVersion ?? all[0]?.addonVersion ?? '');
  const one = (version: string, rest: Partial<VersionInput>): VersionInput => {
    const configuration = configurations.get(version) ?? ofUsual;
    const podIdentity = (configuration?.podIdentityConfiguration ?? []).flatMap(
      ({ serviceAccount, recommendedManagedPolicies = [] }) =>
        serviceAccount === undefined ? [] : [{ serviceAccount, recommendedManagedPolicies }],
    );
    const schema = configuration?.configurationSchema;
    return {
      version,
      ...rest,
      ...(podIdentity.length > 0 ? { podIdentity } : {}),
      ...(schema === undefined || schema === '' ? {} : { configurationSchema: schema }),
    };
  };
  const versions = all.flatMap(({ addonVersion, compatibilities = [], requiresIamPermissions }) =>
    addonVersion === undefined
      ? []
      : [
          one(addonVersion, {
            kubernetesVersions: [kubernetesVersion],
            ...(compatibilities.some(({ defaultVersion }) => defaultVersion)
              ? { defaultFor: [kubernetesVersion] }
              : {}),
            ...(requiresIamPermissions === true ? { requiresIamPermissions } : {}),
          }),
        ],
  );
  const installed = addon?.addonVersion;
  const isOffered = installed === undefined || versions.some(({ version }) => version === installed);
  return isOffered
    ? versions
    : [...versions, one(installed, { kubernetesVersions: [kubernetesVersion], offered: false })];
};

export interface AddonObjects {
  workloads: RecordedWorkload[];
  podsOf: (workload: RecordedWorkload) => readonly Pod[];
  selected: ReadonlySet<string>;
  accounts: KubernetesObjects['accounts'];
}

const compare = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

/** Returns what a catalogue knows of the add-on; undefined if EKS answered nothing. `objects`: those of the cluster. */
export const recordedAddon = (
  answers: AddonAnswers,
  kubernetesVersion: string,
  objects: AddonObjects | undefined,
): CatalogueInput | undefined => {
  const { name, addon, offered } = answers;
  const versions = versionsOf(answers, kubernetesVersion);
  const namespace = offered?.defaultNamespace ?? placeOf(answers);
  if (versions.length === 0 || namespace === undefined) return undefined;
  const place = placeOf(answers);
  const labelled = (objects?.accounts ?? []).filter(
    (one) =>
      one.namespace === place &&
      one.labels[NAME_LABEL] === name &&
      one.labels['app.kubernetes.io/managed-by'] === 'EKS',
  );
  const accounts = new Set([
    ...(objects?.workloads ?? []).map(({ serviceAccount }) => serviceAccount),
    ...labelled.map((one) => one.name),
  ]);
  accounts.delete('default');
  const role = addon?.serviceAccountRoleArn;
  const annotated = (objects?.accounts ?? []).filter(
    (one) =>
      one.namespace === place &&
      role &&
      one.annotations['eks.amazonaws.com/role-arn'] === role &&
      accounts.has(one.name),
  );
  const hasObjects = addon !== undefined && objects !== undefined;
  return {
    addon: name,
    recorded: {
      ...(offered?.type === undefined ? {} : { type: offered.type }),
      ...(offered?.publisher === undefined ? {} : { publisher: offered.publisher }),
      ...(offered?.owner === undefined ? {} : { owner: offered.owner }),
      namespace,
      versions,
      ...(hasObjects
        ? {
            serviceAccounts: [...accounts].sort(compare),
            workloads: objects.workloads.map((one) => {
              const { containers = [], ...fields } = workloadFields(one, objects.podsOf(one), objects.selected);
              return { ...fields, containers };
            }),
          }
        : {}),
      ...(hasObjects && annotated.length > 0
        ? { irsaServiceAccounts: annotated.map((one) => one.name).sort(compare) }
        : {}),
    },
  };
};

type ModifiedInput = NonNullable<AddonInput['modifiedFields']>[number];
const FIELD = /^[A-Z]\w*(\.[\w.-]+)? [\w.:-]+ - \.\S+$/;
const NOTES = '.metadata.annotations.deployment.kubernetes.io/';
const RESTART = 'kubectl.kubernetes.io/restartedAt';

/**
 * Returns the fields that other managers than EKS own. The annotation of a restart is left out: EKS sets no such field, and
 * it conflicts with nothing. Of the values, only the number of replicas is recorded.
 */
export const modifiedFields = (workloads: readonly RecordedWorkload[]): ModifiedInput[] => {
  const found = new Map<string, ModifiedInput>();
  for (const { kind, name, managedFields, desired } of workloads) {
    const ofEks = new Set(managedFields.filter(({ manager }) => manager === 'eks').flatMap(({ fields }) => fields));
    for (const { manager, subresource, fields } of managedFields) {
      if (manager === '' || manager === 'eks' || manager === SERVICE_MANAGER) continue;
      if (subresource !== undefined && subresource !== 'scale') continue;
      for (const path of fields) {
        const field = `${kind}.apps ${name} - ${path}`;
        if (ofEks.has(path) || path.startsWith(NOTES) || path.includes(RESTART) || !FIELD.test(field)) continue;
        if (found.has(field)) continue;
        found.set(field, {
          field,
          manager,
          ...(subresource === undefined ? {} : { subresource }),
          ...(path === '.spec.replicas' ? { value: desired } : {}),
        });
      }
    }
  }
  return [...found.values()];
};

/** Returns of the VPC CNI's configuration whether it enforces network policies, on which a plan depends. */
const enforcing = (name: string, values: string | undefined): Pick<AddonInput, 'configurationValues'> =>
  name === VPC_CNI && vpcCniEnforces(values)
    ? { configurationValues: JSON.stringify({ enableNetworkPolicy: 'true' }) }
    : {};

const STATUSES = ['ACTIVE', 'DEGRADED', 'CREATE_FAILED', 'UPDATE_FAILED', 'CREATING', 'UPDATING', 'DELETING'] as const;

/** Returns an installed add-on; undefined for the agent if it is not installed. */
export const installedAddon = (
  { name, addon, offered }: AddonAnswers,
  workloads: readonly RecordedWorkload[],
  { withConfiguration }: { withConfiguration: boolean },
): AddonInput | undefined => {
  if (!addon) return undefined;
  const { addonVersion = '', serviceAccountRoleArn, configurationValues, createdAt, namespaceConfig } = addon;
  const status = STATUSES.find((one) => one === addon.status) ?? 'DEGRADED';
  const namespace = namespaceConfig?.namespace;
  const modified = modifiedFields(workloads);
  const tags = keptTags(addon.tags);
  return {
    name,
    version: addonVersion,
    ...(status === 'ACTIVE' ? {} : { status }),
    ...(namespace === undefined || namespace === namespaceOf({ name }, offered?.defaultNamespace) ? {} : { namespace }),
    ...(serviceAccountRoleArn ? { serviceAccountRoleArn } : {}),
    ...(withConfiguration && configurationValues ? { configurationValues } : enforcing(name, configurationValues)),
    ...(modified.length > 0 ? { modifiedFields: modified } : {}),
    ...(Object.keys(tags).length > 0 ? { tags } : {}),
    ...(createdAt ? { createdAt: createdAt.toISOString() } : {}),
  };
};
