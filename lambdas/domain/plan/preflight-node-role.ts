/**
 * Checks whether the nodes may fetch credentials for pods: the agent calls EKS Auth with the role of its node. For most
 * roles, IAM's simulation confirms it. For the others, their identity policies are evaluated; boundaries and the
 * organization's policies are not read. Source: EKS User Guide, "Set up the Amazon EKS Pod Identity Agent", "Agent
 * prerequisites".
 */
import { eksCommand } from '../commands/eks.ts';
import { clusterArn, parseRoleArn } from '../aws/arn.ts';
import { partitionOf } from '../aws/partitions.ts';
import { type Check, fail, GUIDE, pass, some, warn } from '../terms/check.ts';
import type { Target } from '../terms/subject.ts';
import { evaluate, parsePolicy } from '../policy/index.ts';
import type { Facts, NodeRoleFact } from './facts.ts';
import { shellCommand } from '../text/shell.ts';

/** The action that the agent calls with the role of its node. */
export const NODE_ACTION = 'eks-auth:AssumeRoleForPodIdentity';
const SOURCE = `${GUIDE}, "Set up the Amazon EKS Pod Identity Agent"; AWS Managed Policy Reference, AmazonEKSWorkerNodePolicy and AmazonEKSWorkerNodeMinimalPolicy`;

/** AWS managed policies that allow it. They are not read. */
const ALLOWING = new Set([
  'AmazonEKSWorkerNodePolicy',
  'AmazonEKSWorkerNodeMinimalPolicy',
  'AdministratorAccess',
  'PowerUserAccess',
]);
/** AWS managed policies that nodes often have and that do not allow it. Source: AWS Managed Policy Reference. */
const OTHER = new Set([
  'AmazonEKS_CNI_Policy',
  'AmazonEC2ContainerRegistryReadOnly',
  'AmazonEC2ContainerRegistryPullOnly',
  'AmazonSSMManagedInstanceCore',
  'CloudWatchAgentServerPolicy',
  'AWSXrayWriteOnlyAccess',
  'service-role/AmazonEBSCSIDriverPolicy',
  'service-role/AmazonEFSCSIDriverPolicy',
]);
const ALLOWS = parsePolicy(
  { Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: NODE_ACTION, Resource: '*' }] },
  'identity',
);

type Judgement = { is: 'allowed' | 'denied' } | { is: 'unknown'; why: string };

function judge(role: NodeRoleFact, target: Target): Judgement {
  if ('simulated' in role) return { is: 'allowed' };
  const { policies, error } = role;
  if (error !== undefined) return { is: 'unknown', why: error };
  const managed = policies.flatMap(({ arn, document }) =>
    document === undefined ? [arn?.replace(/^[^/]*\//, '') ?? ''] : [],
  );
  const documents = [
    ...policies.flatMap(({ document }) => document ?? []),
    ...(managed.some((name) => ALLOWING.has(name)) ? [ALLOWS] : []),
  ];
  // Apart from its resource, nothing is known in advance about a node's call.
  const request = { action: NODE_ACTION, resource: clusterArn(target), lookUp: () => ({ state: 'unknown' as const }) };
  const { verdict, reasons } = evaluate(documents, request);
  const unread = managed.filter((name) => !ALLOWING.has(name) && !OTHER.has(name));
  if (verdict === 'allowed') return { is: 'allowed' };
  const why = reasons.map(({ message }) => message).join('; ');
  if (verdict !== 'denied') return { is: 'unknown', why };
  const isForbidden = reasons.some(({ effect }) => effect === 'Deny');
  return isForbidden || unread.length === 0
    ? { is: 'denied' }
    : { is: 'unknown', why: `the content of ${unread.join(', ')} was not read` };
}

/**
 * Fails for a role that may not, since pods on its nodes would get no credentials. An unknown result is a warning and
 * never blocks: clusters that admit their nodes only through the ConfigMap aws-auth have no access entries to read, and
 * their pods may well get credentials.
 */
export function checkNodeRole({ request, cluster, nodeRoles }: Facts): Check[] {
  const id = 'node-role';
  const { target } = request;
  if (!nodeRoles || !cluster) return [];
  const judged = nodeRoles.roles.map((role) => ({
    arn: role.arn,
    name: parseRoleArn(role.arn)?.name ?? role.arn,
    ...judge(role, target),
  }));
  const deniedRoles = judged.filter(({ is }) => is === 'denied');
  const denied = deniedRoles.map(({ name }) => name);
  if (denied.length > 0) {
    return [
      fail(
        id,
        `Node roles of the cluster do not allow ${NODE_ACTION}: ${some(denied)}. The agent could not fetch credentials on their nodes.`,
        `Allow it: ${shellCommand(['aws', 'iam', 'attach-role-policy', '--role-name', denied[0] ?? ''], ['--policy-arn', `arn:${partitionOf(target.region)}:iam::aws:policy/AmazonEKSWorkerNodeMinimalPolicy`])} . If no node uses that role any more, delete its access entry: ${eksCommand(target, 'delete-access-entry', ['--principal-arn', deniedRoles[0]?.arn ?? ''])}`,
        SOURCE,
      ),
    ];
  }
  const open = [
    ...judged.flatMap((one) => (one.is === 'unknown' ? [`${one.name}: ${one.why}`] : [])),
    ...(nodeRoles.error === undefined ? [] : [nodeRoles.error]),
    ...(judged.length === 0 && nodeRoles.error === undefined
      ? ['no access entry is for nodes; they may have access through the ConfigMap aws-auth']
      : []),
  ];
  if (open.length > 0) {
    return [
      warn(
        id,
        `It is not known whether the roles of all nodes allow ${NODE_ACTION}: ${open.join('; ')}.`,
        `Check the policies of the role of each node group: AmazonEKSWorkerNodePolicy and AmazonEKSWorkerNodeMinimalPolicy allow it. To list the node groups: ${eksCommand(target, 'list-nodegroups')}`,
        SOURCE,
      ),
    ];
  }
  if (nodeRoles.areCandidates)
    return [
      pass(
        id,
        `Every role with an access entry that the cluster's nodes could use allows ${NODE_ACTION}: ${some(judged.map(({ name }) => name))}.`,
      ),
    ];
  return [pass(id, `The roles of the cluster's nodes allow ${NODE_ACTION}: ${some(judged.map(({ name }) => name))}.`)];
}
