/** Changes to a cluster's Pod Identity associations, for the operations and for the add-ons that own some. */
import type { AddonState, AssociationState, ClusterState } from '../world/world.ts';
import { arnPrefix } from './call.ts';
import type { EksCall } from './call.ts';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';

/** EKS User Guide, "Pod Identity: considerations" (2026). */
const ASSOCIATIONS_PER_CLUSTER = 5000;

/** False for one that was deleted and only keeps its key taken for a while. */
export const isLive = (association: AssociationState): boolean => association.deletedUntil === undefined;

/** Who has that key, if only for the while that a deletion needs to spread. */
export const holderOf = (cluster: ClusterState, namespace: string, serviceAccount: string): AssociationState | undefined =>
  [...cluster.associations.values()].find((association) => association.namespace === namespace && association.serviceAccount === serviceAccount);

export const refuseHeldKey = (holder: AssociationState | undefined, fields: ErrorFields): void => {
  if (holder) throw new EksError('ResourceInUseException', `Association already exists: ${holder.id}`, fields);
};

type NewAssociation = Pick<AssociationState, 'namespace' | 'serviceAccount' | 'roleArn' | 'ownerArn' | 'targetRoleArn' | 'disableSessionTags' | 'policy' | 'tags' | 'unknownToWebhook'>;

/** Refuses what would go over the quota. The type is modelled; AWS's text is not known. */
export const checkQuota = (cluster: ClusterState, more: number): void => {
  if (more > 0 && [...cluster.associations.values()].filter(isLive).length + more > ASSOCIATIONS_PER_CLUSTER) {
    throw new EksError('ResourceLimitExceededException', `The cluster ${cluster.name} can have at most ${ASSOCIATIONS_PER_CLUSTER} Pod Identity associations.`, { clusterName: cluster.name });
  }
};

/** The caller has checked the role, the quota, and that the key is free. */
export const addAssociation = (call: EksCall, cluster: ClusterState, wanted: NewAssociation): AssociationState => {
  const id = `a-${call.ids.string(17)}`;
  const now = call.world.schedule.now();
  const association: AssociationState = {
    ...wanted,
    id,
    arn: `${arnPrefix(cluster)}:podidentityassociation/${cluster.name}/${id}`,
    ...(wanted.targetRoleArn === undefined ? {} : { externalId: call.ids.uuid() }),
    createdAt: now,
    modifiedAt: now,
  };
  cluster.associations.set(id, association);
  return association;
};

/** Gone from every list at once; its key is free after `lagSeconds` (aws-controllers-k8s/community#2684). */
export const removeAssociation = (call: EksCall, cluster: ClusterState, association: AssociationState, lagSeconds: number): void => {
  for (const addon of cluster.addons.values()) addon.associationIds = addon.associationIds.filter((id) => id !== association.id);
  if (lagSeconds === 0) {
    cluster.associations.delete(association.id);
    return;
  }
  association.deletedUntil = call.world.schedule.now() + lagSeconds * 1000;
  call.world.schedule.at(association.deletedUntil, () => cluster.associations.delete(association.id));
};

/** One association as an add-on's request gives it. */
export interface AddonAssociation {
  serviceAccount: string;
  roleArn: string;
}

/**
 * Makes the add-on own exactly the wanted associations (EKS User Guide: "all previous pod identity associations are
 * overwritten"). One whose key it had already keeps its id, unless the knob `newIdOnReplace` says otherwise; what the
 * add-on form can't say (target role, session policy) is gone from it either way.
 * `previousOwner`: ARN of the copy whose associations it takes over, where it is not its own. `unknownToWebhook`: of the
 * associations that it makes.
 */
export const replaceOwned = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  wanted: AddonAssociation[],
  { previousOwner = addon.arn, unknownToWebhook }: { previousOwner?: string; unknownToWebhook: boolean },
): void => {
  const unknown = unknownToWebhook ? { unknownToWebhook } : {};
  const owned = [...cluster.associations.values()].filter((association) => isLive(association) && association.ownerArn === previousOwner);
  const now = call.world.schedule.now();
  for (const association of owned) {
    if (!wanted.some(({ serviceAccount }) => serviceAccount === association.serviceAccount)) {
      removeAssociation(call, cluster, association, call.world.knobs.associationDeleteLagSeconds);
    }
  }
  addon.associationIds = wanted.map(({ serviceAccount, roleArn }) => {
    const held = owned.find((association) => association.serviceAccount === serviceAccount);
    if (held && !call.world.knobs.newIdOnReplace) {
      const { targetRoleArn, externalId, disableSessionTags, policy, ...kept } = held;
      const changed = held.roleArn !== roleArn || [targetRoleArn, externalId, disableSessionTags, policy].some((value) => value !== undefined);
      cluster.associations.set(held.id, { ...kept, roleArn, ownerArn: addon.arn, modifiedAt: changed ? now : held.modifiedAt });
      return held.id;
    }
    if (held) removeAssociation(call, cluster, held, 0);
    return addAssociation(call, cluster, { namespace: addon.namespace, serviceAccount, roleArn, ownerArn: addon.arn, tags: {}, ...unknown }).id;
  });
};
