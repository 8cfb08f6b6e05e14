import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { newKubeState } from '../objects/new-kube-state.ts';
import type { ClusterState } from '../world/world.ts';

type Given =
  | 'name'
  | 'account'
  | 'region'
  | 'version'
  | 'platformVersion'
  | 'createdAt'
  | 'endpoint'
  | 'certificateAuthority';

/** Returns an active cluster that is empty except for what is given. */
export const newCluster = (given: Pick<ClusterState, Given> & Partial<ClusterState>): ClusterState => ({
  arn: clusterArn({ ...given, cluster: given.name }),
  status: 'ACTIVE',
  autoMode: false,
  authenticationMode: 'API_AND_CONFIG_MAP',
  tags: {},
  addons: new Map(),
  associations: new Map(),
  updates: new Map(),
  preserved: new Set(),
  foreignFields: new Map(),
  accessEntries: new Map(),
  kube: newKubeState(),
  ...given,
});
