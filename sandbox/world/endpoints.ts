/** API servers by their hosts. */
import type { ClusterState, World } from './world.ts';

interface Known {
  clusters: number;
  byHost: Map<string, ClusterState>;
}

/**
 * Made at the first look, and again once a cluster has come or an endpoint has changed: there may be thousands of them.
 */
const known = new WeakMap<World, Known>();

const originOf = (host: string): string => `https://${host.toLowerCase()}`;

const countOf = (world: World): number => {
  let count = 0;
  for (const { clusters } of world.accounts.values()) count += clusters.size;
  return count;
};

const look = (world: World): Known => {
  const byHost = new Map<string, ClusterState>();
  for (const account of world.accounts.values()) {
    for (const cluster of account.clusters.values()) byHost.set(cluster.endpoint.toLowerCase(), cluster);
  }
  const found = { clusters: countOf(world), byHost };
  known.set(world, found);
  return found;
};

/** The cluster whose API server answers at that host. */
export const clusterAt = (world: World, host: string): ClusterState | undefined => {
  const seen = known.get(world);
  return (seen && seen.clusters === countOf(world) ? seen : look(world)).byHost.get(originOf(host));
};

/** Gives a cluster's API server another place: the one way to change its endpoint. */
export const moveApiServer = (
  world: World,
  cluster: ClusterState,
  place: Pick<ClusterState, 'endpoint' | 'certificateAuthority'>,
): void => {
  Object.assign(cluster, { endpoint: place.endpoint, certificateAuthority: place.certificateAuthority });
  known.delete(world);
};
