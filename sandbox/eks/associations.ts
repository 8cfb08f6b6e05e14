/** The operations on Pod Identity associations. */
import type * as eks from '@aws-sdk/client-eks';
import { renewSessions } from '../credentials/sessions.ts';
import type { AssociationState, ClusterState } from '../world/world.ts';
import {
  addAssociation,
  checkQuota,
  holderOf,
  isLive,
  refuseDuplicate,
  removeAssociation,
  showDeleted,
} from './association-state.ts';
import { once, paginate, requireCluster, seconds } from './call.ts';
import type { EksCall, Handler } from './call.ts';
import { EksError } from './errors.ts';
import { requireRolePermissions } from './on-behalf.ts';
import { checkAssociationRole, checkRoleAccount } from './roles.ts';
import type { Wire } from './wire.ts';

/** `a-` and 17 characters (aws-samples/eks-workshop-v2#882). */
const ID_LENGTH = 19;

const answerOf = (cluster: ClusterState, association: AssociationState): Wire<eks.PodIdentityAssociation> => ({
  clusterName: cluster.name,
  namespace: association.namespace,
  serviceAccount: association.serviceAccount,
  roleArn: association.roleArn,
  associationArn: association.arn,
  associationId: association.id,
  tags: { ...association.tags },
  createdAt: seconds(association.createdAt),
  modifiedAt: seconds(association.modifiedAt),
  ownerArn: association.ownerArn,
  // hashicorp/terraform-provider-aws imports an association that does not set it, and expects no difference from false.
  disableSessionTags: association.disableSessionTags ?? false,
  targetRoleArn: association.targetRoleArn,
  externalId: association.externalId,
  policy: association.policy,
});

const requireAssociation = (
  call: EksCall,
  clusterName: string,
  id: string,
): { cluster: ClusterState; association: AssociationState } => {
  const cluster = requireCluster(call, clusterName);
  if (id.length !== ID_LENGTH)
    throw new EksError(
      'InvalidParameterException',
      `The parameter associationId should be ${ID_LENGTH} characters long.`,
      { clusterName },
    );
  const association = cluster.associations.get(id);
  // The error type is in the API model; AWS's message is not known.
  if (!association || !isLive(association))
    throw new EksError('ResourceNotFoundException', `No association found for ID: ${id}`, { clusterName });
  return { cluster, association };
};

/**
 * Throws EksError for a session policy unless session tags are disabled (API reference). AWS's message is not known.
 */
const checkPolicy = (clusterName: string, association: { policy?: string; disableSessionTags?: boolean }): void => {
  if (association.policy !== undefined && association.disableSessionTags !== true) {
    throw new EksError('InvalidParameterException', 'A policy can only be specified when disableSessionTags is true.', {
      clusterName,
    });
  }
};

export const createPodIdentityAssociation: Handler<
  eks.CreatePodIdentityAssociationRequest,
  eks.CreatePodIdentityAssociationResponse
> = (call, input) => {
  const cluster = requireCluster(call, input.clusterName);
  const fields = { clusterName: cluster.name };
  return once(call, `${cluster.arn} CreatePodIdentityAssociation`, input, () => {
    const { namespace, serviceAccount, roleArn, targetRoleArn, disableSessionTags, policy, tags = {} } = input;
    checkRoleAccount(call.account, roleArn);
    requireRolePermissions(call, cluster, [roleArn]);
    checkPolicy(cluster.name, input);
    checkAssociationRole(call.world, roleArn, { cluster, namespace, serviceAccount, disableSessionTags }, fields);
    refuseDuplicate(holderOf(cluster, namespace, serviceAccount), fields);
    checkQuota(cluster, 1);
    const association = addAssociation(call, cluster, {
      namespace,
      serviceAccount,
      roleArn,
      targetRoleArn,
      disableSessionTags,
      policy,
      tags: { ...tags },
    });
    return {
      answer: { association: answerOf(cluster, association) },
      stillExists: () => {
        const now = cluster.associations.get(association.id);
        return now !== undefined && isLive(now);
      },
    };
  });
};

