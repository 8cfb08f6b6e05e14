/**
 * The operations on add-ons. An add-on that a scenario starts in a transitional status (CREATING, UPDATING, DELETING)
 * keeps it, because no operation is in progress that would end it.
 */
import type * as eks from '@aws-sdk/client-eks';
import type { CatalogueAddon, CatalogueVersion } from '../catalog/catalogue.ts';
import type { AddonState, ClusterState, UpdateState } from '../world/world.ts';
import {
  checkParameters,
  checkPassedRoles,
  isBusy,
  requireNamespace,
  requireOffered,
  requireVersion,
  statusFor,
} from './addon-checks.ts';
import { applyObjects, beginCreate, beginDelete, beginUpdate } from './addon-lifecycle.ts';
import { changesOf, isLive, ownedBy, replaceOwned } from './association-state.ts';
import { arnPrefix, once, paginate, preservedKey, requireAddon, requireCluster, seconds } from './call.ts';
import type { EksCall, Handler } from './call.ts';
import { conflictOf, reclaimFields } from './conflicts.ts';
import { EksError, type ErrorFields } from './errors.ts';
import { requireChangePermissions, requireDeletePermissions } from './on-behalf.ts';
import { updateAnswer, updateParams } from './updates.ts';
import type { Decoded, Wire } from './wire.ts';

const answerOf = ({ world }: EksCall, cluster: ClusterState, addon: AddonState): Wire<eks.Addon> => {
  const associations = addon.associationIds.flatMap((id) => {
    const association = cluster.associations.get(id);
    return association && isLive(association) ? [association.arn] : [];
  });
  associations.push(...(addon.deletedAssociationArns ?? []));
  return {
    addonName: addon.name,
    clusterName: cluster.name,
    status: addon.status,
    addonVersion: addon.version,
    health: { issues: addon.issues.map((issue) => ({ ...issue, code: issue.code as eks.AddonIssueCode })) },
    addonArn: addon.arn,
    createdAt: seconds(addon.createdAt),
    modifiedAt: seconds(addon.modifiedAt),
    serviceAccountRoleArn: addon.serviceAccountRoleArn,
    tags: { ...addon.tags },
    configurationValues: addon.configurationValues,
    ...(associations.length > 0 ? { podIdentityAssociations: associations } : {}),
    ...(world.knobs.namespaceConfigShown === 'always' || addon.namespaceChosen
      ? { namespaceConfig: { namespace: addon.namespace } }
      : {}),
  };
};

export const describeAddon: Handler<eks.DescribeAddonRequest, eks.DescribeAddonResponse> = (call, input) => {
  const cluster = requireCluster(call, input.clusterName);
  return { addon: answerOf(call, cluster, requireAddon(cluster, input.addonName)) };
};

export const listAddons: Handler<eks.ListAddonsRequest, eks.ListAddonsResponse> = (call, input) => {
  const { page, nextToken } = paginate(requireCluster(call, input.clusterName).addons.keys(), (name) => name, input);
  return { addons: page, nextToken };
};

type Made = Pick<AddonState, 'version' | 'configurationValues'>;
const isChanged = (addon: Made, before: Made): boolean =>
  before.version !== addon.version || before.configurationValues !== addon.configurationValues;

/**
 * Creates an add-on, each time with a new ARN. A copy in CREATE_FAILED is replaced, as eksctl does. Associations are
 * created before workloads, and preserved objects are taken over.
 */
