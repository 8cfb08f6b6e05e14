/**
 * Decides whether EKS Auth returns credentials for a pod: by the association of the service account, and by the trust
 * policy of the role, evaluated with the pod's session tags. Sources: EKS Auth API Reference, AssumeRoleForPodIdentity;
 * EKS User Guide, "Learn how EKS Pod Identity grants pods access to AWS services" and "Grant Pods access to AWS
 * resources based on tags".
 */
import { createHash } from 'node:crypto';
import { clusterArn } from '../../lambdas/domain/aws/arn.ts';
import { type AssumeRoleCall, podIdentityRequests } from '../../lambdas/domain/policy/index.ts';
import { refusalIn } from '../authorization/authorizer.ts';
import type { Caller } from '../http.ts';
import { sessionArn } from '../authorization/sessions.ts';
import { trustOf } from '../trust/assume-role.ts';
import { findRole, type AssociationState, type ClusterState, type RoleState, type World } from '../world/world.ts';
import { type Granted, type Refusal, refused } from './refusal.ts';
import { trusts } from '../trust/pods.ts';

/** Audience of tokens for EKS Auth. */
export const POD_IDENTITY_AUDIENCE = 'pods.eks.amazonaws.com';

/** The pod that a token names. */
export interface TokenPod {
  namespace: string;
  serviceAccount: string;
  name: string;
  uid: string;
}

/** The role that EKS Auth has decided to grant. */
export interface PodIdentityGrant extends Granted {
  association: AssociationState;
  /** Session policies as JSON. */
  policies: string[];
}

/**
 * Returns the association that EKS Auth knows for a pod: it learns of a new association `eksAuthLagSeconds` late, of
 * changes and removals at once.
 */
const associationOf = (world: World, cluster: ClusterState, pod: TokenPod): AssociationState | undefined => {
  const newest = world.schedule.now() - world.knobs.eksAuthLagSeconds * 1000;
  for (const association of cluster.associations.values())
    if (
      association.namespace === pod.namespace &&
      association.serviceAccount === pod.serviceAccount &&
      association.deletedUntil === undefined &&
      association.createdAt <= newest
    )
      return association;
  return undefined;
};

/**
 * Returns the session name `eks-CLUSTER-POD-UUID` (EKS User Guide). The UUID is derived from the pod's uid, so that
 * calling this draws no random number.
 */
export const sessionNameOf = (cluster: ClusterState, pod: TokenPod): string => {
  const id = createHash('sha256').update(`${cluster.arn}/${pod.uid}`).digest('hex');
  const uuid = [id.slice(0, 8), id.slice(8, 12), id.slice(12, 16), id.slice(16, 20), id.slice(20, 32)].join('-');
  // STS accepts 64 characters, of which the UUID takes 36.
  return `${`eks-${cluster.name}-${pod.name}`.slice(0, 27)}-${uuid}`;
};

/** Returns the session tags of EKS Pod Identity, all of which are transitive. */
export const tagsOf = (cluster: ClusterState, pod: TokenPod): Record<string, string> => ({
  'eks-cluster-arn': cluster.arn,
  'eks-cluster-name': cluster.name,
  'kubernetes-namespace': pod.namespace,
  'kubernetes-service-account': pod.serviceAccount,
  'kubernetes-pod-name': pod.name,
  'kubernetes-pod-uid': pod.uid,
});

/** Returns whether the trust policy allows EKS Auth sts:AssumeRole and sts:TagSession for the pod. */
const trustsPod = (
  world: World,
  cluster: ClusterState,
  role: RoleState,
  pod: TokenPod,
  association: AssociationState,
): boolean => {
  const { account, region, name } = cluster;
  const { disableSessionTags } = association;
  const requests = podIdentityRequests({
    clusterArn: clusterArn({ account, region, cluster: name }),
    namespace: pod.namespace,
    serviceAccount: pod.serviceAccount,
    ...(disableSessionTags === undefined ? {} : { disableSessionTags }),
  });
  return trusts(world, role, requests, {
    'sts:RoleSessionName': sessionNameOf(cluster, pod),
    ...(disableSessionTags
      ? {}
      : Object.fromEntries(Object.entries(tagsOf(cluster, pod)).map(([key, tag]) => [`aws:RequestTag/${key}`, tag]))),
  });
};

/** Returns the pod's own role as the caller that assumes the target role. */
const callerOf = (role: RoleState): Caller => ({
  accessKeyId: '',
  principalArn: role.arn,
  account: role.arn.split(':')[4] ?? '',
});

/**
 * Returns whether the associated role can assume the target role (EKS User Guide, "Access AWS resources using EKS Pod
 * Identity target IAM roles").
 */
const reachesTarget = (
  world: World,
  cluster: ClusterState,
  { role, pod, association }: { role: RoleState; pod: TokenPod; association: AssociationState },
): boolean => {
  const { targetRoleArn = '', externalId, disableSessionTags } = association;
  const target = findRole(world, targetRoleArn);
  // The trust policy of a role in an account outside the world is unknown.
  if (!target) return !world.accounts.has(targetRoleArn.split(':')[4] ?? '') && world.knobs.undecidedTrust === 'allows';
  const caller = callerOf(role);
  const sessionName = sessionNameOf(cluster, pod);
  const tags = disableSessionTags ? {} : tagsOf(cluster, pod);
  const call: AssumeRoleCall = {
    roleArn: role.arn,
    sessionArn: sessionArn(role.arn, sessionName),
    account: caller.account,
    partition: role.arn.split(':')[1] ?? 'aws',
    resourceAccount: targetRoleArn.split(':')[4] ?? '',
    sessionName,
    ...(externalId === undefined ? {} : { externalId }),
    tags,
    transitiveTagKeys: Object.keys(tags),
    now: world.schedule.now(),
  };
  return (
    Object.keys(tags).length > 0 ? (['sts:AssumeRole', 'sts:TagSession'] as const) : (['sts:AssumeRole'] as const)
  )
    .map((action) => ({ action, resource: targetRoleArn, trust: trustOf(world, target, caller, call, action) }))
    .every((permission) => refusalIn(world, caller, permission, cluster.region) === undefined);
};

/**
 * Returns EKS Auth's answer for a pod's token. Error messages are as reported by users
 * (awslabs/mountpoint-s3-csi-driver#781; aws/eks-pod-identity-agent, README); the message for a missing association is
 * not known.
 */
export const evaluatePodIdentity = (
  world: World,
  cluster: ClusterState,
  pod: TokenPod,
): PodIdentityGrant | { refused: Refusal } => {
  const association = associationOf(world, cluster, pod);
  if (!association)
    return refused(
      'ResourceNotFoundException',
      404,
      `No pod identity association was found for service account ${pod.namespace}/${pod.serviceAccount} in cluster ${cluster.name}.`,
    );
  const role = findRole(world, association.roleArn);
  const reached =
    role !== undefined &&
    trustsPod(world, cluster, role, pod, association) &&
    (association.targetRoleArn === undefined || reachesTarget(world, cluster, { role, pod, association }));
  if (!reached)
    return refused(
      'AccessDeniedException',
      400,
      'Unauthorized Exception! EKS does not have permissions to assume the associated role.',
    );
  return {
    association,
    roleArn: association.targetRoleArn ?? association.roleArn,
    sessionName: sessionNameOf(cluster, pod),
    policies: association.policy === undefined ? [] : [association.policy],
  };
};
