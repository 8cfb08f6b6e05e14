/** Removed objects, of which watches report the latest. */
import type { KubeState } from './kube-state.ts';
import type { KubeObject } from './objects.ts';
import { type ResourceInfo, resourceOf } from './resource-info.ts';

/** As many as the smallest watch cache of the API server has events (k8s.io/apiserver, storage/cacher). */
const MOST_REMOVALS = 100;

/** Records that an object was removed, at the present version. */
export const noteRemoval = ({ removals, resourceVersion }: KubeState, resource: string, object: KubeObject): void => {
  const known = removals.get(resource) ?? { recent: [], forgotten: 0 };
  removals.set(resource, known);
  known.recent.push({ resourceVersion, object });
  if (known.recent.length > MOST_REMOVALS) known.forgotten = known.recent.shift()?.resourceVersion ?? 0;
};

/** Returns the resourceVersion of the latest removal of a resource's objects; 0 if there was none. */
export const lastRemoval = ({ removals }: KubeState, info: Pick<ResourceInfo, 'plural' | 'group'>): number =>
  removals.get(resourceOf(info))?.recent.at(-1)?.resourceVersion ?? 0;
