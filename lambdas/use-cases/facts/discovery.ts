/** What the API server serves, asked once for all who list resources that a cluster may not have. */
import type { ApiGroup, Kubernetes, Pod } from '../../ports/index.ts';

export type DiscoveringPort = Pick<Kubernetes, 'listApiGroups' | 'listObjects' | 'listPods'>;

/** Returns the port with one call for the API groups, and for the pods of a namespace, however often they are asked for. */
export function discoveringOnce(kubernetes: DiscoveringPort): DiscoveringPort {
  let groups: Promise<ApiGroup[]> | undefined;
  const pods = new Map<string, Promise<Pod[]>>();
  return {
    listApiGroups: () => (groups ??= kubernetes.listApiGroups()),
    listPods: (namespace) => {
      const found = pods.get(namespace) ?? kubernetes.listPods(namespace);
      pods.set(namespace, found);
      return found;
    },
    listObjects: (kind) => kubernetes.listObjects(kind),
  };
}
