/** Where the Pod Identity agent can be, and how to set it up. */
import { AGENT_ADDON } from '../addons/registry.ts';
import type { Node, Pod, Workload } from '../kubernetes/objects.ts';
import type { Placement } from '../network/taints.ts';
import { GUIDE } from '../terms/check.ts';

export const AGENT_SETUP = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"`;
export const TOLERATE = `its DaemonSet must tolerate them, for example by the configuration values of add-on ${AGENT_ADDON}: {"tolerations":[{"operator":"Exists"}]}`;
export const INSPECT_AGENT = `Inspect its pods: kubectl -n kube-system get pods -l app.kubernetes.io/name=${AGENT_ADDON} -o wide . If a node has none, the agent's DaemonSet excludes the node (taints, node selector; hybrid nodes have a separate DaemonSet, which is off by default); if the pod does not start, port 80 may be in use, or IPv6 disabled on the node.`;
/**
 * The label that EKS's Fargate scheduler sets on its pods. Source: EKS User Guide, "Get started with AWS Fargate for your
 * cluster".
 */
const FARGATE_PROFILE = 'eks.amazonaws.com/fargate-profile';

export const placementOf = ({
  tolerations = [],
  nodeSelector = {},
}: Pick<Workload, 'tolerations' | 'nodeSelector'>): Placement => ({
  tolerations,
  nodeSelector,
});

/** Returns why pods on a node cannot get credentials from the agent, or undefined if they can. */
export function unsupportedOn(pod: Pod, node: Node | undefined): 'AWS Fargate' | 'Windows' | undefined {
  // The author of a pod may set the label, but does not choose what its node is.
  if (node ? node.compute === 'fargate' : pod.labels[FARGATE_PROFILE] !== undefined) return 'AWS Fargate';
  return node?.os === 'windows' ? 'Windows' : undefined;
}
