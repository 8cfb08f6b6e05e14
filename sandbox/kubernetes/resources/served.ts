/** The built-in resources that the API server of a cluster serves, by the cluster's version. */
import { createHash } from 'node:crypto';
import type { ResourceInfo } from '../../objects/store.ts';
import { GROUPS } from './groups.ts';
import { ALL_VERBS, type GroupRow, type ResourceRow, type SubresourceRow } from './rows.ts';

/** Returns whether a version of Kubernetes such as `1.33` is at least another one. */
export const isSince = (version: string, since: string): boolean =>
  Number(version.split('.')[1]) >= Number(since.split('.')[1]);

const isServed =
  (version: string) =>
  ({ since }: { since?: string }): boolean =>
    since === undefined || isSince(version, since);

const cached = new Map<string, readonly GroupRow[]>();

/** Returns the groups that a version of Kubernetes serves, the core group first, with their resources. */
export const groupsOf = (version: string): readonly GroupRow[] => {
  const known = cached.get(version);
  if (known) return known;
  const groups = GROUPS.filter(isServed(version)).map((group) => ({
    ...group,
    resources: group.resources.filter(isServed(version)).map(({ subresources = {}, ...resource }) => ({
      ...resource,
      subresources: Object.fromEntries(Object.entries(subresources).filter(([, each]) => isServed(version)(each))),
    })),
  }));
  cached.set(version, groups);
  return groups;
};

/** Returns the row of a resource; undefined if that version of Kubernetes does not serve it. */
export const rowAt = (
  version: string,
  wanted: { group: string; version: string; plural: string },
): ResourceRow | undefined =>
  groupsOf(version)
    .find(({ group, versions }) => group === wanted.group && versions.includes(wanted.version))
    ?.resources.find(({ plural }) => plural === wanted.plural);

export const verbsOf = ({ verbs = ALL_VERBS }: ResourceRow): readonly string[] => verbs;

export const subresourceOf = ({ subresources = {} }: ResourceRow, name: string): SubresourceRow | undefined =>
  Object.hasOwn(subresources, name) ? subresources[name] : undefined;

/** Returns the hash of the version in which objects are stored (k8s.io/apiserver, endpoints/discovery). */
export const storageHash = (group: string, version: string, { kind, stored }: ResourceRow): string | undefined =>
  stored === false
    ? undefined
    : createHash('sha256')
        .update(stored ?? `${group}/${version}/${kind}`)
        .digest()
        .subarray(0, 8)
        .toString('base64');

const infos = new WeakMap<ResourceRow, Map<string, ResourceInfo>>();

/**
 * Returns a resource that the sandbox has no controllers for: its objects are stored as clients write them. Reviews and
 * other resources that are never stored have none.
 */
export const plainInfo = (group: string, version: string, row: ResourceRow): ResourceInfo | undefined => {
  if (row.stored === false) return undefined;
  const known = infos.get(row)?.get(version);
  if (known) return known;
  const { plural, kind, namespaced = true, shortNames = [] } = row;
  const info: ResourceInfo = {
    kind,
    plural,
    shortNames: [...shortNames],
    group,
    ...(version === 'v1' ? {} : { version }),
    namespaced,
    verbs: ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'],
  };
  infos.set(row, (infos.get(row) ?? new Map<string, ResourceInfo>()).set(version, info));
  return info;
};
