/** Helpers for the catalogue's files: parts that all EKS add-ons have in common. */
import type { AddonObjects, CustomKind, WorkloadTemplate } from '../objects/objects.ts';
import type { CatalogueVersion } from './catalogue.ts';

type PodIdentity = CatalogueVersion['podIdentity'];

/**
 * Returns the policies that DescribeAddonConfiguration recommends. `policies`: AWS managed policies by service account.
 */
export const podIdentity = (policies: Record<string, string[]>): PodIdentity =>
  Object.entries(policies).map(([serviceAccount, names]) => ({
    serviceAccount,
    recommendedManagedPolicies: names.map((name) => `arn:aws:iam::aws:policy/${name}`),
  }));

/**
 * Returns an add-on's versions. `rows`, newest first: `[version, first and last supported Kubernetes version,
 * Kubernetes versions for which it is the default, whether it supports associations]`.
 */
export const versions = (
  rows: [version: string, from: number, to: number, defaultFor: number[], supportsAssociations: boolean][],
  options: { requiresIamPermissions: boolean; podIdentity?: PodIdentity },
): CatalogueVersion[] =>
  rows.map(([version, from, to, defaultFor, supportsAssociations]) => ({
    version,
    kubernetesVersions: Array.from({ length: to - from + 1 }, (_, index) => `1.${from + index}`),
    defaultFor: defaultFor.map((minor) => `1.${minor}`),
    ...(supportsAssociations && options.podIdentity ? { podIdentity: options.podIdentity } : {}),
    requiresIamPermissions: options.requiresIamPermissions,
    offered: true,
  }));

/** Returns the labels that EKS sets on an add-on's workloads and pods. */
export const labels = (addon: string, component: string): Record<string, string> => ({
  app: component,
  'app.kubernetes.io/name': addon,
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/managed-by': 'EKS',
});

/**
 * Tolerations of pods that run on every node: those of the Pod Identity agent since v1.2.0 (eks-pod-identity-agent and
 * the other charts, values.yaml).
 */
export const everyNode: NonNullable<WorkloadTemplate['tolerations']> = [{ operator: 'Exists' }];

/** EKS's registry in one region; each region has its own. */
const REGISTRY = '602401143452.dkr.ecr.us-west-2.amazonaws.com/eks';

const UNTAGGED = new RegExp(`^${REGISTRY.replaceAll('.', String.raw`\.`)}/[^:@]+$`);

const tagged = (workloads: readonly WorkloadTemplate[], version: string): WorkloadTemplate[] =>
  workloads.map((workload) => ({
    ...workload,
    containers: workload.containers.map((container) =>
      UNTAGGED.test(container.image) ? { ...container, image: `${container.image}:${version}` } : container,
    ),
  }));

/** Workloads in the versions that were asked for, by the workloads in the catalogue, which never change. */
const known = new WeakMap<readonly WorkloadTemplate[], Map<string, WorkloadTemplate[]>>();

/**
 * Returns an add-on's objects in one of its versions: images without a tag get the version, which is what EKS's own builds
 * have. Workloads are otherwise the same in all versions. Recorded workloads are as they were.
 */
export const ofVersion = (objects: AddonObjects, version: string): AddonObjects => {
  if (objects.recorded === true) return objects;
  const inVersions = known.get(objects.workloads) ?? new Map<string, WorkloadTemplate[]>();
  known.set(objects.workloads, inVersions);
  const workloads = inVersions.get(version) ?? tagged(objects.workloads, version);
  inVersions.set(version, workloads);
  return { ...objects, workloads };
};

/** Images of the containers next to CSI drivers, with tags of August 2026 (awslabs and kubernetes-sigs drivers, charts/values.yaml). */
export const SIDECAR = {
  provisioner: 'csi-provisioner:v6.3.0-eksbuild.4',
  attacher: 'csi-attacher:v4.12.0-eksbuild.5',
  snapshotter: 'csi-snapshotter:v8.6.0-eksbuild.5',
  resizer: 'csi-resizer:v2.2.1-eksbuild.3',
  liveness: 'livenessprobe:v2.19.0-eksbuild.5',
  registrar: 'csi-node-driver-registrar:v2.17.0-eksbuild.5',
};

/** `images`: names with a tag, or without one if their tag is the add-on's version. */
export const containers = (images: Record<string, string>): WorkloadTemplate['containers'] =>
  Object.entries(images).map(([name, image]) => ({ name, image: `${REGISTRY}/${image}` }));

/**
 * Returns kinds of custom resources of one group. `rows`: `[plural, kind, versions (the preferred version first), short
 * names, false for cluster-scoped resources]`.
 */
export const customKinds = (
  group: string,
  rows: [plural: string, kind: string, versions: string[], shortNames?: string[], namespaced?: boolean][],
): CustomKind[] =>
  rows.map(([plural, kind, served, shortNames = [], namespaced = true]) => ({
    group,
    versions: served,
    plural,
    kind,
    shortNames,
    namespaced,
  }));
