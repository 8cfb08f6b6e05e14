/** What the catalogue's files share: the parts that all add-ons of EKS look alike in. */
import type { CustomKind, WorkloadTemplate } from '../kubernetes/objects.ts';
import type { CatalogueVersion } from './catalogue.ts';

type PodIdentity = CatalogueVersion['podIdentity'];

/** Policies by service account, as DescribeAddonConfiguration recommends them: names of AWS managed policies. */
export const podIdentity = (policies: Record<string, string[]>): PodIdentity =>
  Object.entries(policies).map(([serviceAccount, names]) => ({
    serviceAccount,
    recommendedManagedPolicies: names.map((name) => `arn:aws:iam::aws:policy/${name}`),
  }));

/**
 * Versions, newest first: `[version, first and last Kubernetes version that it is offered for, versions that it is the
 * default of]`.
 */
export const versions = (
  rows: [version: string, from: number, to: number, defaultFor: number[], takesAssociations: boolean][],
  options: { requiresIamPermissions: boolean; podIdentity?: PodIdentity },
): CatalogueVersion[] =>
  rows.map(([version, from, to, defaultFor, takesAssociations]) => ({
    version,
    kubernetesVersions: Array.from({ length: to - from + 1 }, (_, index) => `1.${from + index}`),
    defaultFor: defaultFor.map((minor) => `1.${minor}`),
    ...(takesAssociations && options.podIdentity ? { podIdentity: options.podIdentity } : {}),
    requiresIamPermissions: options.requiresIamPermissions,
    offered: true,
  }));

/** Labels as EKS sets them on an add-on's workloads and pods. */
export const labels = (addon: string, component: string): Record<string, string> => ({
  app: component,
  'app.kubernetes.io/name': addon,
  'app.kubernetes.io/component': component,
  'app.kubernetes.io/managed-by': 'EKS',
});

/** Without a tag: a catalogue's workloads are the same for all versions. */
const REGISTRY = '602401143452.dkr.ecr.us-west-2.amazonaws.com/eks';

export const containers = (images: Record<string, string>): WorkloadTemplate['containers'] =>
  Object.entries(images).map(([name, image]) => ({ name, image: `${REGISTRY}/${image}` }));

/**
 * Custom resources of one group: `[plural, kind, versions (the preferred one first), short names, false where they have
 * no namespace]`.
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
