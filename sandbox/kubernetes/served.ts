/** Objects as the API server returns them. */
import type { ClusterState } from '../world/world.ts';
import { asRead } from './managed-fields.ts';
import type { KubeObject } from '../objects/objects.ts';
import { apiVersionOf, type ResourceInfo } from '../objects/store.ts';

/** Objects that are already as the API server returns them. */
const ready = new WeakSet<KubeObject>();

/** Returns the object in a text that `asServed` made earlier. */
export const parseServed = (json: string): KubeObject => {
  const object = JSON.parse(json) as KubeObject;
  ready.add(object);
  return object;
};

/** Returns an object as the API server returns it, in the requested version. */
export const asServed = (cluster: ClusterState, info: ResourceInfo, object: KubeObject): KubeObject => {
  if (ready.has(object)) return object;
  const served = info.custom === true ? object : asRead(cluster, object);
  const apiVersion = apiVersionOf(info);
  return served.apiVersion === apiVersion ? served : { ...served, apiVersion };
};