export const createAddon: Handler<eks.CreateAddonRequest, eks.CreateAddonResponse> = (call, input) => {
  checkPassedRoles(call, input);
  const cluster = requireCluster(call, input.clusterName);
  const fields = { clusterName: cluster.name, addonName: input.addonName };
  return once(call, `${cluster.arn} CreateAddon`, input, () => {
    const { world } = call;
    const before = cluster.addons.get(input.addonName);
    const failed = before && statusFor(call, before) === 'CREATE_FAILED' ? before : undefined;
    const wanted = input.podIdentityAssociations ?? [];
    const changes = changesOf(call, cluster, { owner: failed?.arn, takenOver: true }, wanted);
    requireChangePermissions(call, cluster, changes, input.serviceAccountRoleArn);
    const offered = requireOffered(call, input.addonName, fields);
    // crossplane-contrib/provider-aws#1310. An add-on that is being deleted conflicts as well.
    if (before && !failed) throw new EksError('ResourceInUseException', 'Addon already exists.', fields);
    const version = requireVersion(offered, cluster, input.addonVersion);
    const chosen = requireNamespace(call, offered, input.namespaceConfig?.namespace, fields);
    const namespace = chosen ?? offered.objects.namespace;
    checkParameters(call, cluster, { offered, version, namespace, owner: failed?.arn }, input);

    const now = world.schedule.now();
    const addon: AddonState = {
      name: offered.name,
      arn: `${arnPrefix(cluster)}:addon/${cluster.name}/${offered.name}/${call.ids.uuid()}`,
      version: version.version,
      status: 'CREATING',
      issues: [],
      namespace,
      ...(chosen === undefined ? {} : { namespaceChosen: true }),
      serviceAccountRoleArn: input.serviceAccountRoleArn,
      configurationValues: input.configurationValues || undefined,
      associationIds: [],
      tags: { ...input.tags },
      createdAt: now,
      modifiedAt: now,
      generation: 1,
    };
    const overPreserved = cluster.preserved.has(addon.name);
    const podsKeepIdentity = world.knobs.podsKeepIdentityOnPreserve && overPreserved && wanted.length > 0;
    replaceOwned(call, cluster, addon, changes, { unknownToWebhook: podsKeepIdentity });
    cluster.addons.set(addon.name, addon);
    const conflict = conflictOf(cluster, addon.name, 'create', input.resolveConflicts);
    if (!conflict && world.knobs.createEndsIn !== 'CREATE_FAILED') {
      const createdFrom = call.preserved.get(preservedKey(cluster, addon.name)) ?? {
        version: addon.version,
        configurationValues: addon.configurationValues,
      };
      const reclaimed = reclaimFields(cluster, addon.name, input.resolveConflicts);
      applyObjects(call, cluster, addon, {
        restart: overPreserved && (isChanged(addon, createdFrom) || reclaimed || world.knobs.restartOnCreate),
        keepAnnotation: podsKeepIdentity || (overPreserved && world.knobs.annotationAfterRecreate === 'keep'),
      });
    }
    beginCreate(call, cluster, addon, conflict);
    return {
      answer: { addon: answerOf(call, cluster, addon) },
      stillExists: () => cluster.addons.get(addon.name) === addon && !call.deleting.has(addon),
    };
  });
};

/** Returns the version after an update. The installed version can be kept even if it is no longer offered. */
const versionAfter = (
  offered: CatalogueAddon,
  cluster: ClusterState,
  addon: AddonState,
  wanted: string | undefined,
): CatalogueVersion => {
  const current = offered.versions.find((candidate) => candidate.version === addon.version);
  return current && (wanted ?? addon.version) === addon.version ? current : requireVersion(offered, cluster, wanted);
};

const newUpdate = (call: EksCall, addon: AddonState, input: Parameters<typeof updateParams>[0]): UpdateState => ({
  id: call.ids.uuid(),
  addonName: addon.name,
  status: 'InProgress',
  type: 'AddonUpdate',
  params: updateParams(input, addon.namespace),
  errors: [],
  createdAt: call.world.schedule.now(),
});

/** Throws EksError if the knob `roleWithAssociations` forbids the role; the message is invented. */
const refuseRoleWithAssociations = (
  { world }: EksCall,
  { associationIds }: AddonState,
  { serviceAccountRoleArn, podIdentityAssociations }: Decoded<eks.UpdateAddonRequest>,
  fields: ErrorFields,
): void => {
  const hasRoleAndAssociations =
    serviceAccountRoleArn !== undefined && podIdentityAssociations === undefined && associationIds.length > 0;
  if (hasRoleAndAssociations && world.knobs.roleWithAssociations === 'refuse')
    throw new EksError(
      'InvalidParameterException',
      'The add-on has Pod Identity associations: specify podIdentityAssociations together with serviceAccountRoleArn.',
      fields,
    );
};

/**
 * Updates an add-on. A role that the request leaves out is removed, with or without associations
 * (hashicorp/terraform-provider-aws#19402 and #30645); the knob `keepIrsaRole` simulates the contrary report. Version,
 * configuration and associations do not change if left out. Pods roll if anything that they depend on has changed (but
 * see `podsKeepIdentityOnUpdate`). The values of a failed update are kept: EKS reverts nothing, and the next update
 * applies them.
 */
