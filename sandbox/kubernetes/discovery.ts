/** What clients such as kubectl ask first: the version, the API groups and what is in them. */
import type { ClusterState } from '../world/world.ts';
import { gitVersionOf } from './cluster-objects.ts';
import { KINDS } from './store.ts';

const APPS = { groupVersion: 'apps/v1', version: 'v1' };
const APPS_GROUP = { name: 'apps', versions: [APPS], preferredVersion: APPS };

const resources = (group: '' | 'apps', groupVersion: string): unknown => ({
  kind: 'APIResourceList',
  apiVersion: 'v1',
  groupVersion,
  resources: Object.values(KINDS)
    .filter((info) => info.group === group)
    .map(({ plural, kind, namespaced, shortNames, verbs }) => ({ name: plural, singularName: kind.toLowerCase(), namespaced, kind, verbs, shortNames, categories: namespaced && kind !== 'ServiceAccount' ? ['all'] : [] })),
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

/** The document at a discovery path; undefined where the path is none. */
export const discover = (cluster: ClusterState, path: string): unknown => {
  switch (path) {
    case '/version':
      return version(cluster);
    case '/api':
      return { kind: 'APIVersions', versions: ['v1'], serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: new URL(cluster.endpoint).host }] };
    case '/apis':
      return { kind: 'APIGroupList', apiVersion: 'v1', groups: [APPS_GROUP] };
    case '/apis/apps':
      return { kind: 'APIGroup', apiVersion: 'v1', ...APPS_GROUP };
    case '/api/v1':
      return resources('', 'v1');
    case '/apis/apps/v1':
      return resources('apps', 'apps/v1');
    default:
      return undefined;
  }
};
