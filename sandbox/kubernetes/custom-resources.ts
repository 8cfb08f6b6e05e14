/**
 * Custom resources: what is defined in a cluster, and the objects of it. CustomResourceDefinitions themselves are not
 * served.
 */
import type { ClusterState } from '../world/world.ts';
import type { AddonObjects, CustomKind } from './objects.ts';
import {
  apiVersionOf,
  getResource,
  listResources,
  newMetadata,
  putResource,
  removeResource,
  resourceOf,
} from './store.ts';
import type { ResourceInfo } from './store.ts';

/** What there is of it to do: others than its owner read and delete. `version`: one of those that are served. */
export const infoOf = (
  { versions, shortNames = [], ...kind }: CustomKind,
  version = versions[0] ?? 'v1',
): ResourceInfo => ({ ...kind, shortNames, version, verbs: ['delete', 'get', 'list', 'watch'] });

export const defineCustomKinds = ({ kube }: ClusterState, kinds: CustomKind[] = []): void => {
  for (const kind of kinds) kube.customKinds.set(resourceOf(kind), kind);
};

/** What an add-on brings: its definitions, and the resources that it makes of them. */
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

/** Its objects go with a definition. */
export const removeCustomKinds = ({ kube }: ClusterState, kinds: CustomKind[] = []): void => {
  for (const kind of kinds) {
    if (!kube.customKinds.delete(resourceOf(kind))) continue;
    for (const object of listResources(kube, infoOf(kind))) removeResource(kube, kind, object);
  }
};

/** Where a resource of that name is served in that group and version. */
export const findCustomKind = (
  { kube }: ClusterState,
  wanted: { group: string; version: string; plural: string },
): ResourceInfo | undefined => {
  const kind = kube.customKinds.get(resourceOf(wanted));
  return kind?.versions.includes(wanted.version) ? infoOf(kind, wanted.version) : undefined;
};
