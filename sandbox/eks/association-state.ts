/** Changes to a cluster's Pod Identity associations, by the operations or by the add-ons that own them. */
import { renewSessions } from '../credentials/sessions.ts';
import type { AddonState, AssociationState, ClusterState } from '../world/world.ts';
import { arnPrefix } from './call.ts';
import type { EksCall } from './call.ts';
import { EksError } from './errors.ts';
import type { ErrorFields } from './errors.ts';

/** EKS User Guide, "Pod Identity: considerations" (2026). */
const ASSOCIATIONS_PER_CLUSTER = 5000;

/** Returns false for a deleted association that still blocks its namespace and service account for a while. */
export const isLive = (association: AssociationState): boolean => association.deletedUntil === undefined;

/** Returns the association of a service account, including a deleted one whose deletion has not propagated yet. */
export const holderOf = (
  cluster: ClusterState,
  namespace: string,
  serviceAccount: string,
): AssociationState | undefined =>
  [...cluster.associations.values()].find(
    (association) => association.namespace === namespace && association.serviceAccount === serviceAccount,
  );

export const refuseDuplicate = (holder: AssociationState | undefined, fields: ErrorFields): void => {
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

/** Throws EksError if the quota would be exceeded. The error type is in the API model; AWS's message is not known. */
export const checkQuota = (cluster: ClusterState, more: number): void => {
  if (more > 0 && [...cluster.associations.values()].filter(isLive).length + more > ASSOCIATIONS_PER_CLUSTER) {
    throw new EksError(
      'ResourceLimitExceededException',
      `The cluster ${cluster.name} can have at most ${ASSOCIATIONS_PER_CLUSTER} Pod Identity associations.`,
      { clusterName: cluster.name },
    );
  }
};

/** Adds an association. The caller has checked the role, the quota, and that the service account has no association. */
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

/** Keeps a removed association known to the webhook, which learns of removals late. */
const rememberDeleted = ({ world }: EksCall, cluster: ClusterState, association: AssociationState): void => {
  const { webhookRemovalLagSeconds } = world.knobs;
  if (webhookRemovalLagSeconds === 0) return;
  const until = world.schedule.now() + webhookRemovalLagSeconds * 1000;
  (cluster.recentlyDeleted ??= new Map()).set(association.id, { association, until });
  world.schedule.at(until, () => cluster.recentlyDeleted?.delete(association.id));
};

/** Makes DescribeAddon list a deleted association. */
export const showDeleted = (owner: AddonState, { arn }: AssociationState): void => {
  owner.deletedAssociationArns = [...(owner.deletedAssociationArns ?? []).filter((other) => other !== arn), arn];
};

/** Makes DescribeAddon list a deleted association for the time of the knob `ownedAssociationLagSeconds`. */
const showDeletedForAWhile = ({ world }: EksCall, owner: AddonState, association: AssociationState): void => {
  const { ownedAssociationLagSeconds, deletedOwnedAssociation } = world.knobs;
  if (ownedAssociationLagSeconds === 0) return;
  showDeleted(owner, association);
  if (deletedOwnedAssociation === 'shown') return;
  world.schedule.after(ownedAssociationLagSeconds * 1000, () => {
    const others = (owner.deletedAssociationArns ?? []).filter((arn) => arn !== association.arn);
    if (others.length > 0) owner.deletedAssociationArns = others;
    else delete owner.deletedAssociationArns;
  });
};

/**
 * Removes an association from every list at once, except DescribeAddon's if a knob says so; its service account can have a new one after `lagSeconds`
 * (aws-controllers-k8s/community#2684).
 */
export const removeAssociation = (
  call: EksCall,
  cluster: ClusterState,
  association: AssociationState,
  lagSeconds: number,
): void => {
  renewSessions(call.world, cluster, association.roleArn);
  for (const addon of cluster.addons.values()) {
    if (!addon.associationIds.includes(association.id)) continue;
    addon.associationIds = addon.associationIds.filter((id) => id !== association.id);
    showDeletedForAWhile(call, addon, association);
  }
  rememberDeleted(call, cluster, association);
  if (lagSeconds === 0) {
    cluster.associations.delete(association.id);
    return;
  }
  association.deletedUntil = call.world.schedule.now() + lagSeconds * 1000;
  call.world.schedule.at(association.deletedUntil, () => cluster.associations.delete(association.id));
};

/** An association in an add-on's request. */
export interface AddonAssociation {
  serviceAccount: string;
  roleArn: string;
}

/** Returns the live associations that an add-on owns. */
export const ownedBy = (cluster: ClusterState, addonArn: string): AssociationState[] =>
  [...cluster.associations.values()].filter((association) => isLive(association) && association.ownerArn === addonArn);

/** The change for one wanted association: create it, replace it under a new id, update it, or keep it unchanged. */
export type WantedAssociation = AddonAssociation &
  ({ change: 'create' } | { change: 'replace' | 'update' | 'keep'; current: AssociationState });

/** Changes after which an add-on owns exactly the wanted associations, in their order. */
export interface AssociationChanges {
  wanted: WantedAssociation[];
  removed: AssociationState[];
}

/**
 * Returns whether an update changes an association: its role, or properties that an add-on's request cannot express and
 * therefore clears.
 */
const differs = (current: AssociationState, roleArn: string): boolean =>
  current.roleArn !== roleArn ||
  current.disableSessionTags === true ||
  [current.targetRoleArn, current.externalId, current.policy].some((value) => value !== undefined);

/**
 * Returns the changes for the wanted associations. EKS User Guide: "all previous pod identity associations are
 * overwritten". An association for a service account that already has one keeps its id, unless the knob
 * `newIdOnReplace` is set. `owner`: ARN of the add-on that owns associations now; undefined if there is none.
 * `takenOver`: another copy of the add-on will own them.
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
      const current = owned.find(({ serviceAccount }) => serviceAccount === association.serviceAccount);
      if (!current) return { ...association, change: 'create' };
      if (call.world.knobs.newIdOnReplace) return { ...association, change: 'replace', current };
      return {
        ...association,
        change: takenOver || differs(current, association.roleArn) ? 'update' : 'keep',
        current,
      };
    }),
    removed: owned.filter(
      ({ serviceAccount }) => !wanted.some((association) => association.serviceAccount === serviceAccount),
    ),
  };
};

/** Applies the changes. `unknownToWebhook`: applies to the associations that are created. */
export const replaceOwned = (
  call: EksCall,
  cluster: ClusterState,
  addon: AddonState,
  changes: AssociationChanges,
  { unknownToWebhook }: { unknownToWebhook: boolean },
): void => {
  const unknown = unknownToWebhook ? { unknownToWebhook } : {};
  const now = call.world.schedule.now();
  delete addon.deletedAssociationArns;
  for (const association of changes.removed)
    removeAssociation(call, cluster, association, call.world.knobs.associationDeleteLagSeconds);
  addon.associationIds = changes.wanted.map((wanted) => {
    const { serviceAccount, roleArn } = wanted;
    if (wanted.change === 'update' || wanted.change === 'keep') {
      const { current } = wanted;
      renewSessions(call.world, cluster, current.roleArn);
      const cleared = {
        targetRoleArn: undefined,
        externalId: undefined,
        disableSessionTags: undefined,
        policy: undefined,
      };
      cluster.associations.set(current.id, {
        ...current,
        ...cleared,
        roleArn,
        ownerArn: addon.arn,
        modifiedAt: differs(current, roleArn) ? now : current.modifiedAt,
      });
      return current.id;
    }
    if (wanted.change === 'replace') removeAssociation(call, cluster, wanted.current, 0);
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
