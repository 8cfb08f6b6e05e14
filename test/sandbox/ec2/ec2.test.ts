/** EC2 over the clusters of a world, with signed requests in its own protocol. */
import { describe, expect, it } from 'vitest';
import { createEc2Service } from '../../../sandbox/ec2/service.ts';
import { createEksService } from '../../../sandbox/eks/service.ts';
import { zonesOf } from '../../../sandbox/ec2/regions.ts';
import { credentialsOf } from '../../../sandbox/authorization/access-keys.ts';
import { buildWorld, parseScenario } from '../../../sandbox/build/load.ts';
import type { World } from '../../../sandbox/world/world.ts';
import {
  ACCOUNT,
  allow,
  deny,
  FUNCTION_ROLE,
  newWorld,
  openGateway,
  operator,
  REGION,
  scenarioFile,
} from '../support.ts';

type Parameters = Record<string, string>;

const ask = async (
  world: World,
  action: string,
  parameters: Parameters = {},
  { credentials = operator(world), region = REGION } = {},
) => {
  const gateway = openGateway(world, { ec2: createEc2Service(world), eks: createEksService(world) });
  const body = new URLSearchParams({ Action: action, Version: '2016-11-15', ...parameters }).toString();
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  const request = { method: 'POST', host: '127.0.0.1:4566', path: '/', query: {}, headers, body: Buffer.from(body) };
  const { status, body: answer } = await gateway.handle(request, { ...credentials, service: 'ec2', region });
  return { status, text: typeof answer === 'string' ? answer : Buffer.from(answer).toString('utf8') };
};

/** Returns the texts of all elements of a name. */
const texts = (text: string, name: string): string[] =>
  [...text.matchAll(new RegExp(`<${name}>([^<]*)</${name}>`, 'g'))].map(([, value = '']) => value);

/** Returns status, code and message of an error. */
const errorOf = ({ status, text }: { status: number; text: string }) => [
  status,
  /^<\?xml[^>]*>\n<Response><Errors><Error><Code>([^<]+)<\/Code>/.exec(text)?.[1],
  texts(text, 'Message')[0],
];

/** Two clusters in one region, and one in a region that needs an opt-in. */
const threeClusters = (): World => {
  const scenario = scenarioFile();
  const [cluster] = scenario.accounts[0]!.clusters;
  scenario.accounts[0]!.clusters.push(
    { ...structuredClone(cluster!), name: 'prod' },
    { ...structuredClone(cluster!), name: 'zurich', region: 'eu-central-2' },
  );
  return buildWorld(parseScenario(scenario, 'test'));
};

interface NetworkOfCluster {
  vpcId: string;
  subnetIds: string[];
  clusterSecurityGroupId: string;
  endpointPublicAccess: boolean;
}
const describeCluster = async (world: World, name: string) => {
  const gateway = openGateway(world, { eks: createEksService(world) });
  const { body } = await gateway.handle(
    { method: 'GET', host: '127.0.0.1:4566', path: `/clusters/${name}`, query: {}, headers: {}, body: Buffer.alloc(0) },
    { ...operator(world), service: 'eks', region: REGION },
  );
  const { cluster } = JSON.parse(String(body)) as {
    cluster: { resourcesVpcConfig: NetworkOfCluster; kubernetesNetworkConfig: object };
  };
  return cluster;
};

