/**
 * Determines whether a pod's node has a working Pod Identity agent that the pod can reach, and whether the agent may call
 * EKS Auth.
 */
import { refusalIn } from '../authorization/authorizer.ts';
import { isCutOffFrom } from '../network/egress.ts';
import { computeOf, isAgent, isNodeReady } from '../world/nodes.ts';
import type { Pod } from '../objects/objects.ts';
import { getObject, listObjects } from '../objects/store.ts';
import { findRole, type ClusterState, type World } from '../world/world.ts';
import { type Refusal, refused } from './refusal.ts';
import { AGENT_ADDRESS } from './sources.ts';

export const ASSUME_FOR_POD = 'eks-auth:AssumeRoleForPodIdentity';

const AGENT_PORT = 80;

/** Returns whether a pod is a ready pod of the agent. */
const isReadyAgent = ({ metadata, status }: Pod): boolean =>
  isAgent(metadata) &&
  metadata.deletionTimestamp === undefined &&
  status.conditions.some((condition) => condition.type === 'Ready' && condition.status === 'True');

/**
 * Returns whether a node has a working agent: it is built into nodes of Auto Mode, Fargate has none, and all other
 * nodes have a pod of the DaemonSet.
 */
const hasAgent = (cluster: ClusterState, nodeName: string): boolean => {
  const node = getObject(cluster.kube, 'Node', undefined, nodeName);
  if (!node || !isNodeReady(node)) return false;
  const compute = computeOf(node);
  if (compute === 'fargate') return false;
  if (compute === 'auto') return true;
  return listObjects(cluster.kube, 'Pod').some((pod) => pod.spec.nodeName === nodeName && isReadyAgent(pod));
};

/**
 * Returns why a pod cannot reach the agent on its node, or why the agent cannot call EKS Auth; undefined if both can. A node role that does not exist in
 * the world's IAM is assumed to be allowed, since the scenario does not describe its policies.
 */
export const agentProblem = (
  world: World,
  cluster: ClusterState,
  pod: Pod,
  address = AGENT_ADDRESS,
): { refused: Refusal } | undefined => {
  const host = address.includes(':') ? `[${address}]` : address;
  // Policies drop packets, so that the connection is not refused but times out.
  if (isCutOffFrom(world, cluster, pod, { address, port: AGENT_PORT }))
    return refused('AgentUnreachable', 0, `dial tcp ${host}:${AGENT_PORT}: i/o timeout`);
  if (!hasAgent(cluster, pod.spec.nodeName ?? ''))
    return refused('AgentUnreachable', 0, `dial tcp ${host}:${AGENT_PORT}: connect: connection refused`);
  const { nodeRoleArn, account, arn, region } = cluster;
  if (nodeRoleArn === undefined || !findRole(world, nodeRoleArn)) return undefined;
  const caller = { accessKeyId: '', principalArn: nodeRoleArn, account };
  const refusal = refusalIn(world, caller, { action: ASSUME_FOR_POD, resource: arn }, region);
  return (
    refusal && refused('AccessDeniedException', 403, `The node role is not authorized to perform: ${ASSUME_FOR_POD}`)
  );
};