export const updateAddon: Handler<eks.UpdateAddonRequest, eks.UpdateAddonResponse> = (call, input) => {
  checkPassedRoles(call, input);
  const cluster = requireCluster(call, input.clusterName);
  const addon = requireAddon(cluster, input.addonName);
  const fields = { clusterName: cluster.name, addonName: addon.name };
  return once(call, `${addon.arn} UpdateAddon`, input, () => {
    const { podIdentityAssociations: wanted, configurationValues } = input;
    const changes = wanted && changesOf(call, cluster, { owner: addon.arn, takenOver: false }, wanted);
    requireChangePermissions(call, cluster, changes, input.serviceAccountRoleArn);
    const status = statusFor(call, addon);
    // awslabs/cdk-eks-blueprints#447, eksctl-io/eksctl#7269.
    if (isBusy(status))
      throw new EksError(
        'ResourceInUseException',
        `Addon ${addon.name} cannot be updated as it is currently in ${status} state`,
        fields,
      );
    refuseRoleWithAssociations(call, addon, input, fields);
    const offered = requireOffered(call, addon.name, fields);
    const version = versionAfter(offered, cluster, addon, input.addonVersion);
    checkParameters(call, cluster, { offered, version, namespace: addon.namespace, owner: addon.arn }, input);

    const before = {
      role: addon.serviceAccountRoleArn,
      version: addon.version,
      configuration: addon.configurationValues,
    };
    const given = (wanted ?? []).length > 0;
    const keepsRole = call.world.knobs.keepIrsaRole && given;
    const podsKeepIdentity = call.world.knobs.podsKeepIdentityOnUpdate && given;
    addon.serviceAccountRoleArn = input.serviceAccountRoleArn ?? (keepsRole ? before.role : undefined);
    addon.version = version.version;
    if (configurationValues !== undefined) addon.configurationValues = configurationValues || undefined;
    const associationsChange = wanted !== undefined && (wanted.length > 0 || addon.associationIds.length > 0);
    if (changes) replaceOwned(call, cluster, addon, changes, { unknownToWebhook: podsKeepIdentity });

    const update = newUpdate(call, addon, input);
    cluster.updates.set(update.id, update);
    Object.assign(addon, {
      status: 'UPDATING',
      issues: [],
      modifiedAt: update.createdAt,
      generation: addon.generation + 1,
    });
    const conflict = conflictOf(cluster, addon.name, 'update', input.resolveConflicts);
    if (!conflict && call.world.knobs.updateEndsIn !== 'UPDATE_FAILED') {
      const reclaimed = reclaimFields(cluster, addon.name, input.resolveConflicts);
      const changed = before.version !== addon.version || before.configuration !== addon.configurationValues;
      const identityChanges = !podsKeepIdentity && (associationsChange || before.role !== addon.serviceAccountRoleArn);
      // The values of the failed operation have not been applied to the objects yet.
      const behind = status === 'UPDATE_FAILED' || status === 'CREATE_FAILED';
      applyObjects(call, cluster, addon, {
        restart: identityChanges || changed || reclaimed || behind,
        keepAnnotation: podsKeepIdentity,
      });
    }
    beginUpdate(call, cluster, addon, update, conflict);
    return { answer: { update: updateAnswer(update) }, stillExists: () => cluster.addons.get(addon.name) === addon };
  });
};

/**
 * Deletes an add-on. Returns DELETING at once, although DescribeAddon may show the old status a little longer. Whether
 * EKS refuses the operation while the add-on is busy is not known: see the knob `deleteWhileBusy`. If accepted while
 * DELETING, it changes nothing.
 */
export const deleteAddon: Handler<eks.DeleteAddonRequest, eks.DeleteAddonResponse> = (call, input) => {
  const cluster = requireCluster(call, input.clusterName);
  const addon = requireAddon(cluster, input.addonName);
  const status = statusFor(call, addon);
  const { deleteWhileBusy } = call.world.knobs;
  if (isBusy(status) && deleteWhileBusy !== 'accept') {
    throw new EksError(deleteWhileBusy, `Addon ${addon.name} cannot be deleted as it is currently in ${status} state`, {
      clusterName: cluster.name,
      addonName: addon.name,
    });
  }
  if (status !== 'DELETING') {
    const preserve = input.preserve ?? false;
    if (!preserve) requireDeletePermissions(call, ownedBy(cluster, addon.arn));
    beginDelete(call, cluster, addon, preserve);
  }
  return { addon: { ...answerOf(call, cluster, addon), status: 'DELETING' } };
};
