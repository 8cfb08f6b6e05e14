/** Objects as the API server returns them. */
import type { ClusterState } from '../world/world.ts';
import { asReturned } from './managed-fields.ts';
import type { KubeObject } from './objects.ts';
import { apiVersionOf, isBuiltIn } from './store.ts';
import type { ResourceInfo } from './store.ts';

/** Returns an object as the API server returns it: a custom resource in the requested version. */
export const asServed = (cluster: ClusterState, info: ResourceInfo, object: KubeObject): KubeObject =>
  isBuiltIn(info) ? asReturned(cluster, object) : { ...object, apiVersion: apiVersionOf(info) };
