/** Finds API servers by their hosts. */
import type { ClusterState, World } from './world.ts';

interface EndpointIndex {
  clusters: number;
  byHost: Map<string, ClusterState>;
}

/**
 * Indexes by world, built on first use, and again once a cluster has been added or an endpoint has changed: there may
 * be thousands of clusters.
 */
const indexes = new WeakMap<World, EndpointIndex>();

const originOf = (host: string): string => `https://${host.toLowerCase()}`;

const countOf = (world: World): number => {
  let count = 0;
  for (const { clusters } of world.accounts.values()) count += clusters.size;
  return count;
};

const buildIndex = (world: World): EndpointIndex => {
  const byHost = new Map<string, ClusterState>();
  for (const account of world.accounts.values()) {
    for (const cluster of account.clusters.values()) byHost.set(cluster.endpoint.toLowerCase(), cluster);
  }
  const index = { clusters: countOf(world), byHost };
  indexes.set(world, index);
  return index;
};

/** Returns the cluster whose API server answers at that host. */
export const clusterAt = (world: World, host: string): ClusterState | undefined => {
  const cached = indexes.get(world);
  return (cached && cached.clusters === countOf(world) ? cached : buildIndex(world)).byHost.get(originOf(host));
};

/** Moves a cluster's API server to another endpoint: the only way to change its endpoint. */
export const moveApiServer = (
  world: World,
  cluster: ClusterState,
  to: Pick<ClusterState, 'endpoint' | 'certificateAuthority'>,
): void => {
  Object.assign(cluster, { endpoint: to.endpoint, certificateAuthority: to.certificateAuthority });
  indexes.delete(world);
};
