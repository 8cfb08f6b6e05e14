/** The operations on clusters, read-only. */
import type * as eks from '@aws-sdk/client-eks';
import { networkOf, SERVICE_CIDR } from '../ec2/networks.ts';
import { copyOf } from '../json.ts';
import type { ClusterState } from '../world/world.ts';
import { paginate, requireListedCluster, seconds } from './call.ts';
import type { Handler } from './call.ts';

/** Returns a cluster's network, as a cluster has it that was created without further settings. */
const networkSettings = (
  cluster: ClusterState,
): Pick<eks.Cluster, 'resourcesVpcConfig' | 'kubernetesNetworkConfig'> => {
  const { vpc, subnets, securityGroup } = networkOf(cluster);
  return {
    resourcesVpcConfig: {
      subnetIds: subnets.map(({ id }) => id),
      securityGroupIds: [],
      clusterSecurityGroupId: securityGroup.id,
      vpcId: vpc.id,
      endpointPublicAccess: true,
      endpointPrivateAccess: false,
      publicAccessCidrs: ['0.0.0.0/0'],
    },
    kubernetesNetworkConfig: {
      serviceIpv4Cidr: SERVICE_CIDR,
      ipFamily: 'ipv4',
      elasticLoadBalancing: { enabled: cluster.autoMode },
    },
  };
};

/** What a cluster has that was created without further settings (EKS API reference, CreateCluster). */
const DEFAULTS = {
  logging: {
    clusterLogging: [{ types: ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'], enabled: false }],
  },
  upgradePolicy: { supportType: 'EXTENDED' },
  deletionProtection: false,
} satisfies Partial<eks.Cluster>;

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
      ...networkSettings(cluster),
      ...copyOf(DEFAULTS),
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
