/** What EKS says of associations in a cluster that has no Pod Identity agent. */
import { AGENT_ADDON } from '../../lambdas/domain/addons.ts';
import { getObject } from '../kubernetes/store.ts';
import type { AddonState, ClusterState } from '../world/world.ts';

/**
 * Likely: the EKS User Guide's page on the FSx for Lustre CSI driver has it; whether as an answer or as an issue is not
 * known (`withoutAgent`).
 */
export const NO_AGENT = 'Amazon EKS Pod Identity agent is not installed in the cluster';

/** Auto Mode has it built in; the add-on or a self-managed DaemonSet of that name makes it too. */
export const hasAgent = (cluster: ClusterState): boolean =>
  cluster.autoMode ||
  cluster.addons.has(AGENT_ADDON) ||
  getObject(cluster.kube, 'DaemonSet', 'kube-system', AGENT_ADDON) !== undefined;

export const noAgentIssue = (): AddonState['issues'][number] => ({
  code: 'AddonPermissionFailure',
  message: NO_AGENT,
  resourceIds: [],
});
