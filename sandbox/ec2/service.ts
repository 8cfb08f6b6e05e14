/**
 * EC2: the regions and zones of an account, and the networks of its clusters. The names and formats are those of the API
 * model 2016-11-15; errors are those of the API reference, "Error codes for the Amazon EC2 API", with texts from users'
 * reports. Nothing here can be changed.
 */
import type { CallContext, Service } from '../http.ts';
import { QueryError, type XmlValue } from '../iam/query-protocol.ts';
import { createQueryService, type QueryAction, type QueryPermissions } from '../iam/query-service.ts';
import { Random } from '../random.ts';
import type { World } from '../world/world.ts';
import { filtered } from './filters.ts';
import { networkOf, type Network } from './networks.ts';
import { pageOf } from './page.ts';
import { EC2_FORMAT, invalidValue, valuesOf } from './protocol.ts';
import { regionsOf, zonesOf } from './regions.ts';
import { type Kind, REGIONS, SECURITY_GROUPS, SUBNETS, VPCS, ZONES } from './resources.ts';

const API = { namespace: 'http://ec2.amazonaws.com/doc/2016-11-15/', version: '2016-11-15', title: 'EC2' };

type Parameters = Map<string, string>;

/** Returns the networks of the caller's clusters in the region of the call. */
const networksIn = (world: World, { caller, region }: CallContext): Network[] =>
  [...(world.accounts.get(caller.account)?.clusters.values() ?? [])]
    .filter((cluster) => cluster.region === region)
    .map(networkOf);

/** Returns the wanted resources; all if the request names none. Throws the error of `unknown` for the first unknown. */
const wanted = <T>(
  wantedIds: readonly string[],
  resources: readonly T[],
  idOf: (resource: T) => string,
  unknown: (id: string) => QueryError,
): T[] => {
  const missing = wantedIds.find((id) => !resources.some((resource) => idOf(resource) === id));
  if (missing !== undefined) throw unknown(missing);
  return resources.filter((resource) => wantedIds.length === 0 || wantedIds.includes(idOf(resource)));
};

const notFound = (code: string, what: string) => (id: string) =>
  new QueryError(400, code, `The ${what} '${id}' does not exist`);

/** Returns the error for an unknown security group, and for an id that cannot be one's. */
const noGroup = (id: string): QueryError =>
  id.startsWith('sg-')
    ? notFound('InvalidGroup.NotFound', 'security group')(id)
    : new QueryError(400, 'InvalidGroupId.Malformed', `Invalid id: "${id}" (expecting "sg-...")`);

const describeRegions =
  (world: World): QueryAction =>
  (parameters, { caller, region: here }) => {
    const known = regionsOf(world, caller.account, here);
    const all = parameters.get('AllRegions') === 'true';
    const names = valuesOf(parameters, 'RegionName');
    const unknown = names.filter((name) => !known.some((region) => region.name === name));
    if (unknown.length > 0) throw invalidValue(`Invalid region names: [${unknown.join(', ')}]`);
    const shown = known.filter(
      ({ name, optInStatus }) =>
        (all || optInStatus !== 'not-opted-in') && (names.length === 0 || names.includes(name)),
    );
    return { regionInfo: filtered(parameters, shown, REGIONS).map(REGIONS.xmlOf) };
  };

const describeAvailabilityZones: QueryAction = (parameters, { region }) => {
  const known = zonesOf(region);
  const invalid = (id: string) => invalidValue(`Invalid availability zone: [${id}]`);
  const byName = wanted(valuesOf(parameters, 'ZoneName'), known, ({ zone }) => zone, invalid);
  const byId = wanted(valuesOf(parameters, 'ZoneId'), known, ({ zoneId }) => zoneId, invalid);
  const both = byName.filter((zone) => byId.includes(zone));
  return { availabilityZoneInfo: filtered(parameters, both, ZONES).map(ZONES.xmlOf) };
};

/** Returns a page of the resources that a request names and its filters match, as the member `set` of the answer. */
const described = <T>(
  parameters: Parameters,
  known: readonly T[],
  kind: Kind<T>,
  {
    set,
    ids,
    idOf,
    unknown,
  }: { set: string; ids: string; idOf: (one: T) => string; unknown: (id: string) => QueryError },
): Record<string, XmlValue> => {
  const named = wanted(valuesOf(parameters, ids), known, idOf, unknown);
  const { items, rest } = pageOf(parameters, filtered(parameters, named, kind), idOf, ids);
  return { [set]: items.map(kind.xmlOf), ...rest };
};

const describeVpcs =
  (world: World): QueryAction =>
  (parameters, context) =>
    described(parameters, networksIn(world, context), VPCS, {
      set: 'vpcSet',
      ids: 'VpcId',
      idOf: ({ vpc }) => vpc.id,
      unknown: notFound('InvalidVpcID.NotFound', 'vpc ID'),
    });

const describeSubnets =
  (world: World): QueryAction =>
  (parameters, context) => {
    const known = networksIn(world, context).flatMap((network) =>
      network.subnets.map((subnet) => ({ network, subnet })),
    );
    return described(parameters, known, SUBNETS, {
      set: 'subnetSet',
      ids: 'SubnetId',
      idOf: ({ subnet }) => subnet.id,
      unknown: notFound('InvalidSubnetID.NotFound', 'subnet ID'),
    });
  };

const describeSecurityGroups =
  (world: World): QueryAction =>
  (parameters, context) => {
    // Names alone mean groups of the default VPC, which no account of the sandbox has; users' reports have the error.
    if (valuesOf(parameters, 'GroupName').length > 0)
      throw new QueryError(400, 'VPCIdNotSpecified', 'No default VPC for this user');
    return described(parameters, networksIn(world, context), SECURITY_GROUPS, {
      set: 'securityGroupInfo',
      ids: 'GroupId',
      idOf: ({ securityGroup }) => securityGroup.id,
      unknown: noGroup,
    });
  };

/** Returns the action with EC2's answer to a dry run, which comes once the caller is authorized. */
const unlessDry =
  (run: QueryAction): QueryAction =>
  (parameters: Parameters, context): XmlValue | undefined => {
    if (parameters.get('DryRun') === 'true')
      throw new QueryError(412, 'DryRunOperation', 'Request would have succeeded, but DryRun flag is set.');
    return run(parameters, context);
  };

/** No action that describes has a resource (Service Authorization Reference, Amazon EC2). */
const permission =
  (name: string): QueryPermissions =>
  (_parameters, { region }) => [{ action: `ec2:${name}`, resource: '*', context: { 'ec2:Region': region } }];

export const createEc2Service = (world: World): Service => {
  const actions: Record<string, QueryAction> = {
    DescribeAvailabilityZones: describeAvailabilityZones,
    DescribeRegions: describeRegions(world),
    DescribeSecurityGroups: describeSecurityGroups(world),
    DescribeSubnets: describeSubnets(world),
    DescribeVpcs: describeVpcs(world),
  };
  return createQueryService(
    API,
    // A generator of its own, so that no result of a seed depends on this service.
    new Random(0),
    Object.fromEntries(Object.entries(actions).map(([name, run]) => [name, unlessDry(run)])),
    Object.fromEntries(Object.keys(actions).map((name) => [name, permission(name)])),
    EC2_FORMAT,
  );
};
