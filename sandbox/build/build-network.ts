/** Builds the network policies of a scenario. */
import { ensureNamespace } from '../kubernetes/cluster-objects.ts';
import { defineCustomKinds } from '../kubernetes/custom-resources.ts';
import { newMetadata, putObject } from '../objects/store.ts';
import { CILIUM_GROUP, CILIUM_KINDS } from '../network/cilium-kinds.ts';
import { withDefaults } from '../objects/network-policy.ts';
import type { ScenarioCluster } from '../scenario/scenario.ts';
import type { ClusterState } from '../world/world.ts';

/** Runs before the custom resources: a cluster that has any of Cilium's has the definitions of all its policies. */
export const seedNetworkPolicies = (
  cluster: ClusterState,
  { networkPolicies, customResources }: ScenarioCluster,
): void => {
  const { kube, createdAt } = cluster;
  if (customResources.some(({ apiVersion }) => apiVersion.startsWith(`${CILIUM_GROUP}/`)))
    defineCustomKinds(cluster, [...CILIUM_KINDS]);
  for (const { metadata, spec, ...policy } of networkPolicies) {
    ensureNamespace(cluster, metadata.namespace, createdAt);
    putObject(kube, 'NetworkPolicy', {
      ...policy,
      metadata: newMetadata(kube, createdAt, { ...metadata, generation: 1 }),
      spec: withDefaults(spec),
    });
  }
};
