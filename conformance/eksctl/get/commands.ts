/** The commands of eksctl that are compared, and what each must print. */
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { addonDocuments, associationDocuments, clusterDocument, listedClusters } from './world.ts';

export interface Reading {
  /** What is asked, such as `get addon`. */
  title: string;
  args: readonly string[];
  /** Returns the document that the world's state requires. */
  document: () => readonly object[];
  /** Returns the rows of the table, by the heads of its columns. */
  rows: () => Record<string, string>[];
}

/** eksctl prints this in place of a value that is missing. */
const MISSING = '-';

const clusterRow = (cluster: ClusterState): Record<string, string> => {
  const { ResourcesVpcConfig: network, CreatedAt, Name, Version, Status } = clusterDocument(cluster);
  return {
    NAME: Name,
    VERSION: Version,
    STATUS: Status,
    CREATED: CreatedAt.replace('.000Z', 'Z'),
    VPC: network.VpcId,
    SUBNETS: network.SubnetIds.toSorted().join(','),
    // Additional groups only, of which there are none.
    SECURITYGROUPS: '',
    PROVIDER: 'EKS',
  };
};

const addonRow = (addon: ReturnType<typeof addonDocuments>[number]): Record<string, string> => ({
  NAME: addon.Name,
  VERSION: addon.Version,
  STATUS: addon.Status,
  ISSUES: String(addon.Issues.length),
  IAMROLE: addon.IAMRole,
  'UPDATE AVAILABLE': addon.NewerVersion,
  'CONFIGURATION VALUES': addon.ConfigurationValues,
  NAMESPACE: addon.NamespaceConfig?.namespace ?? MISSING,
  'POD IDENTITY ASSOCIATION ROLES': addon.PodIdentityAssociations.map(({ RoleARN }) => RoleARN).join(','),
});

/** Returns the commands about a cluster, and about the clusters of its account. */
export const readingsOf = (world: World, cluster: ClusterState): Reading[] => {
  const { name, account, region } = cluster;
  const at = ['--region', region];
  const ofCluster = ['--cluster', name, ...at];
  const list = (title: string, args: string[], where: Parameters<typeof listedClusters>[1]): Reading => ({
    title,
    args: ['get', 'cluster', ...args],
    document: () => listedClusters(world, where),
    rows: () =>
      listedClusters(world, where).map(({ Name, Region, Owned }) => ({
        NAME: Name,
        REGION: Region,
        'EKSCTL CREATED': Owned,
      })),
  });
  return [
    list('get cluster', at, { account, region }),
    list('get cluster --all-regions', ['--all-regions'], { account }),
    {
      title: 'get cluster --name',
      args: ['get', 'cluster', '--name', name, ...at],
      document: () => [clusterDocument(cluster)],
      rows: () => [clusterRow(cluster)],
    },
    {
      title: 'get addon',
      args: ['get', 'addon', ...ofCluster],
      document: () => addonDocuments(world, cluster),
      rows: () => addonDocuments(world, cluster).map(addonRow),
    },
    {
      title: 'get podidentityassociation',
      args: ['get', 'podidentityassociation', ...ofCluster],
      document: () => associationDocuments(cluster),
      rows: () =>
        associationDocuments(cluster).map((one) => ({
          'ASSOCIATION ARN': one.AssociationARN,
          NAMESPACE: one.Namespace,
          'SERVICE ACCOUNT NAME': one.ServiceAccountName,
          'IAM ROLE ARN': one.RoleARN,
          'OWNER ARN': one.OwnerARN,
        })),
    },
  ];
};

/** A command about something that does not exist, and the error that it must end with. */
export interface Refusal {
  title: string;
  args: readonly string[];
  error: string;
}

const NOTHING = 'does-not-exist';

/** Returns the error of EKS for what does not exist, as eksctl reports it. */
const notFound = (operation: string, message: string): string =>
  `operation error EKS: ${operation}, https response error StatusCode: 404, ResourceNotFoundException: ${message}`;

/** Returns commands that must fail. The texts are EKS's: hashicorp/terraform-provider-aws has both in its issues. */
export const refusalsOf = ({ name, region }: ClusterState): Refusal[] => {
  const noCluster = notFound('DescribeCluster', `No cluster found for name: ${NOTHING}.`);
  const at = ['--region', region];
  return [
    {
      title: 'get cluster of another name',
      args: ['get', 'cluster', '--name', NOTHING, ...at],
      error: `unable to describe control plane "${NOTHING}": ${noCluster}`,
    },
    {
      title: 'get podidentityassociation of another cluster',
      args: ['get', 'podidentityassociation', '--cluster', NOTHING, ...at],
      error: `unable to describe cluster control plane: ${noCluster}`,
    },
    {
      title: 'get addon of another name',
      args: ['get', 'addon', '--name', NOTHING, '--cluster', name, ...at],
      error: `failed to get addon "${NOTHING}": ${notFound('DescribeAddon', `No addon: ${NOTHING} found in cluster: ${name}`)}`,
    },
  ];
};
