/** Updates: the response of UpdateAddon, and the operations that read updates later. */
import type * as eks from '@aws-sdk/client-eks';
import type { ClusterState, UpdateState } from '../world/world.ts';
import { paginate, requireAddon, requireCluster, seconds } from './call.ts';
import type { Handler } from './call.ts';
import { EksError } from './errors.ts';
import type { Decoded, Wire } from './wire.ts';

export const updateAnswer = (update: UpdateState): Wire<eks.Update> => ({
  id: update.id,
  status: update.status,
  type: update.type,
  params: update.params.map((parameter) => ({ type: parameter.type as eks.UpdateParamType, value: parameter.value })),
  createdAt: seconds(update.createdAt),
  errors: update.errors.map((error) => ({ ...error, errorCode: error.errorCode as eks.ErrorCode })),
});

/**
 * Returns the parameters of an update: only what the request contains, with the namespace added to each association, as
 * EKS does (hashicorp/terraform-provider-aws#30645).
 */
export const updateParams = (input: Decoded<eks.UpdateAddonRequest>, namespace: string): UpdateState['params'] => {
  const associations = input.podIdentityAssociations?.map(({ serviceAccount, roleArn }) => ({
    serviceAccount,
    roleArn,
    namespace,
  }));
  const values: [eks.UpdateParamType, string | undefined][] = [
    ['AddonVersion', input.addonVersion],
    ['ServiceAccountRoleArn', input.serviceAccountRoleArn],
    ['ResolveConflicts', input.resolveConflicts],
    ['ConfigurationValues', input.configurationValues],
    ['PodIdentityAssociations', associations && JSON.stringify(associations)],
  ];
  return values.flatMap(([type, value]) => (value === undefined ? [] : [{ type, value }]));
};

/** Throws EksError for a node group or capability: the sandbox has neither, so there are no updates of them. */
const refuseUnknown = (cluster: ClusterState, input: { nodegroupName?: string; capabilityName?: string }): void => {
  const { nodegroupName, capabilityName } = input;
  const fields = { clusterName: cluster.name };
  if (nodegroupName !== undefined)
    throw new EksError('ResourceNotFoundException', `No node group found for name: ${nodegroupName}.`, fields);
  if (capabilityName !== undefined)
    throw new EksError('ResourceNotFoundException', `No capability found for name: ${capabilityName}.`, fields);
};

/** Returns an update. An add-on's update is found only if the request names the add-on (aws/aws-cli#10252). */
export const describeUpdate: Handler<eks.DescribeUpdateRequest, eks.DescribeUpdateResponse> = (call, input) => {
  const cluster = requireCluster(call, input.name);
  refuseUnknown(cluster, input);
  const update = cluster.updates.get(input.updateId);
  if (!update || update.addonName !== input.addonName)
    throw new EksError('ResourceNotFoundException', `No update found for ID: ${input.updateId}`, {
      clusterName: cluster.name,
    });
  return { update: updateAnswer(update) };
};

/** Lists updates. Without an add-on, EKS lists updates of the cluster itself, which the sandbox does not have. */
export const listUpdates: Handler<eks.ListUpdatesRequest, eks.ListUpdatesResponse> = (call, input) => {
  const cluster = requireCluster(call, input.name);
  refuseUnknown(cluster, input);
  if (input.addonName !== undefined) requireAddon(cluster, input.addonName);
  const ids = [...cluster.updates.values()]
    .filter((update) => update.addonName === input.addonName)
    .map((update) => update.id);
  const { page, nextToken } = paginate(ids, (id) => id, input);
  return { updateIds: page, nextToken };
};
