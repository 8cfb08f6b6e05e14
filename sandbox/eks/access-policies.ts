/** The operations on access policies, which determine what an access entry may do on the API server. */
import { partitionOf } from '../../lambdas/domain/aws/partitions.ts';
import type * as eks from '@aws-sdk/client-eks';
import { ACCESS_POLICIES, accessPolicyArn } from '../catalog/access-policies.ts';
import type { AccessPolicyState, ClusterState } from '../world/world.ts';
import { requireEntry, requireEntryCluster, requireStandard } from './access-entry-state.ts';
import { paginate, seconds } from './call.ts';
import type { Handler } from './call.ts';
import { EksError } from './errors.ts';
import type { Decoded, Wire } from './wire.ts';

const POLICY = /^arn:([\w-]+):eks::aws:cluster-access-policy\/(\w+)$/;

const answerOf = (policy: AccessPolicyState): Wire<eks.AssociatedAccessPolicy> => ({
  policyArn: policy.policyArn,
  accessScope: { type: policy.scope.type, namespaces: [...policy.scope.namespaces] },
  associatedAt: seconds(policy.associatedAt),
  modifiedAt: seconds(policy.modifiedAt ?? policy.associatedAt),
});

/** AWS's messages for an invalid policy are not known; these are modelled on the messages for a principal. */
const NO_POLICY =
  "The specified policyArn could not be found. You can view your available access policies with 'list-access-policies'.";

const checkPolicy = (cluster: ClusterState, policyArn: string): void => {
  const [, partition, name = ''] = POLICY.exec(policyArn) ?? [];
  if (partition === undefined)
    throw new EksError('InvalidParameterException', 'The policyArn parameter format is not valid', {
      clusterName: cluster.name,
    });
  if (partition !== cluster.arn.split(':')[1] || !ACCESS_POLICIES.includes(name))
    throw new EksError('ResourceNotFoundException', NO_POLICY, { clusterName: cluster.name });
};

/**
 * Returns the access scope of a request. EKS does not check whether namespaces exist, and accepts wildcards such as
 * `dev-*` (EKS User Guide).
 */
const scopeOf = (
  cluster: ClusterState,
  { type, namespaces = [] }: Decoded<eks.AccessScope>,
): AccessPolicyState['scope'] => {
  // AWS's messages are not known.
  const refuse = (message: string): EksError =>
    new EksError('InvalidParameterException', message, { clusterName: cluster.name });
  if (type === undefined) throw refuse('accessScope.type must be specified: cluster or namespace.');
  if (type === 'cluster' && namespaces.length > 0)
    throw refuse('accessScope.namespaces can only be specified for an access scope of type namespace.');
  if (type === 'namespace' && namespaces.length === 0)
    throw refuse('accessScope.namespaces must be specified for an access scope of type namespace.');
  return { type, namespaces: [...namespaces] };
};

/** Associates a policy. If it is already associated, its scope is replaced (EKS User Guide). */
export const associateAccessPolicy: Handler<eks.AssociateAccessPolicyRequest, eks.AssociateAccessPolicyResponse> = (
  call,
  input,
) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  const entry = requireEntry(cluster, input.principalArn);
  requireStandard(cluster, entry, { policies: true });
  checkPolicy(cluster, input.policyArn);
  const scope = scopeOf(cluster, input.accessScope);
  const now = call.world.schedule.now();
  const before = entry.policies.find(({ policyArn }) => policyArn === input.policyArn);
  const policy = before
    ? { ...before, scope, modifiedAt: now }
    : { policyArn: input.policyArn, scope, associatedAt: now };
  entry.policies = [...entry.policies.filter((other) => other !== before), policy];
  return { clusterName: cluster.name, principalArn: entry.principalArn, associatedAccessPolicy: answerOf(policy) };
};

export const disassociateAccessPolicy: Handler<
  eks.DisassociateAccessPolicyRequest,
  eks.DisassociateAccessPolicyResponse
> = (call, input) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  const entry = requireEntry(cluster, input.principalArn);
  if (!entry.policies.some(({ policyArn }) => policyArn === input.policyArn))
    throw new EksError('ResourceNotFoundException', NO_POLICY, { clusterName: cluster.name });
  entry.policies = entry.policies.filter(({ policyArn }) => policyArn !== input.policyArn);
  return {};
};

export const listAssociatedAccessPolicies: Handler<
  eks.ListAssociatedAccessPoliciesRequest,
  eks.ListAssociatedAccessPoliciesResponse
> = (call, input) => {
  const cluster = requireEntryCluster(call, input.clusterName);
  const entry = requireEntry(cluster, input.principalArn);
  const { page, nextToken } = paginate(entry.policies, ({ policyArn }) => policyArn, input);
  return {
    clusterName: cluster.name,
    principalArn: entry.principalArn,
    associatedAccessPolicies: page.map(answerOf),
    nextToken,
  };
};

export const listAccessPolicies: Handler<eks.ListAccessPoliciesRequest, eks.ListAccessPoliciesResponse> = (
  call,
  input,
) => {
  const partition = partitionOf(call.region);
  const { page, nextToken } = paginate(ACCESS_POLICIES, (name) => name, input);
  return { accessPolicies: page.map((name) => ({ name, arn: accessPolicyArn(partition, name) })), nextToken };
};