export const describePodIdentityAssociation: Handler<
  eks.DescribePodIdentityAssociationRequest,
  eks.DescribePodIdentityAssociationResponse
> = (call, input) => {
  const { cluster, association } = requireAssociation(call, input.clusterName, input.associationId);
  return { association: answerOf(cluster, association) };
};

/** Lists associations. As in the API, summaries do not contain role, times and tags. */
export const listPodIdentityAssociations: Handler<
  eks.ListPodIdentityAssociationsRequest,
  eks.ListPodIdentityAssociationsResponse
> = (call, input) => {
  const cluster = requireCluster(call, input.clusterName);
  const matching = [...cluster.associations.values()].filter(
    (association) =>
      isLive(association) &&
      (input.namespace === undefined || association.namespace === input.namespace) &&
      (input.serviceAccount === undefined || association.serviceAccount === input.serviceAccount),
  );
  const { page, nextToken } = paginate(matching, (association) => association.id, input);
  const associations = page.map((association) => ({
    clusterName: cluster.name,
    namespace: association.namespace,
    serviceAccount: association.serviceAccount,
    associationArn: association.arn,
    associationId: association.id,
    ownerArn: association.ownerArn,
  }));
  return { associations, nextToken };
};

/**
 * Deletes an association, also one that an add-on owns: EKS User Guide, "You also can directly update or delete the pod
 * identity association".
 */
export const deletePodIdentityAssociation: Handler<
  eks.DeletePodIdentityAssociationRequest,
  eks.DeletePodIdentityAssociationResponse
> = (call, input) => {
  const { cluster, association } = requireAssociation(call, input.clusterName, input.associationId);
  const owner = [...cluster.addons.values()].find(({ associationIds }) => associationIds.includes(association.id));
  if (owner && call.world.knobs.deletedOwnedAssociation === 'shown') showDeleted(owner, association);
  removeAssociation(call, cluster, association, call.world.knobs.associationDeleteLagSeconds);
  return { association: answerOf(cluster, association) };
};

/** Updates an association. An empty target role or policy removes the old value. */
export const updatePodIdentityAssociation: Handler<
  eks.UpdatePodIdentityAssociationRequest,
  eks.UpdatePodIdentityAssociationResponse
> = (call, input) => {
  const { cluster, association } = requireAssociation(call, input.clusterName, input.associationId);
  const { roleArn, targetRoleArn, disableSessionTags, policy } = input;
  if ([roleArn, targetRoleArn, disableSessionTags, policy].every((value) => value === undefined)) {
    // API reference: "You must change at least one". AWS's message is not known.
    throw new EksError(
      'InvalidParameterException',
      'At least one of roleArn, targetRoleArn, disableSessionTags and policy must be specified.',
      { clusterName: cluster.name },
    );
  }
  checkRoleAccount(call.account, roleArn);
  if (roleArn !== undefined || call.world.knobs.updateAssociationPassesRole)
    requireRolePermissions(call, cluster, [roleArn ?? association.roleArn]);
  if (roleArn !== undefined) {
    const { namespace, serviceAccount } = association;
    checkAssociationRole(
      call.world,
      roleArn,
      { cluster, namespace, serviceAccount, disableSessionTags: disableSessionTags ?? association.disableSessionTags },
      { clusterName: cluster.name },
    );
  }
  renewSessions(call.world, cluster, association.roleArn);
  const next: AssociationState = {
    ...association,
    roleArn: roleArn ?? association.roleArn,
    disableSessionTags: disableSessionTags ?? association.disableSessionTags,
    policy: (policy ?? association.policy) || undefined,
    targetRoleArn: (targetRoleArn ?? association.targetRoleArn) || undefined,
    modifiedAt: call.world.schedule.now(),
  };
  next.externalId = next.targetRoleArn === undefined ? undefined : (association.externalId ?? call.ids.uuid());
  checkPolicy(cluster.name, next);
  cluster.associations.set(association.id, next);
  return { association: answerOf(cluster, next) };
};
