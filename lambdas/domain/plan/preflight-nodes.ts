/** Checks the nodes of the pods: whether they support Pod Identity, and whether its agent is ready there. */
import { AGENT_ADDON } from '../addons/registry.ts';
import type { Node, Pod } from '../kubernetes/objects.ts';
import type { Check, PlannedAssociation } from '../migration/model.ts';
import { fail, GUIDE, keepIrsa, pass, some, warn } from './check.ts';
import type { Facts } from './facts.ts';
import { notSeen, plannedPods } from './preflight-seen.ts';

const RESTRICTIONS = `${GUIDE}, "Learn how EKS Pod Identity grants Pods access to AWS services", "EKS Pod Identity restrictions"`;
const AGENT_SETUP = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"`;
/**
 * The label that EKS's Fargate scheduler sets on its pods. Source: EKS User Guide, "Get started with AWS Fargate for your
 * cluster".
 */
const FARGATE_PROFILE = 'eks.amazonaws.com/fargate-profile';

const byName = (nodes: readonly Node[]): Map<string, Node> => new Map(nodes.map((node) => [node.name, node]));

/** Returns why pods on a node cannot get credentials from the agent, or undefined if they can. */
function unsupportedOn(pod: Pod, node: Node | undefined): 'AWS Fargate' | 'Windows' | undefined {
  if (node?.compute === 'fargate' || pod.labels[FARGATE_PROFILE] !== undefined) return 'AWS Fargate';
  return node?.os === 'windows' ? 'Windows' : undefined;
}

export function checkCompute(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, cluster, nodes } = facts;
  const id = 'unsupported-compute';
  if (cluster?.onOutposts) {
    return [
      keepIrsa(
        id,
        `Cluster ${request.target.cluster} is a local cluster on AWS Outposts, where EKS Pod Identity is not supported.`,
        'Keep IRSA in this cluster, or move the workload to a cluster in an AWS Region.',
        RESTRICTIONS,
      ),
    ];
  }
  if (!nodes) return [];
  const pods = plannedPods(facts, planned);
  const known = byName('seen' in nodes ? nodes.seen : []);
  const unsupported = pods.flatMap((pod) => {
    const where = unsupportedOn(pod, known.get(pod.node ?? ''));
    return where === undefined ? [] : [{ where, text: `${pod.name} (${where})` }];
  });
  if (unsupported.length > 0) {
    return [
      keepIrsa(
        id,
        `${unsupported.length} of ${pods.length} pods of the planned service accounts run where EKS Pod Identity is not supported: ${some(unsupported.map(({ text }) => text))}.`,
        `Keep IRSA for ${request.addon === undefined ? 'this service account' : 'this add-on'}. To migrate it all the same, run these pods on Linux nodes on Amazon EC2${unsupported.some(({ where }) => where === 'AWS Fargate') ? ' (remove them from the selectors of the Fargate profile, then restart them)' : ''}, and plan again.`,
        RESTRICTIONS,
      ),
    ];
  }
  if ('error' in nodes)
    return [
      notSeen(
        request,
        id,
        `Whether the pods run on nodes that support EKS Pod Identity could not be read: ${nodes.error}`,
        'nodes',
        RESTRICTIONS,
      ),
    ];
  return [pass(id, `None of the ${pods.length} pods of the planned service accounts runs on AWS Fargate or Windows.`)];
}

/**
 * Returns the nodes on which pods need the agent's pod. On Auto Mode the agent is built in; on Fargate and Windows it does
 * not exist. A hybrid node counts only if it has a pod of the agent, since the agent's DaemonSet for hybrid nodes is off
 * by default.
 */
const needsAgent = ({ os, compute, ready, name }: Node, occupied: ReadonlySet<string>): boolean =>
  os === 'linux' && ready && (compute === 'ec2' || (compute === 'hybrid' && occupied.has(name)));

export function checkAgentNodes(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, cluster, agentWorkload, agentPods, nodes } = facts;
  const id = 'agent-nodes';
  // A missing agent, or one that is to be installed and waited for, is reported by the check `agent`.
  if (!nodes || (!agentWorkload && !cluster?.autoMode)) return [];
  const unseen = 'error' in nodes ? nodes.error : agentPods && 'error' in agentPods ? agentPods.error : undefined;
  if (unseen !== undefined || 'error' in nodes)
    return [
      notSeen(
        request,
        id,
        `Whether the agent is ready on each node could not be read: ${unseen ?? ''}`,
        'nodes, and the pods of kube-system',
        AGENT_SETUP,
      ),
    ];
  const occupied = new Set(plannedPods(facts, planned).flatMap((pod) => pod.node ?? []));
  const needing = nodes.seen.filter((node) => needsAgent(node, occupied));
  const pods = agentPods && 'seen' in agentPods ? agentPods.seen.filter((pod) => !pod.terminating) : [];
  const served = new Set(pods.filter((pod) => pod.ready).flatMap((pod) => pod.node ?? []));
  const there = new Set(pods.flatMap((pod) => pod.node ?? []));
  const without = needing.filter((node) => !served.has(node.name)).map((node) => node.name);
  const broken = without.filter((node) => there.has(node) || occupied.has(node));
  if (broken.length > 0) {
    return [
      fail(
        id,
        `The Pod Identity agent is not ready on ${broken.length} of ${needing.length} nodes where these pods can run: ${some(broken)}. Pods on these nodes would get no credentials.`,
        `Inspect its pods: kubectl -n kube-system get pods -l app.kubernetes.io/name=${AGENT_ADDON} -o wide . If a node has none, the agent's DaemonSet excludes the node (taints, node selector; hybrid nodes have a separate DaemonSet, which is off by default); if the pod does not start, port 80 may be in use, or IPv6 disabled on the node.`,
        `${AGENT_SETUP}; "Disable IPv6 in the EKS Pod Identity Agent"; "Configure add-ons for hybrid nodes"`,
      ),
    ];
  }
  if (without.length > 0) {
    return [
      warn(
        id,
        `${without.length} of ${needing.length} Linux nodes have no Pod Identity agent: ${some(without)}. None of these pods runs there now; a pod that is scheduled there gets no credentials.`,
        "Extend the agent's DaemonSet to these nodes (tolerations, node selector), or keep the pods off them.",
        AGENT_SETUP,
      ),
    ];
  }
  return needing.length === 0
    ? []
    : [pass(id, `The Pod Identity agent is ready on all ${needing.length} nodes that need it.`)];
}
