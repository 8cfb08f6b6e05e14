/** Whether a pod finds a Pod Identity agent on its node, and whether that one may ask EKS Auth. */
import { refusalIn } from '../authorization/authorizer.ts';
import { computeOf, isAgent, isNodeReady } from '../kubernetes/nodes.ts';
import type { Pod } from '../kubernetes/objects.ts';
import { getObject, listObjects } from '../kubernetes/store.ts';
import { findRole } from '../world/world.ts';
import type { ClusterState, World } from '../world/world.ts';
import { type Refusal, refused } from './refusal.ts';

export const ASSUME_FOR_POD = 'eks-auth:AssumeRoleForPodIdentity';

/** Whether it is one of the agent's pods, and answers. */
const isAtWork = ({ metadata, status }: Pod): boolean =>
  isAgent(metadata) &&
  metadata.deletionTimestamp === undefined &&
  status.conditions.some((one) => one.type === 'Ready' && one.status === 'True');

/** Auto Mode's nodes have it built in, Fargate's have none, all others the DaemonSet's pod. */
const hasAgent = (cluster: ClusterState, nodeName: string): boolean => {
  const node = getObject(cluster.kube, 'Node', undefined, nodeName);
  if (!node || !isNodeReady(node)) return false;
  const compute = computeOf(node);
  if (compute === 'fargate') return false;
  if (compute === 'auto') return true;
  return listObjects(cluster.kube, 'Pod').some((pod) => pod.spec.nodeName === nodeName && isAtWork(pod));
};

/**
 * What keeps the agent of that pod's node from asking EKS Auth; undefined where it can. A role of nodes that the world's
 * IAM does not have may: nobody has said what it may not.
 */
export const agentProblem = (world: World, cluster: ClusterState, pod: Pod): { refused: Refusal } | undefined => {
  if (!hasAgent(cluster, pod.spec.nodeName ?? ''))
    return refused('AgentUnreachable', 0, 'dial tcp 169.254.170.23:80: connect: connection refused');
  const { nodeRoleArn, account, arn, region } = cluster;
  if (nodeRoleArn === undefined || !findRole(world, nodeRoleArn)) return undefined;
  const caller = { accessKeyId: '', principalArn: nodeRoleArn, account };
  const refusal = refusalIn(world, caller, { action: ASSUME_FOR_POD, resource: arn }, region);
  return (
    refusal &&
    refused('AccessDeniedException', 403, `The role of the nodes is not authorized to perform: ${ASSUME_FOR_POD}`)
  );
};
