/**
 * The built-in resources of an API server, as its discovery documents list them: those that Kubernetes 1.30 to 1.35
 * serve by default.
 */

/** A subresource; its kind is that of the resource unless it has its own. */
export interface SubresourceRow {
  group?: string;
  version?: string;
  kind?: string;
  verbs: readonly string[];
  /** The first version of Kubernetes that serves it by default; omitted: older than 1.30. */
  since?: string;
}

export interface ResourceRow {
  plural: string;
  kind: string;
  /** Omitted: true. */
  namespaced?: false;
  shortNames?: readonly string[];
  categories?: readonly string[];
  /** Omitted: all that objects have. */
  verbs?: readonly string[];
  since?: string;
  /** Group, version and kind in etcd, where they differ from the served ones; false: the objects are not stored. */
  stored?: string | false;
  subresources?: Readonly<Record<string, SubresourceRow>>;
}

export interface GroupRow {
  group: string;
  /** The preferred version first. All of them serve the same resources. */
  versions: readonly string[];
  since?: string;
  resources: readonly ResourceRow[];
}

export const ALL_VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const;

export const STATUS: SubresourceRow = { verbs: ['get', 'patch', 'update'] };
export const SCALE: SubresourceRow = {
  group: 'autoscaling',
  version: 'v1',
  kind: 'Scale',
  verbs: ['get', 'patch', 'update'],
};
