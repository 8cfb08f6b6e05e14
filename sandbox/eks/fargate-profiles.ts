/** The operations that read Fargate profiles. */
import type * as eks from '@aws-sdk/client-eks';
import { arnPrefix, paginate, requireCluster, seconds } from './call.ts';
import type { Handler } from './call.ts';
import { EksError } from './errors.ts';

export const listFargateProfiles: Handler<eks.ListFargateProfilesRequest, eks.ListFargateProfilesResponse> = (
  call,
  input,
) => {
  const { fargateProfiles = [] } = requireCluster(call, input.clusterName);
  const { page, nextToken } = paginate(
    fargateProfiles.map(({ name }) => name),
    (name) => name,
    input,
  );
  return { fargateProfileNames: page, nextToken };
};

/** A scenario's profiles have one selector each, and no role: pods on Fargate get their images without one. */
export const describeFargateProfile: Handler<eks.DescribeFargateProfileRequest, eks.DescribeFargateProfileResponse> = (
  call,
  input,
) => {
  const cluster = requireCluster(call, input.clusterName);
  const profile = cluster.fargateProfiles?.find(({ name }) => name === input.fargateProfileName);
  // AWS's message: hashicorp/terraform-provider-aws, acceptance tests of aws_eks_fargate_profile.
  if (!profile)
    throw new EksError(
      'ResourceNotFoundException',
      `No Fargate Profile found with name: ${input.fargateProfileName}.`,
      {
        clusterName: cluster.name,
      },
    );
  const { name, namespace, labels } = profile;
  return {
    fargateProfile: {
      fargateProfileName: name,
      fargateProfileArn: `${arnPrefix(cluster)}:fargateprofile/${cluster.name}/${name}`,
      clusterName: cluster.name,
      createdAt: seconds(cluster.createdAt),
      selectors: [{ namespace, labels: { ...labels } }],
      status: 'ACTIVE',
      tags: {},
    },
  };
};
