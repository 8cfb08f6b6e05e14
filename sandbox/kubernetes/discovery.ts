/** Discovery documents, which clients such as kubectl read first: the version, the API groups and their resources. */
import type { ClusterState } from '../world/world.ts';
import { REVIEWS } from './access-reviews.ts';
import { infoOf } from './custom-resources.ts';
import { gitVersionOf } from './nodes.ts';
import { hasScale, SCALE_VERBS } from './scale.ts';
import { apiVersionOf, KINDS } from './store.ts';
import type { ResourceInfo } from './store.ts';

const kinds = Object.values(KINDS);
/** Named API groups of every cluster, in the order of the group list. */
const GROUPS = [...new Set([...kinds, ...REVIEWS].map(({ group }) => group))].filter((group) => group !== '');

/** Returns the versions of each named group of a cluster, the preferred version first. */
const groupsOf = ({ kube }: ClusterState): Map<string, string[]> => {
  const groups = new Map(GROUPS.map((group) => [group, ['v1']]));
  for (const { group, versions } of kube.customKinds.values())
    groups.set(group, [...new Set([...(groups.get(group) ?? []), ...versions])]);
  return groups;
};

const groupDocument = (name: string, all: string[]): Record<string, unknown> => {
  const versions = all.map((each) => ({ groupVersion: `${name}/${each}`, version: each }));
  return { name, versions, preferredVersion: versions[0] };
};

const subresource = (name: string, group: string, kind: string, verbs: string[]): unknown => ({
  name,
  singularName: '',
  namespaced: true,
  group,
  version: 'v1',
  kind,
  verbs,
});

/** Returns the subresources of a resource. kubectl drain detects by the eviction's group that pods can be evicted. */
const subresourcesOf = (info: ResourceInfo): unknown[] => [
  ...(info.kind === 'Pod' ? [subresource('pods/eviction', 'policy', 'Eviction', ['create'])] : []),
  ...(info.kind === 'ServiceAccount'
    ? [subresource('serviceaccounts/token', 'authentication.k8s.io', 'TokenRequest', ['create'])]
    : []),
  ...(hasScale(info) ? [subresource(`${info.plural}/scale`, 'autoscaling', 'Scale', SCALE_VERBS)] : []),
];

const resources = ({ kube }: ClusterState, group: string, groupVersion: string): unknown => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: [
    ...[...kinds, ...[...kube.customKinds.values()].flatMap((kind) => kind.versions.map((each) => infoOf(kind, each)))]
      .filter((info) => info.group === group && apiVersionOf(info) === groupVersion)
      .flatMap((info) => [
        {
          name: info.plural,
          singularName: info.kind.toLowerCase(),
          namespaced: info.namespaced,
          kind: info.kind,
          verbs: info.verbs,
          shortNames: info.shortNames,
          categories: info.inAll === true ? ['all'] : [],
        },
        ...subresourcesOf(info),
      ]),
    ...REVIEWS.filter((review) => review.group === group).map(({ plural, kind }) => ({
      name: plural,
      singularName: kind.toLowerCase(),
      namespaced: false,
      kind,
      verbs: ['create'],
    })),
  ],
});

const version = (cluster: ClusterState): unknown => ({
  major: cluster.version.split('.')[0],
  minor: cluster.version.split('.')[1],
  gitVersion: gitVersionOf(cluster.version),
  gitCommit: '',
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux/amd64',
});

const pathOf = (group: string): string => (group === '' ? 'api/v1' : `apis/${group}/v1`);

/** Parameters of writes. kubectl checks for `fieldValidation` to learn whether the server validates what it sends. */
const PARAMETERS = ['dryRun', 'fieldManager', 'fieldValidation'].map((name) => ({
  name,
  in: 'query',
  schema: { type: 'string', uniqueItems: true },
}));

/** Returns an OpenAPI v3 document that lists the available writes, without schemas. */
const openApi = (group: string): unknown => ({
  openapi: '3.0.0',
  info: { title: 'Kubernetes', version: 'unversioned' },
  components: { schemas: {} },
  paths: Object.fromEntries(
    kinds
      .filter((info) => info.group === group)
      .map((info) => {
        const operation = (action: string): unknown => ({
          'x-kubernetes-action': action,
          'x-kubernetes-group-version-kind': { group, version: 'v1', kind: info.kind },
          parameters: PARAMETERS,
          responses: { 200: { description: 'OK' } },
        });
        const verbs = info.verbs.filter((verb) => verb === 'delete' || verb === 'get' || verb === 'patch');
        const path = `/${pathOf(group)}/${info.namespaced ? 'namespaces/{namespace}/' : ''}${info.plural}/{name}`;
        return [path, Object.fromEntries(verbs.map((verb) => [verb, operation(verb)]))];
      }),
  ),
});

/** Returns the document at a discovery path; undefined for any other path. */
export const discover = (cluster: ClusterState, path: string): unknown => {
  switch (path) {
    case '/version':
      return version(cluster);
    case '/api':
      return {
        kind: 'APIVersions',
        versions: ['v1'],
        serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: new URL(cluster.endpoint).host }],
      };
    case '/apis':
      return {
        kind: 'APIGroupList',
        apiVersion: 'v1',
        groups: [...groupsOf(cluster)].map(([group, versions]) => groupDocument(group, versions)),
      };
    case '/api/v1':
      return resources(cluster, '', 'v1');
    case '/openapi/v3':
      return {
        paths: Object.fromEntries(
          ['', ...GROUPS].map((group) => [pathOf(group), { serverRelativeURL: `/openapi/v3/${pathOf(group)}` }]),
        ),
      };
    case '/openapi/v3/api/v1':
      return openApi('');
    default: {
      const {
        document,
        group = '',
        version: wanted,
      } = /^\/(?<document>openapi\/v3\/apis|apis)\/(?<group>[^/]+)(\/(?<version>[^/]+))?$/.exec(path)?.groups ?? {};
      const versions = groupsOf(cluster).get(group);
      if (!versions || (wanted !== undefined && !versions.includes(wanted))) return undefined;
      if (document === 'apis')
        return wanted === undefined
          ? { kind: 'APIGroup', apiVersion: 'v1', ...groupDocument(group, versions) }
          : resources(cluster, group, `${group}/${wanted}`);
      // Custom resources cannot be written, so no client needs their schema.
      return wanted === undefined || !GROUPS.includes(group) ? undefined : openApi(group);
    }
  }
};
