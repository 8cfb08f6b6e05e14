/** The operations on clusters, read-only. */
import type * as eks from '@aws-sdk/client-eks';
import { paginate, requireListedCluster, seconds } from './call.ts';
import type { Handler } from './call.ts';

export const describeCluster: Handler<eks.DescribeClusterRequest, eks.DescribeClusterResponse> = (call, input) => {
  const cluster = requireListedCluster(call, input.name);
  return {
    cluster: {
      name: cluster.name,
      arn: cluster.arn,
      createdAt: seconds(cluster.createdAt),
      version: cluster.version,
      ...(cluster.endpoint === '' ? {} : { endpoint: cluster.endpoint }),
      ...(cluster.certificateAuthority === ''
        ? {}
        : { certificateAuthority: { data: Buffer.from(cluster.certificateAuthority).toString('base64') } }),
      ...(cluster.oidcIssuer === undefined ? {} : { identity: { oidc: { issuer: cluster.oidcIssuer } } }),
      status: cluster.status as eks.ClusterStatus,
      platformVersion: cluster.platformVersion,
      tags: { ...cluster.tags },
      health: { issues: [] },
      accessConfig: { authenticationMode: cluster.authenticationMode },
      computeConfig: { enabled: cluster.autoMode },
    },
  };
};

export const listClusters: Handler<eks.ListClustersRequest, eks.ListClustersResponse> = (call, input) => {
  const names = [...(call.world.accounts.get(call.account)?.clusters.values() ?? [])]
    .filter((cluster) => cluster.region === call.region)
    .map((cluster) => cluster.name);
  const { page, nextToken } = paginate(names, (name) => name, input);
  return { clusters: page, nextToken };
};
