/** Changes to a cluster's Pod Identity associations, for the operations and for the add-ons that own some. */
import { renewSessions } from '../credentials/sessions.ts';
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
export const holderOf = (
  cluster: ClusterState,
  namespace: string,
  serviceAccount: string,
): AssociationState | undefined =>
  [...cluster.associations.values()].find(
    (association) => association.namespace === namespace && association.serviceAccount === serviceAccount,
  );

export const refuseHeldKey = (holder: AssociationState | undefined, fields: ErrorFields): void => {
  if (holder) throw new EksError('ResourceInUseException', `Association already exists: ${holder.id}`, fields);
};

type NewAssociation = Pick<
  AssociationState,
  | 'namespace'
  | 'serviceAccount'
  | 'roleArn'
  | 'ownerArn'
  | 'targetRoleArn'
  | 'disableSessionTags'
  | 'policy'
  | 'tags'
  | 'unknownToWebhook'
>;

/** Refuses what would go over the quota. The type is modelled; AWS's text is not known. */
export const checkQuota = (cluster: ClusterState, more: number): void => {
  if (more > 0 && [...cluster.associations.values()].filter(isLive).length + more > ASSOCIATIONS_PER_CLUSTER) {
    throw new EksError(
      'ResourceLimitExceededException',
      `The cluster ${cluster.name} can have at most ${ASSOCIATIONS_PER_CLUSTER} Pod Identity associations.`,
      { clusterName: cluster.name },
    );
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

/** The webhook learns of a removal late. */
const keepKnown = ({ world }: EksCall, cluster: ClusterState, association: AssociationState): void => {
  const { webhookRemovalLagSeconds } = world.knobs;
  if (webhookRemovalLagSeconds === 0) return;
  const until = world.schedule.now() + webhookRemovalLagSeconds * 1000;
  (cluster.stillKnown ??= new Map()).set(association.id, { association, until });
  world.schedule.at(until, () => cluster.stillKnown?.delete(association.id));
};

/** Gone from every list at once; its key is free after `lagSeconds` (aws-controllers-k8s/community#2684). */
export const removeAssociation = (
  call: EksCall,
  cluster: ClusterState,
  association: AssociationState,
  lagSeconds: number,
): void => {
  renewSessions(call.world, cluster, association.roleArn);
  for (const addon of cluster.addons.values())
    addon.associationIds = addon.associationIds.filter((id) => id !== association.id);
  keepKnown(call, cluster, association);
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

/** Live ones of that add-on. */
export const ownedBy = (cluster: ClusterState, addonArn: string): AssociationState[] =>
  [...cluster.associations.values()].filter((association) => isLive(association) && association.ownerArn === addonArn);

/**
 * What becomes of one wanted association: made, made anew under another id, updated under its own, or left as it is.
 */
export type WantedAssociation = AddonAssociation &
  ({ change: 'make' } | { change: 'remake' | 'update' | 'keep'; held: AssociationState });

/** What it takes for an add-on to own exactly the wanted associations, in their order. */
export interface AssociationChanges {
  wanted: WantedAssociation[];
  removed: AssociationState[];
}

/** What the add-on form can't say is gone from an association that such a form is about. */
const differs = (held: AssociationState, roleArn: string): boolean =>
  held.roleArn !== roleArn ||
  [held.targetRoleArn, held.externalId, held.disableSessionTags, held.policy].some((value) => value !== undefined);

/**
 * EKS User Guide: "all previous pod identity associations are overwritten". One whose key the owner had already keeps
 * its id, unless the knob `newIdOnReplace` says otherwise. `owner`: ARN of the add-on that has associations now;
 * undefined: none. `takenOver`: the add-on that shall have them is another copy.
 */
export const changesOf = (
  call: EksCall,
  cluster: ClusterState,
  { owner, takenOver }: { owner: string | undefined; takenOver: boolean },
  wanted: AddonAssociation[],
): AssociationChanges => {
  const owned = owner === undefined ? [] : ownedBy(cluster, owner);
  return {
    wanted: wanted.map((association): WantedAssociation => {
      const held = owned.find(({ serviceAccount }) => serviceAccount === association.serviceAccount);
      if (!held) return { ...association, change: 'make' };
      if (call.world.knobs.newIdOnReplace) return { ...association, change: 'remake', held };
      return { ...association, change: takenOver || differs(held, association.roleArn) ? 'update' : 'keep', held };
    }),
    removed: owned.filter(
      ({ serviceAccount }) => !wanted.some((association) => association.serviceAccount === serviceAccount),
    ),
  };
};

/** Makes those changes. `unknownToWebhook`: of the associations that it makes. */
export const replaceOwned = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  changes: AssociationChanges,
  { unknownToWebhook }: { unknownToWebhook: boolean },
): void => {
  const unknown = unknownToWebhook ? { unknownToWebhook } : {};
  const now = call.world.schedule.now();
  for (const association of changes.removed)
    removeAssociation(call, cluster, association, call.world.knobs.associationDeleteLagSeconds);
  delete addon.deletedAssociationArns;
  addon.associationIds = changes.wanted.map((wanted) => {
    const { serviceAccount, roleArn } = wanted;
    if (wanted.change === 'update' || wanted.change === 'keep') {
      const { held } = wanted;
      renewSessions(call.world, cluster, held.roleArn);
      const unsaid = {
        targetRoleArn: undefined,
        externalId: undefined,
        disableSessionTags: undefined,
        policy: undefined,
      };
      cluster.associations.set(held.id, {
        ...held,
        ...unsaid,
        roleArn,
        ownerArn: addon.arn,
        modifiedAt: differs(held, roleArn) ? now : held.modifiedAt,
      });
      return held.id;
    }
    if (wanted.change === 'remake') removeAssociation(call, cluster, wanted.held, 0);
    return addAssociation(call, cluster, {
      namespace: addon.namespace,
      serviceAccount,
      roleArn,
      ownerArn: addon.arn,
      tags: {},
      ...unknown,
    }).id;
  });
};
