/** What the API server serves, asked once for all who list resources that a cluster may not have. */
import type { ApiGroup, Kubernetes } from '../../ports/index.ts';

export type DiscoveringPort = Pick<Kubernetes, 'listApiGroups' | 'listObjects'>;

/** Returns the port with one call for the API groups, however often they are asked for. */
export function discoveringOnce(kubernetes: DiscoveringPort): DiscoveringPort {
  let groups: Promise<ApiGroup[]> | undefined;
  return {
    listApiGroups: () => (groups ??= kubernetes.listApiGroups()),
    listObjects: (kind) => kubernetes.listObjects(kind),
  };
}
