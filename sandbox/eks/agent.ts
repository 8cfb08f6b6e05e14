/** What EKS says of associations in a cluster that has no Pod Identity agent. */
import { getObject } from '../kubernetes/store.ts';
import type { AddonState, ClusterState } from '../world/world.ts';

const AGENT = 'eks-pod-identity-agent';

/** Likely: the EKS User Guide's page on the FSx for Lustre CSI driver has it; whether as an answer or as an issue is not known (`withoutAgent`). */
export const NO_AGENT = 'Amazon EKS Pod Identity agent is not installed in the cluster';

/** Auto Mode has it built in; the add-on or a self-managed DaemonSet of that name makes it too. */
export const hasAgent = (cluster: ClusterState): boolean =>
  cluster.autoMode || cluster.addons.has(AGENT) || getObject(cluster.kube, 'DaemonSet', 'kube-system', AGENT) !== undefined;

export const noAgentIssue = (): AddonState['issues'][number] => ({ code: 'AddonPermissionFailure', message: NO_AGENT, resourceIds: [] });
