/**
 * Discovery documents, which clients such as kubectl read first: the version, the API groups and their resources
 * (k8s.io/apiserver, endpoints/discovery).
 */
import type { ClusterState } from '../world/world.ts';
import { infoOf } from './custom-resources.ts';
import type { CustomKind } from '../objects/objects.ts';
import { gitVersionOf } from '../world/nodes.ts';
import { groupsOf, isSince, storageHash, verbsOf } from './resources/served.ts';

/** A resource or subresource, as discovery describes it. */
interface Described {
  name: string;
  singular: string;
  namespaced: boolean;
  kind: string;
  /** Group and version of a subresource's kind, if they differ from the resource's. */
  group?: string;
  version?: string;
  verbs: readonly string[];
  shortNames?: readonly string[];
  categories?: readonly string[];
  hash?: string | undefined;
}

interface Group {
  group: string;
  /** The preferred version first. */
  versions: readonly string[];
  resources: (version: string) => Described[];
}

const builtInGroups = ({ version: kubernetes }: ClusterState): Group[] =>
  groupsOf(kubernetes).map(({ group, versions, resources }) => ({
    group,
    versions,
    resources: (version) =>
      resources.flatMap((row) => {
        const { plural, kind, namespaced = true, shortNames, categories, subresources = {} } = row;
        return [
          {
            name: plural,
            singular: kind.toLowerCase(),
            namespaced,
            kind,
            verbs: verbsOf(row),
            ...(shortNames ? { shortNames } : {}),
            ...(categories ? { categories } : {}),
            hash: storageHash(group, version, row),
          },
          ...Object.entries(subresources).map(([name, { since: _since, ...subresource }]) => ({
            name: `${plural}/${name}`,
            singular: '',
            namespaced,
            kind,
            ...subresource,
          })),
        ];
      }),
  }));

const customResource = (kind: CustomKind, version: string): Described => {
  const { plural, namespaced, kind: name, shortNames, group, verbs } = infoOf(kind, version);
  return {
    name: plural,
    singular: name.toLowerCase(),
    namespaced,
    kind: name,
    verbs,
    ...(shortNames.length > 0 ? { shortNames } : {}),
    hash: storageHash(group, kind.versions[0] ?? version, { plural, kind: name }),
  };
};

const customGroups = ({ kube }: ClusterState): Group[] =>
  [...Map.groupBy(kube.customKinds.values(), ({ group }) => group)].map(([group, kinds]) => ({
    group,
    versions: [...new Set(kinds.flatMap(({ versions }) => versions))],
    resources: (version) =>
      kinds.filter(({ versions }) => versions.includes(version)).map((kind) => customResource(kind, version)),
  }));

/** Returns all groups of a cluster, the core group first. */
const allGroups = (cluster: ClusterState): Group[] => [...builtInGroups(cluster), ...customGroups(cluster)];

/** Returns the versions of a named group; undefined if the cluster does not have it. */
export const versionsOf = (cluster: ClusterState, group: string): readonly string[] | undefined =>
  allGroups(cluster).find((each) => each.group === group)?.versions;

const groupDocument = ({ group, versions }: Group): Record<string, unknown> => {
  const all = versions.map((version) => ({ groupVersion: `${group}/${version}`, version }));
  return { name: group, versions: all, preferredVersion: all[0] };
};

const described = ({ name, singular, namespaced, group, version, kind, hash, ...more }: Described): unknown => ({
  name,
  singularName: singular,
  namespaced,
  ...(group === undefined ? {} : { group, version }),
  kind,
  ...more,
  ...(hash === undefined ? {} : { storageVersionHash: hash }),
});

/** The core group's document has no apiVersion: it is as old as the first version of the API. */
const resourcesDocument = ({ group, resources }: Group, version: string): unknown => ({
  kind: 'APIResourceList',
  ...(group === '' ? {} : { apiVersion: 'v1' }),
  groupVersion: group === '' ? version : `${group}/${version}`,
  resources: resources(version).map(described),
});

