/** What the parts of the API server know about a resource. */

export type Verb = 'create' | 'delete' | 'deletecollection' | 'get' | 'list' | 'patch' | 'update' | 'watch';

/** A resource that the API server serves, built-in or custom. `verbs`: the verbs that the sandbox supports. */
export interface ResourceInfo {
  kind: string;
  plural: string;
  shortNames: string[];
  group: string;
  /** Defaults to v1. */
  version?: string;
  namespaced: boolean;
  verbs: Verb[];
  /** True for a custom resource. */
  custom?: true;
}

/** Keys of resources' objects. Every access to an object needs one, and there is one description of each resource. */
const keys = new WeakMap<Pick<ResourceInfo, 'plural' | 'group'>, string>();

/** Returns the key of a resource's objects, such as `pods.` or `deployments.apps`. */
export const resourceOf = (info: Pick<ResourceInfo, 'plural' | 'group'>): string => {
  const known = keys.get(info);
  if (known !== undefined) return known;
  const key = `${info.plural}.${info.group}`;
  keys.set(info, key);
  return key;
};
