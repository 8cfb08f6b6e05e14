/**
 * Checks whether the Pod Identity agent is ready on the nodes of the pods, and whether it can come to the nodes where they
 * may run: its DaemonSet may not tolerate a taint that the pods tolerate (ADR 81).
 */
import { grantCommand } from '../access/command.ts';
import { isMadeByAny, type Node } from '../kubernetes/objects.ts';
import { type Check, fail, pass, some, warn, whyUnread } from '../terms/check.ts';
import type { PlannedAssociation } from '../terms/planned.ts';
import { AGENT_SETUP, INSPECT_AGENT, placementOf, TOLERATE } from '../verification/agent-setup.ts';
import { readNodePools } from '../network/node-pools.ts';
import { type Placement, refusals } from '../network/taints.ts';
import type { Facts } from './facts.ts';
import { seenIn } from '../terms/seen.ts';
import { notSeen, plannedPods, plannedWorkloads } from './preflight-seen.ts';

const TAINTS = 'Kubernetes documentation, "Taints and Tolerations"';

/**
 * Returns the nodes on which pods need the agent's pod. On Auto Mode the agent is built in; on Fargate and Windows it does
 * not exist. A hybrid node counts only if it has a pod of the agent, since the agent's DaemonSet for hybrid nodes is off
 * by default.
 */
const needsAgent = ({ os, compute, ready, name }: Node, occupied: ReadonlySet<string>): boolean =>
  os === 'linux' && ready && (compute === 'ec2' || (compute === 'hybrid' && occupied.has(name)));

/**
 * Returns where the planned pods may be placed: by the templates of their workloads, and by the pods without one, whose
 * node selectors are not read.
 */
function placements(facts: Facts, planned: readonly PlannedAssociation[]): Placement[] {
  const workloads = plannedWorkloads(facts, planned);
  const alone = plannedPods(facts, planned).filter((pod) => !isMadeByAny(pod, workloads));
  return [...workloads.map(placementOf), ...alone.map(({ tolerations = [] }) => ({ tolerations, nodeSelector: {} }))];
}

/** Returns why the agent's DaemonSet has no pod on a node, as far as it can be known. */
const reasonAt = (node: Node, { agentWorkload }: Facts): string[] =>
  agentWorkload ? refusals(placementOf(agentWorkload), node) : [];

/** Returns the nodes as a text, those with the same reason why the agent is not there together. */
function withReasons(nodes: readonly Node[], facts: Facts): string {
  const alike = Map.groupBy(nodes, (node) => reasonAt(node, facts).join(' and '));
  return [...alike]
    .map(([reason, of]) => {
      const names = some(of.map(({ name }) => name));
      return reason === '' ? names : `${names} (the agent's DaemonSet ${reason})`;
    })
    .join('; ');
}

interface Nodes {
  needing: Node[];
  /** Nodes without a ready agent where the pods run, or where the agent's pod exists. */
  broken: Node[];
  /** Nodes without the agent where none of the pods runs, but where they may be placed. */
  possible: Node[];
}

function sortNodes(facts: Facts, nodes: readonly Node[], planned: readonly PlannedAssociation[]): Nodes {
  const occupied = new Set(plannedPods(facts, planned).flatMap((pod) => pod.node ?? []));
  const { agentPods } = facts;
  const pods = (seenIn(agentPods) ?? []).filter((pod) => !pod.terminating);
  const served = new Set(pods.filter((pod) => pod.ready).flatMap((pod) => pod.node ?? []));
  const there = new Set(pods.flatMap((pod) => pod.node ?? []));
  const needing = nodes.filter((node) => needsAgent(node, occupied));
  const without = needing.filter(({ name }) => !served.has(name));
  const isBroken = ({ name }: Node): boolean => there.has(name) || occupied.has(name);
  const placed = placements(facts, planned);
  return {
    needing,
    broken: without.filter(isBroken),
    possible: without.filter((node) => !isBroken(node) && placed.some((one) => refusals(one, node).length === 0)),
  };
}

const isExcluded = (nodes: readonly Node[], facts: Facts): boolean =>
  nodes.some((node) => reasonAt(node, facts).length > 0);

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
  const { needing, broken, possible } = sortNodes(facts, nodes.seen, planned);
  if (broken.length > 0) {
    const isKnown = broken.every((node) => reasonAt(node, facts).length > 0);
    return [
      fail(
        id,
        `The Pod Identity agent is not ready on ${broken.length} of ${needing.length} nodes where these pods can run: ${withReasons(broken, facts)}. Pods on these nodes would get no credentials.`,
        [
          ...(isExcluded(broken, facts) ? [`For the agent to run on nodes with taints, ${TOLERATE} .`] : []),
          ...(isKnown ? [] : [INSPECT_AGENT]),
        ].join(' '),
        isKnown
          ? `${AGENT_SETUP}; ${TAINTS}`
          : `${AGENT_SETUP}; "Disable IPv6 in the EKS Pod Identity Agent"; "Configure add-ons for hybrid nodes"`,
      ),
    ];
  }
  if (possible.length > 0) {
    return [
      warn(
        id,
        `${possible.length} of ${needing.length} Linux nodes have no Pod Identity agent: ${withReasons(possible, facts)}. None of these pods runs there now; a pod that is scheduled there gets no credentials.`,
        isExcluded(possible, facts)
          ? `For the agent to run there, ${TOLERATE} . Or keep the pods off these nodes.`
          : "Extend the agent's DaemonSet to these nodes (tolerations, node selector), or keep the pods off them.",
        AGENT_SETUP,
      ),
    ];
  }
  return needing.length === 0
    ? []
    : [pass(id, `The Pod Identity agent is ready on all ${needing.length} nodes that need it.`)];
}

/**
 * Warns of node pools of Karpenter whose nodes would have the pods, but not the agent. The pods of today do not run there,
 * or `agent-nodes` has found their nodes. Returns no check if the API server serves no node pools.
 */
export function checkNodePools(facts: Facts, planned: readonly PlannedAssociation[]): Check[] {
  const { request, network, agentWorkload } = facts;
  const id = 'agent-node-pools';
  const resource = 'nodepools.karpenter.sh';
  const unread = network?.unread.find((one) => one.resource === resource);
  if (unread)
    return [
      warn(
        id,
        `Whether the Pod Identity agent tolerates the taints of nodes to come could not be read: ${whyUnread(unread.error)}.`,
        `Allow the service to read Karpenter's node pools: ${grantCommand(request)}`,
        TAINTS,
      ),
    ];
  if (!network || !agentWorkload) return [];
  const placed = placements(facts, planned);
  const pools = readNodePools(network.objects[resource] ?? []).flatMap((pool) => {
    const reasons = refusals(placementOf(agentWorkload), pool);
    const isPossible = placed.some((one) => refusals(one, pool).length === 0);
    return reasons.length > 0 && isPossible ? [`${pool.name} (${reasons.join(' and ')})`] : [];
  });
  if (pools.length === 0) return [];
  return [
    warn(
      id,
      `Nodes of these Karpenter node pools accept the pods, but not the Pod Identity agent: ${some(pools)}. A pod that is scheduled there gets no credentials.`,
      `For the agent to run there, ${TOLERATE} . Or keep the pods off these nodes.`,
      TAINTS,
    ),
  ];
}