/** Returns the resources of a version with their subresources, as aggregated discovery nests them. */
const aggregatedResources = (all: readonly Described[]): unknown[] =>
  all
    .filter(({ name }) => !name.includes('/'))
    .map(({ name, singular, namespaced, kind, verbs, shortNames, categories }) => {
      const subresources = all
        .filter((each) => each.name.startsWith(`${name}/`))
        .map((each) => ({
          subresource: each.name.slice(name.length + 1),
          responseKind: { group: each.group ?? '', version: each.version ?? '', kind: each.kind },
          verbs: each.verbs,
        }));
      return {
        resource: name,
        responseKind: { group: '', version: '', kind },
        scope: namespaced ? 'Namespaced' : 'Cluster',
        singularResource: singular,
        verbs,
        ...(shortNames ? { shortNames } : {}),
        ...(categories ? { categories } : {}),
        ...(subresources.length > 0 ? { subresources } : {}),
      };
    });

const aggregated = (groups: readonly Group[], version: string): unknown => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: groups.map(({ group, versions, resources }) => ({
    metadata: group === '' ? {} : { name: group },
    versions: versions.map((each) => ({
      version: each,
      resources: aggregatedResources(resources(each)),
      freshness: 'Current',
    })),
  })),
});

/** Returns the document with all resources of /api or /apis, in that version of the discovery API. */
export const discoverAggregated = (cluster: ClusterState, path: string, version: string): unknown =>
  path === '/api'
    ? aggregated(
        allGroups(cluster).filter(({ group }) => group === ''),
        version,
      )
    : path === '/apis'
      ? aggregated(
          allGroups(cluster).filter(({ group }) => group !== ''),
          version,
        )
      : undefined;

const versionDocument = ({ version }: ClusterState): unknown => {
  const [major = '', minor = ''] = version.split('.');
  const compatible = {
    emulationMajor: major,
    emulationMinor: minor,
    minCompatibilityMajor: major,
    minCompatibilityMinor: String(Number(minor) - 1),
  };
  return {
    major,
    minor,
    ...(isSince(version, '1.33') ? compatible : {}),
    gitVersion: gitVersionOf(version),
    gitCommit: '',
    gitTreeState: 'clean',
    buildDate: '1970-01-01T00:00:00Z',
    goVersion: '',
    compiler: 'gc',
    platform: 'linux/amd64',
  };
};

/** Returns the document at a discovery path, which has no trailing slash; undefined for any other path. */
export const discover = (cluster: ClusterState, path: string): unknown => {
  if (path === '/version') return versionDocument(cluster);
  const groups = allGroups(cluster);
  if (path === '/api')
    return {
      kind: 'APIVersions',
      versions: ['v1'],
      serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: new URL(cluster.endpoint).host }],
    };
  if (path === '/apis')
    return {
      kind: 'APIGroupList',
      apiVersion: 'v1',
      groups: groups.filter(({ group }) => group !== '').map(groupDocument),
    };
  const { name = path === '/api/v1' ? '' : undefined, version = path === '/api/v1' ? 'v1' : undefined } =
    /^\/apis\/(?<name>[^/]+)(\/(?<version>[^/]+))?$/.exec(path)?.groups ?? {};
  const group = groups.find((each) => each.group === name);
  if (!group || name === undefined) return undefined;
  if (version === undefined) return { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group) };
  return group.versions.includes(version) ? resourcesDocument(group, version) : undefined;
};

/** Returns the paths of the groups and their versions, such as `/api/v1` and `/apis/apps`. */
export const discoveryPaths = (cluster: ClusterState): string[] => [
  '/api',
  '/apis',
  ...allGroups(cluster).flatMap(({ group, versions }) =>
    group === ''
      ? versions.map((version) => `/api/${version}`)
      : [`/apis/${group}`, ...versions.map((version) => `/apis/${group}/${version}`)],
  ),
];
