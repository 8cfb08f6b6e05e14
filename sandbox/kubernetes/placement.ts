/**
 * Scheduling of new pods except those of DaemonSets: pods are spread evenly over the schedulable nodes, or over the
 * nodes of their Fargate profile.
 */
import type { ClusterState } from '../world/world.ts';
import { FARGATE_PROFILE, fargateProfileOf, schedulableNodes } from '../world/nodes.ts';
import type { Pod, PodTemplate } from '../objects/objects.ts';

/**
 * Returns a function that picks nodes for new pods one by one: always the first of the nodes with the fewest pods of
 * the workload.
 */
const nodePicker = (nodes: string[], pods: Pod[]): (() => string | undefined) => {
  const load = new Map<string, number>();
  for (const { spec } of pods)
    if (spec.nodeName !== undefined) load.set(spec.nodeName, (load.get(spec.nodeName) ?? 0) + 1);
  // Nodes by their number of pods. Each level is traversed once, regardless of the number of new pods.
  const levels = new Map<number, number[]>();
  for (const [index, node] of nodes.entries()) {
    const count = load.get(node) ?? 0;
    const level = levels.get(count) ?? [];
    level.push(index);
    levels.set(count, level);
  }
  let count = Math.min(...levels.keys());
  let next = 0;
  return () => {
    if (nodes.length === 0) return undefined;
    if (next === (levels.get(count)?.length ?? 0)) {
      const above = [...(levels.get(count) ?? []), ...(levels.get(count + 1) ?? [])].sort((one, other) => one - other);
      count += 1;
      levels.set(count, above);
      next = 0;
    }
    return nodes[levels.get(count)?.[next++] ?? 0];
  };
};

/**
 * Returns labels and nodes for new pods of one template: the labels that their scheduler adds, and a function that
 * picks each pod's node. `siblings`: existing pods of the workload.
 */
export const placementOf = (
  cluster: ClusterState,
  namespace: string,
  template: PodTemplate,
  siblings: Pod[],
): { labels: Record<string, string>; pick: () => string | undefined } => {
  const profile = fargateProfileOf(cluster, namespace, template.metadata.labels);
  return {
    labels: profile === undefined ? {} : { [FARGATE_PROFILE]: profile },
    pick: nodePicker(schedulableNodes(cluster.kube, template.spec, profile !== undefined), siblings),
  };
};
