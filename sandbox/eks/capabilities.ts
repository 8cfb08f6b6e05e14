/** The operations that read EKS capabilities. */
import type * as eks from '@aws-sdk/client-eks';
import { eksArn } from '../../lambdas/domain/aws/arn.ts';
import type { CapabilityState } from '../world/capabilities.ts';
import { findCluster } from '../world/world.ts';
import { paginate, requireCluster, seconds } from './call.ts';
import type { EksCall, Handler } from './call.ts';
import { EksError } from './errors.ts';
import type { Decoded, Wire } from './wire.ts';

/** Returns ARN and tags of a capability; for one that does not exist, an ARN with `*` for what is not known. */
export const capabilityOf = (
  call: EksCall,
  { clusterName, capabilityName }: Decoded<eks.DescribeCapabilityRequest>,
): Pick<CapabilityState, 'arn' | 'tags'> =>
  findCluster(call.world, call.account, call.region, clusterName)?.capabilities?.find(
    ({ name }) => name === capabilityName,
  ) ?? { arn: eksArn(call, `capability/${clusterName}/*/${capabilityName}/*`), tags: {} };

const summaryOf = (capability: CapabilityState): Wire<eks.CapabilitySummary> => ({
  capabilityName: capability.name,
  arn: capability.arn,
  type: capability.type,
  status: capability.status as eks.CapabilityStatus,
  ...(capability.version === undefined ? {} : { version: capability.version }),
  createdAt: seconds(capability.createdAt),
  modifiedAt: seconds(capability.createdAt),
});

export const listCapabilities: Handler<eks.ListCapabilitiesRequest, eks.ListCapabilitiesResponse> = (call, input) => {
  const { capabilities = [] } = requireCluster(call, input.clusterName);
  const { page, nextToken } = paginate([...capabilities], ({ name }) => name, input);
  return { capabilities: page.map(summaryOf), nextToken };
};

/** Describes a capability without `configuration`, which only Argo CD and ACK have, and nothing in the sandbox reads. */
export const describeCapability: Handler<eks.DescribeCapabilityRequest, eks.DescribeCapabilityResponse> = (
  call,
  input,
) => {
  const cluster = requireCluster(call, input.clusterName);
  const capability = cluster.capabilities?.find(({ name }) => name === input.capabilityName);
  // AWS's message is not known.
  if (!capability)
    throw new EksError('ResourceNotFoundException', `No capability found with name: ${input.capabilityName}.`, {
      clusterName: cluster.name,
    });
  return {
    capability: {
      ...summaryOf(capability),
      clusterName: cluster.name,
      roleArn: capability.roleArn,
      tags: { ...capability.tags },
      health: { issues: [] },
      deletePropagationPolicy: 'RETAIN',
    },
  };
};
