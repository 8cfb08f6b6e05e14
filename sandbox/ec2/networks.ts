/**
 * The network of a cluster, as EC2 and DescribeCluster show it. Everything follows from the cluster's ARN: each cluster
 * has a VPC of its own with one subnet in each of three zones, and the security group that EKS creates. Nodes and pods
 * have addresses of the VPC, but not necessarily of their zone's subnet.
 */
import { createHash } from 'node:crypto';
import { zonesOf } from './regions.ts';
import type { ClusterState } from '../world/world.ts';

export interface Subnet {
  id: string;
  arn: string;
  cidr: string;
  zone: string;
  zoneId: string;
  tags: Record<string, string>;
}

export interface Network {
  account: string;
  vpc: { id: string; cidr: string; associationId: string; dhcpOptionsId: string; tags: Record<string, string> };
  subnets: Subnet[];
  securityGroup: { id: string; arn: string; name: string; description: string; tags: Record<string, string> };
}

/** Addresses of all nodes and pods of the sandbox (`sandbox/world/nodes.ts`, `pod-status.ts`). */
const VPC_CIDR = '10.0.0.0/16';
/** Addresses in a subnet: AWS keeps five of each (VPC User Guide, "Subnet CIDR blocks"). */
const SUBNET = { bits: 18, free: 2 ** (32 - 18) - 5 };
export const FREE_ADDRESSES = SUBNET.free;

/** Services' addresses of a cluster whose VPC is in 10.0.0.0/8 (EKS API reference, KubernetesNetworkConfigRequest). */
export const SERVICE_CIDR = '172.20.0.0/16';

/** Text of every cluster security group, as EKS creates it. */
const GROUP_DESCRIPTION =
  'EKS created security group applied to ENI that is attached to EKS Control Plane master nodes, as well as any managed workloads.';

/** Returns an id of EC2: the prefix and 17 hexadecimal digits, which begin with 0. */
const idOf = (prefix: string, of: string): string =>
  `${prefix}-0${createHash('sha256').update(`${prefix} ${of}`).digest('hex').slice(0, 16)}`;

const buildNetwork = ({ name, arn, account, region }: ClusterState): Network => {
  const inRegion = `arn:${arn.split(':')[1] ?? 'aws'}:ec2:${region}:${account}`;
  const shared = { [`kubernetes.io/cluster/${name}`]: 'shared' };
  const group = idOf('sg', arn);
  // EKS User Guide, "View Amazon EKS security group requirements for clusters": name and tags.
  const groupName = `eks-cluster-sg-${name}-${createHash('sha256').update(arn).digest('hex').slice(0, 10)}`;
  return {
    account,
    vpc: {
      id: idOf('vpc', arn),
      cidr: VPC_CIDR,
      associationId: idOf('vpc-cidr-assoc', arn),
      dhcpOptionsId: idOf('dopt', `${account} ${region}`),
      tags: { Name: name },
    },
    subnets: zonesOf(region).map(({ zone, zoneId }, position) => {
      const id = idOf('subnet', `${arn} ${zone}`);
      return {
        id,
        arn: `${inRegion}:subnet/${id}`,
        cidr: `10.0.${position * 2 ** (24 - SUBNET.bits)}.0/${SUBNET.bits}`,
        zone,
        zoneId,
        tags: { Name: `${name}-${zone}`, ...shared, 'kubernetes.io/role/internal-elb': '1' },
      };
    }),
    securityGroup: {
      id: group,
      arn: `${inRegion}:security-group/${group}`,
      name: groupName,
      description: GROUP_DESCRIPTION,
      tags: { Name: groupName, [`kubernetes.io/cluster/${name}`]: 'owned', 'aws:eks:cluster-name': name },
    },
  };
};

/** Networks by cluster, whose ARN never changes: a network has seven hashes, and each DescribeCluster shows it. */
const networks = new WeakMap<ClusterState, Network>();

/** Returns the network of a cluster; callers must not modify it. */
export const networkOf = (cluster: ClusterState): Network => {
  const known = networks.get(cluster) ?? buildNetwork(cluster);
  networks.set(cluster, known);
  return known;
};