describe('the network of a cluster', () => {
  it('is the same in DescribeCluster and EC2, and of each cluster its own', async () => {
    const world = threeClusters();
    const { resourcesVpcConfig: dev, kubernetesNetworkConfig } = await describeCluster(world, 'dev');
    const { resourcesVpcConfig: prod } = await describeCluster(world, 'prod');
    expect(kubernetesNetworkConfig).toEqual({
      serviceIpv4Cidr: '172.20.0.0/16',
      ipFamily: 'ipv4',
      elasticLoadBalancing: { enabled: false },
    });
    expect(dev.endpointPublicAccess).toBe(true);
    const vpcs = await ask(world, 'DescribeVpcs');
    expect(vpcs.status).toBe(200);
    expect(vpcs.text).toMatch(
      /^<\?xml version="1.0" encoding="UTF-8"\?>\n<DescribeVpcsResponse xmlns="http:\/\/ec2\.amazonaws\.com\/doc\/2016-11-15\/"><requestId>/,
    );
    expect(texts(vpcs.text, 'vpcId').sort()).toEqual([dev.vpcId, prod.vpcId].sort());
    const subnets = await ask(world, 'DescribeSubnets', { 'Filter.1.Name': 'vpc-id', 'Filter.1.Value.1': dev.vpcId });
    expect(texts(subnets.text, 'subnetId').sort()).toEqual([...dev.subnetIds].sort());
    expect(texts(subnets.text, 'availabilityZone').sort()).toEqual(['eu-west-1a', 'eu-west-1b', 'eu-west-1c']);
    expect(texts(subnets.text, 'cidrBlock').sort()).toEqual(['10.0.0.0/18', '10.0.128.0/18', '10.0.64.0/18']);
    const group = await ask(world, 'DescribeSecurityGroups', { 'GroupId.1': dev.clusterSecurityGroupId });
    expect(texts(group.text, 'vpcId')).toEqual([dev.vpcId]);
    expect(texts(group.text, 'groupName')[0]).toMatch(/^eks-cluster-sg-dev-[0-9a-f]+$/);
    expect(group.text).toContain(
      `<ipPermissions><item><ipProtocol>-1</ipProtocol><groups><item><userId>${ACCOUNT}</userId><groupId>${dev.clusterSecurityGroupId}</groupId>`,
    );
  });

  it('draws no random numbers of the world', () => {
    const [one, other] = [newWorld(), newWorld()];
    createEc2Service(one);
    expect(one.random.uuid()).toBe(other.random.uuid());
  });

  it('is listed only in its region and account', async () => {
    const world = threeClusters();
    expect(texts((await ask(world, 'DescribeVpcs', {}, { region: 'us-east-1' })).text, 'vpcId')).toEqual([]);
    expect(texts((await ask(world, 'DescribeVpcs', {}, { region: 'eu-central-2' })).text, 'vpcId')).toHaveLength(1);
  });
});

describe('filters, ids and pages', () => {
  it('combine as in EC2', async () => {
    const world = threeClusters();
    const found = async (filters: [string, ...string[]][]): Promise<string[]> => {
      const parameters = filters.flatMap(([name, ...values], index) => [
        [`Filter.${index + 1}.Name`, name],
        ...values.map((value, at) => [`Filter.${index + 1}.Value.${at + 1}`, value]),
      ]);
      const { text } = await ask(world, 'DescribeSubnets', Object.fromEntries(parameters) as Parameters);
      return texts(text, 'subnetId');
    };
    expect(await found([['tag:kubernetes.io/cluster/dev', '*']])).toHaveLength(3);
    expect(await found([['availabilityZone', '*1a', 'eu-west-1b']])).toHaveLength(4);
    const zone: [string, string] = ['availability-zone-id', 'euw1-az?'];
    expect(await found([zone, ['tag-key', 'kubernetes.io/cluster/prod']])).toHaveLength(3);
    expect([await found([['ipv6-native', 'true']]), await found([['outpost-arn', '*']])]).toEqual([[], []]);
  });

  it('return pages of at least five', async () => {
    const world = threeClusters();
    const first = await ask(world, 'DescribeSubnets', { MaxResults: '5' });
    const [nextToken] = texts(first.text, 'nextToken');
    const second = await ask(world, 'DescribeSubnets', { MaxResults: '5', NextToken: nextToken! });
    const ids = [...texts(first.text, 'subnetId'), ...texts(second.text, 'subnetId')];
    expect([ids.length, new Set(ids).size, texts(second.text, 'nextToken')]).toEqual([6, 6, []]);
  });

  const GROUPS = 'DescribeSecurityGroups';
  const INVALID = 'InvalidParameterValue';
  const FEW = 'Value ( 4 ) for parameter maxResults is invalid. Expecting a value greater than 5.';
  const EXPIRED = 'The specified pagination token is not valid or is expired.';
  it.each([
    ['DescribeVpcs', { 'VpcId.1': 'vpc-1' }, 'InvalidVpcID.NotFound', "The vpc ID 'vpc-1' does not exist"],
    ['DescribeSubnets', { 'SubnetId.1': 'x' }, 'InvalidSubnetID.NotFound', "The subnet ID 'x' does not exist"],
    [GROUPS, { 'GroupId.1': 'sg-1' }, 'InvalidGroup.NotFound', "The security group 'sg-1' does not exist"],
    [GROUPS, { 'GroupId.1': 'x' }, 'InvalidGroupId.Malformed', 'Invalid id: "x" (expecting "sg-...")'],
    [GROUPS, { 'GroupName.1': 'x' }, 'VPCIdNotSpecified', 'No default VPC for this user'],
    ['DescribeSubnets', { 'Filter.1.Name': 'default-for-zone' }, INVALID, "The filter 'default-for-zone' is invalid"],
    ['DescribeRegions', { 'Filter.1.Name': 'tag:a' }, INVALID, "The filter 'tag:a' is invalid"],
    ['DescribeRegions', { 'RegionName.1': 'eu-west-9' }, INVALID, 'Invalid region names: [eu-west-9]'],
    ['DescribeAvailabilityZones', { 'ZoneName.1': 'eu-west-1z' }, INVALID, 'Invalid availability zone: [eu-west-1z]'],
    ['DescribeVpcs', { MaxResults: '4' }, INVALID, FEW],
    ['DescribeVpcs', { NextToken: '?' }, 'InvalidPaginationToken', EXPIRED],
    [
      'DescribeVpcs',
      { MaxResults: '5', 'VpcId.1': 'vpc-1' },
      'InvalidVpcID.NotFound',
      "The vpc ID 'vpc-1' does not exist",
    ],
  ] as [string, Parameters, string, string][])('%s refuses %j', async (action, parameters, code, message) => {
    const quoted = message.replaceAll('"', '&quot;');
    expect(errorOf(await ask(newWorld(), action, parameters))).toEqual([400, code, quoted]);
  });
});

