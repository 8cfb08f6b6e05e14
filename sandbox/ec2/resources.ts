/**
 * What EC2 shows of its resources, and by which filters they can be found: the names of all filters of the API
 * reference, including those of which no resource here has a value.
 */
import type { XmlValue } from '../iam/query-protocol.ts';
import { type Facts, tagFacts } from './filters.ts';
import { FREE_ADDRESSES, type Network, type Subnet } from './networks.ts';
import { tagSet } from './protocol.ts';
import type { Region, Zone } from './regions.ts';

export interface Kind<T> {
  names: readonly string[];
  tagged: boolean;
  factsOf: (resource: T) => Facts;
  xmlOf: (resource: T) => XmlValue;
}

export const REGIONS: Kind<Region> = {
  names: ['endpoint', 'opt-in-status', 'region-name'],
  tagged: false,
  factsOf: ({ name, endpoint, optInStatus }) => ({
    endpoint: [endpoint],
    'opt-in-status': [optInStatus],
    'region-name': [name],
  }),
  xmlOf: ({ name, endpoint, optInStatus }) => ({ regionName: name, regionEndpoint: endpoint, optInStatus }),
};

export const ZONES: Kind<Zone> = {
  names: [
    'group-name',
    'message',
    'opt-in-status',
    'parent-zone-id',
    'parent-zone-name',
    'region-name',
    'state',
    'zone-id',
    'zone-name',
    'zone-type',
  ],
  tagged: false,
  factsOf: ({ zone, zoneId, region }) => ({
    'group-name': [`${region}-zg-1`],
    'opt-in-status': ['opt-in-not-required'],
    'region-name': [region],
    state: ['available'],
    'zone-id': [zoneId],
    'zone-name': [zone],
    'zone-type': ['availability-zone'],
  }),
  xmlOf: ({ zone, zoneId, region }) => ({
    zoneName: zone,
    zoneState: 'available',
    regionName: region,
    messageSet: [],
    zoneId,
    groupName: `${region}-zg-1`,
    networkBorderGroup: region,
    optInStatus: 'opt-in-not-required',
    zoneType: 'availability-zone',
  }),
};

export const VPCS: Kind<Network> = {
  names: [
    'cidr',
    'cidr-block-association.association-id',
    'cidr-block-association.cidr-block',
    'cidr-block-association.state',
    'dhcp-options-id',
    'ipv6-cidr-block-association.association-id',
    'ipv6-cidr-block-association.ipv6-cidr-block',
    'ipv6-cidr-block-association.ipv6-pool',
    'ipv6-cidr-block-association.state',
    'is-default',
    'owner-id',
    'state',
    'tag-key',
    'vpc-id',
  ],
  tagged: true,
  factsOf: ({ account, vpc }) => ({
    cidr: [vpc.cidr],
    'cidr-block-association.association-id': [vpc.associationId],
    'cidr-block-association.cidr-block': [vpc.cidr],
    'cidr-block-association.state': ['associated'],
    'dhcp-options-id': [vpc.dhcpOptionsId],
    'is-default': ['false'],
    'owner-id': [account],
    state: ['available'],
    'vpc-id': [vpc.id],
    ...tagFacts(vpc.tags),
  }),
  xmlOf: ({ account, vpc }) => ({
    vpcId: vpc.id,
    ownerId: account,
    state: 'available',
    cidrBlock: vpc.cidr,
    cidrBlockAssociationSet: [
      { cidrBlock: vpc.cidr, associationId: vpc.associationId, cidrBlockState: { state: 'associated' } },
    ],
    dhcpOptionsId: vpc.dhcpOptionsId,
    instanceTenancy: 'default',
    isDefault: false,
    tagSet: tagSet(vpc.tags),
  }),
};

interface PlacedSubnet {
  network: Network;
  subnet: Subnet;
}

/** Filters with three names, of which the documentation lists the first and accepts the others. */
const SUBNET_ALIASES: Record<string, string[]> = {
  'availability-zone': ['availabilityZone'],
  'availability-zone-id': ['availabilityZoneId'],
  'cidr-block': ['cidr', 'cidrBlock'],
  'default-for-az': ['defaultForAz'],
};

