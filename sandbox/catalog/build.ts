/** Helpers for the catalogue's files: parts that all EKS add-ons have in common. */
import type { CustomKind, WorkloadTemplate } from '../kubernetes/objects.ts';
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

/** Images have no tag: the catalogue's workloads are the same for all versions. */
const REGISTRY = '602401143452.dkr.ecr.us-west-2.amazonaws.com/eks';

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
