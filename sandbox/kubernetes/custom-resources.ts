/**
 * Custom resources: the kinds that are defined in a cluster, and their objects. CustomResourceDefinitions themselves
 * are not served.
 */
import type { ClusterState } from '../world/world.ts';
import type { AddonObjects, CustomKind } from '../objects/objects.ts';
import {
  apiVersionOf,
  getResource,
  listResources,
  newMetadata,
  putResource,
  removeResource,
  resourceOf,
  type ResourceInfo,
} from '../objects/store.ts';

/**
 * Returns a custom kind as a resource. Clients other than its owner can only read and delete its objects. `version`:
 * one of the served versions.
 */
export const infoOf = (
  { versions, shortNames = [], ...kind }: CustomKind,
  version = versions[0] ?? 'v1',
): ResourceInfo => ({
  ...kind,
  shortNames,
  version,
  verbs: ['delete', 'deletecollection', 'get', 'list', 'watch'],
  custom: true,
});

export const defineCustomKinds = ({ kube }: ClusterState, kinds: CustomKind[] = []): void => {
  for (const kind of kinds) kube.customKinds.set(resourceOf(kind), kind);
};

/** Creates an add-on's definitions, and the custom resources that the add-on creates from them. */
export const applyCustomResources = (
  cluster: ClusterState,
  { namespace, customKinds, customResources = [] }: AddonObjects,
  at: number,
): void => {
  const { kube } = cluster;
  defineCustomKinds(cluster, customKinds);
  for (const { group, plural, name } of customResources) {
    const kind = kube.customKinds.get(resourceOf({ group, plural }));
    if (!kind || getResource(kube, infoOf(kind), namespace, name)) continue;
    putResource(kube, kind, {
      apiVersion: apiVersionOf(infoOf(kind)),
      kind: kind.kind,
      metadata: newMetadata(kube, at, { name, namespace, generation: 1 }),
      spec: {},
    });
  }
};

/** Removes definitions together with their objects. */
export const removeCustomKinds = ({ kube }: ClusterState, kinds: CustomKind[] = []): void => {
  for (const kind of kinds) {
    if (!kube.customKinds.delete(resourceOf(kind))) continue;
    for (const object of listResources(kube, infoOf(kind))) removeResource(kube, kind, object);
  }
};

/** Returns the custom resource of that name, if it is served in that group and version. */
export const findCustomKind = (
  { kube }: ClusterState,
  wanted: { group: string; version: string; plural: string },
): ResourceInfo | undefined => {
  const kind = kube.customKinds.get(resourceOf(wanted));
  return kind?.versions.includes(wanted.version) ? infoOf(kind, wanted.version) : undefined;
};