const subnetFacts = ({ network: { account, vpc }, subnet }: PlacedSubnet): Facts => {
  const facts: Facts = {
    'availability-zone': [subnet.zone],
    'availability-zone-id': [subnet.zoneId],
    'available-ip-address-count': [String(FREE_ADDRESSES)],
    'cidr-block': [subnet.cidr],
    'default-for-az': ['false'],
    'enable-dns64': ['false'],
    'ipv6-native': ['false'],
    'map-customer-owned-ip-on-launch': ['false'],
    'map-public-ip-on-launch': ['false'],
    'owner-id': [account],
    'private-dns-name-options-on-launch.enable-resource-name-dns-a-record': ['false'],
    'private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record': ['false'],
    'private-dns-name-options-on-launch.hostname-type': ['ip-name'],
    state: ['available'],
    'subnet-arn': [subnet.arn],
    'subnet-id': [subnet.id],
    'vpc-id': [vpc.id],
  };
  const aliases = Object.entries(SUBNET_ALIASES).flatMap(([name, others]) =>
    others.map((other) => [other, facts[name] ?? []] as const),
  );
  return { ...facts, ...Object.fromEntries(aliases), ...tagFacts(subnet.tags) };
};

export const SUBNETS: Kind<PlacedSubnet> = {
  names: [
    ...Object.entries(SUBNET_ALIASES).flat(2),
    'available-ip-address-count',
    'customer-owned-ipv4-pool',
    'enable-dns64',
    'enable-lni-at-device-index',
    'ipv6-cidr-block-association.association-id',
    'ipv6-cidr-block-association.ipv6-cidr-block',
    'ipv6-cidr-block-association.state',
    'ipv6-native',
    'map-customer-owned-ip-on-launch',
    'map-public-ip-on-launch',
    'outpost-arn',
    'owner-id',
    'private-dns-name-options-on-launch.enable-resource-name-dns-a-record',
    'private-dns-name-options-on-launch.enable-resource-name-dns-aaaa-record',
    'private-dns-name-options-on-launch.hostname-type',
    'state',
    'subnet-arn',
    'subnet-id',
    'tag-key',
    'vpc-id',
  ],
  tagged: true,
  factsOf: subnetFacts,
  xmlOf: ({ network: { account, vpc }, subnet }) => ({
    subnetId: subnet.id,
    subnetArn: subnet.arn,
    state: 'available',
    ownerId: account,
    vpcId: vpc.id,
    cidrBlock: subnet.cidr,
    ipv6CidrBlockAssociationSet: [],
    availableIpAddressCount: FREE_ADDRESSES,
    availabilityZone: subnet.zone,
    availabilityZoneId: subnet.zoneId,
    defaultForAz: false,
    mapPublicIpOnLaunch: false,
    mapCustomerOwnedIpOnLaunch: false,
    assignIpv6AddressOnCreation: false,
    ipv6Native: false,
    enableDns64: false,
    privateDnsNameOptionsOnLaunch: {
      hostnameType: 'ip-name',
      enableResourceNameDnsARecord: false,
      enableResourceNameDnsAAAARecord: false,
    },
    tagSet: tagSet(subnet.tags),
  }),
};

/** All traffic, which is what the cluster security group allows: inbound from itself, outbound to anywhere. */
const ALL_TRAFFIC = { ipProtocol: '-1' };
const ANYWHERE = '0.0.0.0/0';
const PERMISSION_NAMES = [
  'cidr',
  'from-port',
  'group-id',
  'group-name',
  'ipv6-cidr',
  'prefix-list-id',
  'protocol',
  'to-port',
  'user-id',
];

export const SECURITY_GROUPS: Kind<Network> = {
  names: [
    'description',
    'group-id',
    'group-name',
    'owner-id',
    'tag-key',
    'vpc-id',
    ...PERMISSION_NAMES.flatMap((name) => [`ip-permission.${name}`, `egress.ip-permission.${name}`]),
  ],
  tagged: true,
  factsOf: ({ account, vpc, securityGroup: { id, name, description, tags } }) => ({
    description: [description],
    'group-id': [id],
    'group-name': [name],
    'owner-id': [account],
    'vpc-id': [vpc.id],
    'ip-permission.group-id': [id],
    'ip-permission.protocol': [ALL_TRAFFIC.ipProtocol],
    'ip-permission.user-id': [account],
    'egress.ip-permission.cidr': [ANYWHERE],
    'egress.ip-permission.protocol': [ALL_TRAFFIC.ipProtocol],
    ...tagFacts(tags),
  }),
  xmlOf: ({ account, vpc, securityGroup: { id, arn, name, description, tags } }) => ({
    ownerId: account,
    groupId: id,
    groupName: name,
    groupDescription: description,
    vpcId: vpc.id,
    securityGroupArn: arn,
    ipPermissions: [
      {
        ...ALL_TRAFFIC,
        groups: [{ userId: account, groupId: id }],
        ipRanges: [],
        ipv6Ranges: [],
        prefixListIds: [],
      },
    ],
    ipPermissionsEgress: [
      { ...ALL_TRAFFIC, groups: [], ipRanges: [{ cidrIp: ANYWHERE }], ipv6Ranges: [], prefixListIds: [] },
    ],
    tagSet: tagSet(tags),
  }),
};
