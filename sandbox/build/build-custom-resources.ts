/** Builds the custom resources of a scenario, and their definitions. */
import { ensureNamespace } from '../kubernetes/cluster-objects.ts';
import { defineCustomKinds } from '../kubernetes/custom-resources.ts';
import { newMetadata, putResource, resourceOf } from '../objects/store.ts';
import type { ScenarioCustomResource } from '../scenario/scenario-cluster.ts';
import type { ClusterState } from '../world/world.ts';

/**
 * Creates custom resources. Runs after the add-ons, which bring definitions; a kind that nothing else defines is defined
 * by its first resource.
 */
export const seedCustomResources = (cluster: ClusterState, resources: readonly ScenarioCustomResource[]): void => {
  const { kube, createdAt: clusterCreatedAt } = cluster;
  for (const { apiVersion, plural, namespace, name, labels, annotations, createdAt, ...rest } of resources) {
    const [group = '', version = ''] = apiVersion.split('/');
    const at = createdAt === undefined ? clusterCreatedAt : Date.parse(createdAt);
    if (namespace !== undefined) ensureNamespace(cluster, namespace, at);
    const kind = kube.customKinds.get(resourceOf({ plural, group })) ?? {
      group,
      versions: [version],
      plural,
      kind: rest.kind,
      namespaced: namespace !== undefined,
    };
    defineCustomKinds(cluster, [kind]);
    putResource(kube, kind, {
      ...rest,
      apiVersion,
      metadata: newMetadata(kube, at, {
        name,
        ...(namespace === undefined ? {} : { namespace }),
        generation: 1,
        ...(labels === undefined ? {} : { labels: { ...labels } }),
        ...(annotations === undefined ? {} : { annotations: { ...annotations } }),
      }),
    });
  }
};
