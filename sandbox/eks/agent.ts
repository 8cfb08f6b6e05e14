/** EKS's check for the Pod Identity agent when an add-on gets associations. */
import { AGENT_ADDON } from '../../lambdas/domain/addons/registry.ts';
import { getObject } from '../objects/store.ts';
import type { AddonState, ClusterState } from '../world/world.ts';

/**
 * A likely message, from the EKS User Guide's page on the FSx for Lustre CSI driver. Whether it is an error or a health
 * issue is not known (`withoutAgent`).
 */
export const NO_AGENT = 'Amazon EKS Pod Identity agent is not installed in the cluster';

/** Returns whether a cluster has the agent: built in with Auto Mode, by the add-on, or by a self-managed DaemonSet. */
export const hasAgent = (cluster: ClusterState): boolean =>
  cluster.autoMode ||
  cluster.addons.has(AGENT_ADDON) ||
  getObject(cluster.kube, 'DaemonSet', 'kube-system', AGENT_ADDON) !== undefined;

export const noAgentIssue = (): AddonState['issues'][number] => ({
  code: 'AddonPermissionFailure',
  message: NO_AGENT,
  resourceIds: [],
});
