/** What eksctl must print of a cluster, by the state of the sandbox's world: the shapes of its own JSON documents. */
import { networkOf, SERVICE_CIDR } from '../../../sandbox/ec2/networks.ts';
import type { AssociationState, ClusterState, World } from '../../../sandbox/world/world.ts';

/** What eksctl prints of a cluster in a list. */
export interface ListedCluster {
  Name: string;
  Region: string;
  /** Whether its stacks exist. */
  Owned: 'True' | 'False' | 'Unknown';
}

/** Returns the clusters of the account: no cluster of the sandbox was created by eksctl. */
export const listedClusters = (
  { accounts }: World,
  { account, region }: { account: string; region?: string },
): ListedCluster[] =>
  [...(accounts.get(account)?.clusters.values() ?? [])]
    .filter((cluster) => region === undefined || cluster.region === region)
    .map(({ name, region: own }) => ({ Name: name, Region: own, Owned: 'False' }));

const CONTROL_PLANE_LOGS = ['api', 'audit', 'authenticator', 'controllerManager', 'scheduler'];

/** Returns what eksctl prints of a cluster, without the fields that are null. */
export const clusterDocument = (cluster: ClusterState) => {
  const { vpc, subnets, securityGroup } = networkOf(cluster);
  return {
    AccessConfig: { AuthenticationMode: cluster.authenticationMode },
    Arn: cluster.arn,
    CertificateAuthority: { Data: Buffer.from(cluster.certificateAuthority).toString('base64') },
    ComputeConfig: { Enabled: cluster.autoMode },
    CreatedAt: new Date(cluster.createdAt).toISOString(),
    DeletionProtection: false,
    Endpoint: cluster.endpoint,
    ...(cluster.oidcIssuer === undefined ? {} : { Identity: { Oidc: { Issuer: cluster.oidcIssuer } } }),
    KubernetesNetworkConfig: {
      ElasticLoadBalancing: { Enabled: cluster.autoMode },
      IpFamily: 'ipv4',
      ServiceIpv4Cidr: SERVICE_CIDR,
    },
    Logging: { ClusterLogging: [{ Enabled: false, Types: CONTROL_PLANE_LOGS }] },
    Name: cluster.name,
    PlatformVersion: cluster.platformVersion,
    ResourcesVpcConfig: {
      ClusterSecurityGroupId: securityGroup.id,
      EndpointPrivateAccess: false,
      EndpointPublicAccess: true,
      PublicAccessCidrs: ['0.0.0.0/0'],
      SubnetIds: subnets.map(({ id }) => id),
      VpcId: vpc.id,
    },
    Status: cluster.status,
    Tags: cluster.tags,
    UpgradePolicy: { SupportType: 'EXTENDED' },
    Version: cluster.version,
  };
};

const numbersOf = (version: string): number[] => (version.match(/\d+/g) ?? []).map(Number);

/** Returns whether a version of an add-on, such as `v1.38.1-eksbuild.2`, is newer than another one. */
export const isNewer = (version: string, than: string): boolean => {
  const [one, other] = [numbersOf(version), numbersOf(than)];
  const position = one.findIndex((number, index) => number !== (other[index] ?? -1));
  return position !== -1 && (one[position] ?? 0) > (other[position] ?? -1);
};

const liveAssociations = ({ associations }: ClusterState): AssociationState[] =>
  [...associations.values()].filter(({ deletedUntil }) => deletedUntil === undefined);

/** The versions of an add-on that EKS offers for the cluster, newest first. */
const offeredVersions = ({ catalogue }: World, { version: kubernetes }: ClusterState, name: string): string[] =>
  (catalogue.get(name)?.versions ?? [])
    .filter(({ offered, kubernetesVersions }) => offered && kubernetesVersions.includes(kubernetes))
    .map(({ version }) => version);

/** eksctl prints this where EKS offers no version at all. */
const NONE_OFFERED = '-';

export const addonDocuments = (world: World, cluster: ClusterState) =>
  [...cluster.addons.values()].map((addon) => {
    const offered = offeredVersions(world, cluster, addon.name);
    const newer = offered.filter((version) => isNewer(version, addon.version));
    const showsNamespace = world.knobs.namespaceConfigShown === 'always' || addon.namespaceChosen === true;
    return {
      Name: addon.name,
      Version: addon.version,
      NewerVersion: offered.length === 0 ? NONE_OFFERED : newer.join(','),
      IAMRole: addon.serviceAccountRoleArn ?? '',
      Status: addon.status,
      ConfigurationValues: addon.configurationValues ?? '',
      ...(showsNamespace ? { NamespaceConfig: { namespace: addon.namespace } } : {}),
      Issues: addon.issues.map(({ code, message, resourceIds }) => ({
        Code: code,
        Message: message,
        ResourceIDs: resourceIds,
      })),
      PodIdentityAssociations: liveAssociations(cluster)
        .filter(({ ownerArn }) => ownerArn === addon.arn)
        .map(({ id, namespace, serviceAccount, roleArn }) => ({
          AssociationID: id,
          Namespace: namespace,
          ServiceAccount: serviceAccount,
          RoleARN: roleArn,
        })),
    };
  });

export const associationDocuments = (cluster: ClusterState) =>
  liveAssociations(cluster).map(({ arn, namespace, serviceAccount, roleArn, ownerArn }) => ({
    AssociationARN: arn,
    Namespace: namespace,
    ServiceAccountName: serviceAccount,
    RoleARN: roleArn,
    OwnerARN: ownerArn ?? '',
  }));
