/** The operations on access entries, which determine who can access a cluster's API server. */
import type * as eks from '@aws-sdk/client-eks';
import type { AccessEntryState, ClusterState } from '../world/world.ts';
import {
  checkIdentity,
  checkPrincipal,
  entryArn,
  nodeGroups,
  requireEntry,
  requireEntryCluster,
  requireStandard,
  usernameOf,
} from './access-entry-state.ts';
import { once, paginate, seconds } from './call.ts';
import type { Handler } from './call.ts';
import { EksError } from './errors.ts';
import type { Wire } from './wire.ts';

/** EKS User Guide, service quotas. */
const ENTRIES_PER_CLUSTER = 3000;

const answerOf = (cluster: ClusterState, entry: AccessEntryState): Wire<eks.AccessEntry> => ({
  clusterName: cluster.name,
  principalArn: entry.principalArn,
  kubernetesGroups: [...entry.kubernetesGroups],
  accessEntryArn: entryArn(cluster, entry),
  createdAt: seconds(entry.createdAt),
  modifiedAt: seconds(entry.modifiedAt ?? entry.createdAt),
  tags: { ...entry.tags },
  username: usernameOf(entry),
  type: entry.type,
});

export const createAccessEntry: Handler<eks.CreateAccessEntryRequest, eks.CreateAccessEntryResponse> = (
  call,
  input,
) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  const fields = { clusterName: cluster.name };
  return once(call, `${cluster.arn} CreateAccessEntry`, input, () => {
    const { principalArn, type = 'STANDARD', username, kubernetesGroups = [], tags = {} } = input;
    checkPrincipal(call, cluster, principalArn, type);
    checkIdentity(cluster, type, input);
    // terraform-aws-modules/terraform-aws-eks#3293.
    if (cluster.accessEntries.has(principalArn))
      throw new EksError(
        'ResourceInUseException',
        'The specified access entry resource is already in use on this cluster.',
        fields,
      );
    // The error type is in the API model; AWS's message is not known.
    if (cluster.accessEntries.size >= ENTRIES_PER_CLUSTER)
      throw new EksError(
        'ResourceLimitExceededException',
        `The cluster ${cluster.name} can have at most ${ENTRIES_PER_CLUSTER} access entries.`,
        fields,
      );
    const now = call.world.schedule.now();
    const entry: AccessEntryState = {
      principalArn,
      type,
      kubernetesGroups: type === 'STANDARD' ? [...kubernetesGroups] : nodeGroups(type),
      ...(username === undefined ? {} : { username }),
      tags: { ...tags },
      createdAt: now,
      policies: [],
    };
    cluster.accessEntries.set(principalArn, entry);
    return {
      answer: { accessEntry: answerOf(cluster, entry) },
      stillExists: () => cluster.accessEntries.get(principalArn) === entry,
    };
  });
};

export const describeAccessEntry: Handler<eks.DescribeAccessEntryRequest, eks.DescribeAccessEntryResponse> = (
  call,
  input,
) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  return { accessEntry: answerOf(cluster, requireEntry(cluster, input.principalArn)) };
};

/**
 * Updates an entry. Members that are left out do not change; `kubernetesGroups` replaces the list
 * (aws/containers-roadmap#185: "Groups are declarative").
 */
export const updateAccessEntry: Handler<eks.UpdateAccessEntryRequest, eks.UpdateAccessEntryResponse> = (
  call,
  input,
) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  const entry = requireEntry(cluster, input.principalArn);
  return once(call, `${entryArn(cluster, entry)} UpdateAccessEntry`, input, () => {
    requireStandard(cluster, entry, { policies: false });
    checkIdentity(cluster, entry.type, input);
    if (input.username !== undefined) entry.username = input.username;
    if (input.kubernetesGroups !== undefined) entry.kubernetesGroups = [...input.kubernetesGroups];
    entry.modifiedAt = call.world.schedule.now();
    return {
      answer: { accessEntry: answerOf(cluster, entry) },
      stillExists: () => cluster.accessEntries.get(entry.principalArn) === entry,
    };
  });
};

export const deleteAccessEntry: Handler<eks.DeleteAccessEntryRequest, eks.DeleteAccessEntryResponse> = (
  call,
  input,
) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  cluster.accessEntries.delete(requireEntry(cluster, input.principalArn).principalArn);
  return {};
};

export const listAccessEntries: Handler<eks.ListAccessEntriesRequest, eks.ListAccessEntriesResponse> = (
  call,
  input,
) => {
  const { associatedPolicyArn: policyArn } = input;
  const matching = [...requireEntryCluster(call, input.clusterName).accessEntries.values()]
    .filter((entry) => policyArn === undefined || entry.policies.some((policy) => policy.policyArn === policyArn))
    .map((entry) => entry.principalArn);
  const { page, nextToken } = paginate(matching, (arn) => arn, input);
  return { accessEntries: page, nextToken };
};