describe('regions and zones', () => {
  it('are those that are enabled, or all', async () => {
    const scenario = { ...scenarioFile() };
    Object.assign(scenario.accounts[0]!, { disabledRegions: ['me-south-1'] });
    const world = buildWorld(parseScenario(scenario, 'test'));
    const regions = texts((await ask(world, 'DescribeRegions')).text, 'regionName');
    expect(regions).toContain(REGION);
    expect(regions).not.toContain('me-south-1');
    expect((await ask(world, 'DescribeRegions', { AllRegions: 'true', 'RegionName.1': 'me-south-1' })).text).toContain(
      '<regionName>me-south-1</regionName><regionEndpoint>ec2.me-south-1.amazonaws.com</regionEndpoint><optInStatus>not-opted-in</optInStatus>',
    );
    const optedIn = { 'Filter.1.Name': 'opt-in-status', 'Filter.1.Value.1': 'opted-in' };
    const { text } = await ask(threeClusters(), 'DescribeRegions', optedIn);
    expect(texts(text, 'regionName')).toEqual(['eu-central-2']);
  });

  it('have ids', async () => {
    const { text } = await ask(newWorld(), 'DescribeAvailabilityZones', { 'ZoneId.1': 'euw1-az2' });
    expect([texts(text, 'zoneName'), texts(text, 'zoneState')]).toEqual([['eu-west-1b'], ['available']]);
    const regions = ['us-east-1', 'ap-northeast-2', 'eu-central-1', 'us-gov-west-1', 'cn-north-1'];
    const first = regions.map((region) => zonesOf(region)[0]!.zoneId);
    expect(first).toEqual(['use1-az1', 'apne2-az1', 'euc1-az1', 'usgw1-az1', 'cnn1-az1']);
  });
});

describe('errors of the request', () => {
  it('denies by policies, without a resource', async () => {
    const message = `You are not authorized to perform this operation. User: arn:aws:sts::${ACCOUNT}:assumed-role/plan-function/`;
    for (const [statement, why] of [
      [allow('eks:*'), ' because no identity-based policy allows the ec2:DescribeVpcs action'],
      [deny('ec2:*'), ' with an explicit deny in an identity-based policy'],
    ] as const) {
      const world = newWorld(statement);
      const [status, code, text] = errorOf(
        await ask(world, 'DescribeVpcs', { DryRun: 'true' }, { credentials: credentialsOf(world, FUNCTION_ROLE) }),
      );
      expect([status, code]).toEqual([403, 'UnauthorizedOperation']);
      expect(text).toContain(message);
      expect(text).toMatch(new RegExp(`is not authorized to perform: ec2:DescribeVpcs${why}$`));
    }
    const allowed = newWorld(allow('ec2:DescribeVpcs'));
    const credentials = credentialsOf(allowed, FUNCTION_ROLE);
    expect((await ask(allowed, 'DescribeVpcs', {}, { credentials })).status).toBe(200);
    expect(errorOf(await ask(allowed, 'DescribeVpcs', { DryRun: 'true' }, { credentials }))).toEqual([
      412,
      'DryRunOperation',
      'Request would have succeeded, but DryRun flag is set.',
    ]);
  });

  it('refuses other actions, versions and keys in its own form', async () => {
    const world = newWorld();
    expect(errorOf(await ask(world, 'DescribeInstances')).slice(0, 2)).toEqual([501, 'NotImplemented']);
    expect(errorOf(await ask(world, 'DescribeVpcs', { Version: '2026-01-01' }))).toEqual([
      400,
      'NoSuchVersion',
      'The requested version (2026-01-01) of service AmazonEC2 does not exist',
    ]);
    const credentials = { ...operator(world), accessKeyId: 'ASIAXXXXXXXXXXXXXXXX' };
    expect(errorOf(await ask(world, 'DescribeVpcs', {}, { credentials }))).toEqual([
      401,
      'AuthFailure',
      'AWS was not able to validate the provided access credentials',
    ]);
  });
});
