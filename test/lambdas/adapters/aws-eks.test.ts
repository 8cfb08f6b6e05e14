import {
  CreateAddonCommand,
  DeleteAddonCommand,
  DescribeAccessEntryCommand,
  DescribeAddonCommand,
  DescribeAddonConfigurationCommand,
  DescribeAddonVersionsCommand,
  DescribeClusterCommand,
  DescribeFargateProfileCommand,
  EKSClient,
  ListAccessEntriesCommand,
  ListCapabilitiesCommand,
  ListFargateProfilesCommand,
  ListAddonsCommand,
  ResourceNotFoundException,
  TagResourceCommand,
  UpdateAddonCommand,
} from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { AwsEks } from '../../../lambdas/adapters/aws-eks.ts';
import type { CreateAddonRequest } from '../../../lambdas/ports/eks.ts';
import { ADDON, addonArn, anAddon, CLUSTER, ISSUER, planned, ROLE, SERVICE_ACCOUNT, VERSION } from '../fixtures.ts';
import { anError, expectError, expectExactError } from '../matchers.ts';
import { mocked, refusal } from './mocked.ts';

const mock = mocked(EKSClient);

const eksOf = (...own: string[]): AwsEks => new AwsEks(new EKSClient({ region: 'eu-west-1' }), CLUSTER, own);
const eks = eksOf();
const inputs = (): unknown[] => mock.calls().map((call) => call.args[0].input as unknown);
const notFound = new ResourceNotFoundException({
  message: 'No addon: x found in cluster: dev',
  $metadata: { httpStatusCode: 404 },
});

it('reads the list of add-ons to its end', async () => {
  const names = Array.from({ length: 230 }, (_, index) => `addon-${index}`);
  mock
    .on(ListAddonsCommand, { clusterName: CLUSTER })
    .resolves({ addons: names.slice(0, 100), nextToken: 'one' })
    .on(ListAddonsCommand, { clusterName: CLUSTER, nextToken: 'one' })
    .resolves({ addons: names.slice(100, 200), nextToken: 'two' })
    .on(ListAddonsCommand, { clusterName: CLUSTER, nextToken: 'two' })
    .resolves({ addons: names.slice(200) });
  expect(await eks.listAddons()).toEqual(names);
});

describe('DescribeCluster', () => {
  it('answers what the decisions need', async () => {
    const named = { name: CLUSTER, arn: 'arn', version: '1.31', platformVersion: 'eks.4', status: 'ACTIVE' as const };
    const same = { ...named, endpoint: 'https://x', tags: { team: 'shop' } };
    const told = { certificateAuthority: { data: 'PEM' }, identity: { oidc: { issuer: ISSUER } } };
    mock.on(DescribeClusterCommand).resolves({ cluster: { ...same, ...told, computeConfig: { enabled: true } } });
    const shown = { certificateAuthority: 'PEM', oidcIssuer: ISSUER, autoMode: true };
    expect([await eks.describeCluster(), inputs()]).toEqual([{ ...same, ...shown }, [{ name: CLUSTER }]]);
  });
  const bare = { name: CLUSTER, arn: 'arn', version: '1.31', status: 'CREATING' as const };
  it.each([
    [
      'says where it is on Outposts, and where pods have IPv6 addresses',
      {
        outpostConfig: { outpostArns: ['arn:op'], controlPlaneInstanceType: 'm5.large' },
        kubernetesNetworkConfig: { ipFamily: 'ipv6' as const },
      },
      { onOutposts: true, ipv6: true },
    ],
    ['does not say so of IPv4', { kubernetesNetworkConfig: { ipFamily: 'ipv4' as const } }, {}],
    ['leaves out what a cluster does not have', {}, {}],
  ])('%s', async (_, shown, answered) => {
    mock.on(DescribeClusterCommand).resolves({ cluster: { ...bare, ...shown } });
    expect(await eks.describeCluster()).toEqual({ ...bare, autoMode: false, tags: {}, ...answered });
  });
  it('answers undefined for a cluster that is not there', async () => {
    mock.on(DescribeClusterCommand).rejects(notFound);
    expect(await eks.describeCluster()).toBeUndefined();
  });
});

it('capabilities are listed over all pages, once', async () => {
  mock
    .on(ListCapabilitiesCommand)
    .resolvesOnce({ capabilities: [{ capabilityName: 'ack', type: 'ACK', status: 'ACTIVE' }], nextToken: 't' })
    .resolvesOnce({ capabilities: [{ capabilityName: 'odd' }, { capabilityName: 'kro', type: 'KRO' }] });
  const one = eksOf();
  const expected = [
    { name: 'ack', type: 'ACK', status: 'ACTIVE' },
    { name: 'kro', type: 'KRO', status: '' },
  ];
  expect([await one.listCapabilities(), await one.listCapabilities()]).toEqual([expected, expected]);
  expect(mock.commandCalls(ListCapabilitiesCommand)).toHaveLength(2);
});

it('Fargate profiles are described once; those that are gone or about to be are left out', async () => {
  const selectors = [{ namespace: 'shop', labels: { tier: 'web' } }, { namespace: 'pay*' }];
  mock
    .on(ListFargateProfilesCommand)
    .resolvesOnce({ fargateProfileNames: ['a'], nextToken: 't' })
    .resolvesOnce({ fargateProfileNames: ['b', 'gone'] });
  const described = (fargateProfileName: string) => mock.on(DescribeFargateProfileCommand, { fargateProfileName });
  described('a').resolves({ fargateProfile: { status: 'CREATING', selectors } });
  described('b').resolves({ fargateProfile: { status: 'DELETING', selectors } });
  described('gone').rejects(notFound);
  const one = eksOf();
  const expected = [{ name: 'a', selectors: [selectors[0], { namespace: 'pay*', labels: {} }] }];
  expect([await one.listFargateProfiles(), await one.listFargateProfiles()]).toEqual([expected, expected]);
  expect(mock.commandCalls(ListFargateProfilesCommand)).toHaveLength(2);
});

describe('access entries', () => {
  const entryOf = (principalArn: string, type: string) =>
    mock.on(DescribeAccessEntryCommand, { principalArn }).resolves({ accessEntry: { principalArn, type } });

  it('are listed over all pages, as many as are wanted', async () => {
    mock
      .on(ListAccessEntriesCommand)
      .resolvesOnce({ accessEntries: ['arn:a', 'arn:b'], nextToken: 't' })
      .resolvesOnce({ accessEntries: ['arn:c'] });
    expect(await eks.listNodeCandidates(3)).toEqual({ arns: ['arn:a', 'arn:b', 'arn:c'], more: false });
    mock.on(ListAccessEntriesCommand).resolves({ accessEntries: ['arn:a', 'arn:b'], nextToken: 't' });
    expect(await eks.listNodeCandidates(1)).toEqual({ arns: ['arn:a'], more: true });
    expect(mock.commandCalls(ListAccessEntriesCommand)).toHaveLength(3);
    expect(mock.commandCalls(DescribeAccessEntryCommand)).toHaveLength(0);
  });
  it('are described one by one; one that has vanished is not there', async () => {
    entryOf('arn:b', 'EC2_LINUX');
    mock.on(DescribeAccessEntryCommand, { principalArn: 'arn:gone' }).rejects(notFound);
    expect(await eks.describeAccessEntry('arn:b')).toEqual({ principalArn: 'arn:b', type: 'EC2_LINUX' });
    expect(await eks.describeAccessEntry('arn:gone')).toBeUndefined();
  });
  it('of roles of another account than the cluster are no candidates, once it is described', async () => {
    const [own, foreign] = ['arn:aws:iam::111122223333:role/nodes', 'arn:aws:iam::444455556666:role/nodes'] as const;
    mock.on(ListAccessEntriesCommand).resolves({ accessEntries: [own, foreign] });
    const arn = `arn:aws:eks:eu-west-1:111122223333:cluster/${CLUSTER}`;
    mock.on(DescribeClusterCommand).resolves({ cluster: { name: CLUSTER, arn, version: '1.31', status: 'ACTIVE' } });
    const one = eksOf();
    await one.describeCluster();
    expect(await one.listNodeCandidates(10)).toEqual({ arns: [own], more: false });
  });
  it('that no node can have are no candidates: of users, and of the roles of the service itself', async () => {
    const arnOf = (what: string) => `arn:aws:iam::111122223333:${what}`;
    const [user, own, node] = [arnOf('user/alice'), arnOf('role/PodIdentityMigrator-Plan'), arnOf('role/nodes')];
    mock.on(ListAccessEntriesCommand).resolves({ accessEntries: [user, own, node] });
    expect(await eksOf(own).listNodeCandidates(10)).toEqual({ arns: [node], more: false });
  });
  it('are refused where the cluster knows none', async () => {
    const message =
      "The cluster's authentication mode must be set to one of [API, API_AND_CONFIG_MAP] to perform this operation.";
    mock.on(ListAccessEntriesCommand).rejects(refusal('InvalidRequestException', message));
    await expectError(eks.listNodeCandidates(1), 'InvalidRequest', 'authentication mode');
  });
});

describe('DescribeAddon', () => {
  const found = {
    addonName: ADDON,
    addonArn: addonArn(1),
    addonVersion: VERSION,
    clusterName: CLUSTER,
    status: 'ACTIVE' as const,
    createdAt: new Date(0),
  };

  it('answers it whole, its configuration raw', async () => {
    const role = { serviceAccountRoleArn: ROLE, podIdentityAssociations: ['arn:1'] };
    const same = { ...role, configurationValues: 'a: 1 # raw\n', tags: { team: 'a' } };
    const health = { issues: [{ code: 'AccessDenied' as const, message: 'no', resourceIds: ['x'] }, {}] };
    const namespaceConfig = { namespace: 'storage' };
    mock.on(DescribeAddonCommand).resolves({ addon: { ...found, ...same, namespaceConfig, health } });
    expect(await eks.describeAddon(ADDON)).toEqual({
      name: ADDON,
      arn: addonArn(1),
      version: VERSION,
      status: 'ACTIVE',
      namespace: 'storage',
      ...same,
      issues: [
        { code: 'AccessDenied', message: 'no', resourceIds: ['x'] },
        { code: 'Unknown', message: '', resourceIds: [] },
      ],
    });
    expect(inputs()).toEqual([{ clusterName: CLUSTER, addonName: ADDON }]);
  });
  it('takes an empty role for none', async () => {
    mock.on(DescribeAddonCommand).resolves({ addon: { ...found, serviceAccountRoleArn: '' } });
    expect((await eks.describeAddon(ADDON))?.serviceAccountRoleArn).toBeUndefined();
  });
  it.each([notFound, refusal('InvalidParameterException', 'Addon specified is not supported')])(
    'answers undefined for %s',
    async (error) => {
      mock.on(DescribeAddonCommand).rejects(error);
      expect(await eks.describeAddon(ADDON)).toBeUndefined();
    },
  );
  it('lets other refusals through with the call and its text', async () => {
    mock.on(DescribeAddonCommand).rejects(refusal('InvalidParameterException', 'clusterName is too long'));
    const message = `eks:DescribeAddon ${ADDON}: InvalidParameterException: clusterName is too long`;
    await expectError(eks.describeAddon(ADDON), 'InvalidRequest', message);
  });
});

describe('versions and configuration', () => {
  it('lists what is offered for that Kubernetes version, over all pages', async () => {
    const offer = (addonVersion: string, clusterVersion: string, defaultVersion = false): object => ({
      addonVersion,
      requiresIamPermissions: true,
      compatibilities: [{ clusterVersion, defaultVersion, platformVersions: ['*'] }],
    });
    const owned = { owner: 'aws', defaultNamespace: 'kube-system' };
    const addonVersions = [offer('v3', '1.31', true), offer('v2', '1.30')];
    mock
      .on(DescribeAddonVersionsCommand)
      .resolvesOnce({
        nextToken: 'more',
        addons: [{ addonName: ADDON, ...owned, addonVersions }, { addonName: ADDON }],
      })
      .resolvesOnce({ addons: [{ addonName: ADDON, addonVersions: [offer('v1', '1.31'), {}] }] });
    expect(await eks.listOfferedVersions(ADDON, '1.31')).toEqual([
      { version: 'v3', default: true, requiresIamPermissions: true, ...owned },
      { version: 'v1', default: false, requiresIamPermissions: true },
    ]);
    expect(inputs()).toMatchObject([
      { addonName: ADDON, kubernetesVersion: '1.31' },
      { addonName: ADDON, kubernetesVersion: '1.31', nextToken: 'more' },
    ]);
  });
  it('knows no version of an add-on that EKS does not know', async () => {
    mock.on(DescribeAddonVersionsCommand).rejects(notFound);
    expect(await eks.listOfferedVersions('x', '1.31')).toEqual([]);
  });
  it('answers the service accounts that take associations, and the schema of the configuration', async () => {
    const [one, two] = [
      { serviceAccount: SERVICE_ACCOUNT, recommendedManagedPolicies: ['arn:p'] },
      { serviceAccount: 'two' },
    ];
    const configurationSchema = '{"type":"object"}';
    const answer = { podIdentityConfiguration: [one, two, {}], configurationSchema };
    mock.on(DescribeAddonConfigurationCommand).resolves(answer);
    expect(await eks.describeConfiguration(ADDON, VERSION)).toStrictEqual({
      podIdentity: [one, { ...two, recommendedManagedPolicies: [] }],
      configurationSchema,
    });
    expect(inputs()).toEqual([{ addonName: ADDON, addonVersion: VERSION }]);
  });
  it('tells a version that takes none from one that EKS does not know', async () => {
    mock
      .on(DescribeAddonConfigurationCommand)
      .resolvesOnce({})
      .rejectsOnce(notFound)
      .rejectsOnce(refusal('InvalidParameterException', 'Addon version specified is not supported'))
      .rejects(refusal('InvalidParameterException', 'too long'));
    expect(await eks.describeConfiguration(ADDON, VERSION)).toStrictEqual({ podIdentity: [] });
    expect(await eks.describeConfiguration(ADDON, VERSION)).toBeUndefined();
    expect(await eks.describeConfiguration(ADDON, VERSION)).toBeUndefined();
    await expectError(eks.describeConfiguration(ADDON, VERSION), 'InvalidRequest');
  });
});

describe('CreateAddon and UpdateAddon', () => {
  const bare: CreateAddonRequest = { addon: ADDON, version: VERSION, tags: {}, clientRequestToken: 't' };
  const always = { clusterName: CLUSTER, addonName: ADDON, addonVersion: VERSION, clientRequestToken: 't' };
  const sent = async (change: Partial<CreateAddonRequest>): Promise<unknown> => {
    mock.on(CreateAddonCommand).resolves({ addon: { addonArn: addonArn(2) } });
    expect(await eks.createAddon({ ...bare, ...change })).toBe(addonArn(2));
    return inputs()[0];
  };

  it('sends the associations in the add-on form, without their namespace, and no role', async () => {
    const same = { configurationValues: 'a: 1 # raw\n', resolveConflicts: 'NONE' as const, tags: { team: 'a' } };
    expect(await sent({ podIdentityAssociations: [planned], namespace: 'storage', ...same })).toStrictEqual({
      ...always,
      ...same,
      podIdentityAssociations: [{ serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE }],
      namespaceConfig: { namespace: 'storage' },
    });
  });
  it('sends an empty configuration, which means something, as it is', async () =>
    expect(await sent({ configurationValues: '' })).toStrictEqual({ ...always, configurationValues: '' }));
  it.each<[string, Partial<CreateAddonRequest>, object]>([
    ['nothing', {}, {}],
    ['a role', { serviceAccountRoleArn: ROLE }, { serviceAccountRoleArn: ROLE }],
    ['an empty role, which EKS would refuse as a cross-account PassRole', { serviceAccountRoleArn: '' }, {}],
    ['no associations', { podIdentityAssociations: [] }, {}],
    ['PRESERVE, which EKS takes for NONE', { resolveConflicts: 'PRESERVE' }, { resolveConflicts: 'PRESERVE' }],
  ])('given %s', async (_, change, added) => expect(await sent(change)).toStrictEqual({ ...always, ...added }));

  it("does not take an answer without the new copy's ARN for one", async () => {
    mock.on(CreateAddonCommand).resolves({});
    const message = `eks:CreateAddon ${ADDON} answered without the add-on's ARN`;
    await expectExactError(eks.createAddon(bare), 'ServiceUnavailable', message);
  });

  const withRole = { serviceAccountRoleArn: ROLE, resolveConflicts: 'PRESERVE' };
  it.each<[string, object, object]>([
    ['nothing: all stays', {}, {}],
    ['an empty role: it is left out', { serviceAccountRoleArn: '' }, {}],
    ['a role', withRole, withRole],
    ['an empty list: the owned ones are deleted', { podIdentityAssociations: [] }, { podIdentityAssociations: [] }],
    [
      'associations',
      { podIdentityAssociations: [planned] },
      { podIdentityAssociations: [{ serviceAccount: SERVICE_ACCOUNT, roleArn: ROLE }] },
    ],
  ])('updates with %s', async (_, change, added) => {
    mock.on(UpdateAddonCommand).resolves({});
    await eks.updateAddon({ addon: ADDON, clientRequestToken: 't', ...change });
    expect(inputs()).toStrictEqual([{ clusterName: CLUSTER, addonName: ADDON, clientRequestToken: 't', ...added }]);
  });

  it.each([
    ['ResourceInUseException', 'Association already exists: a-dt1bedfjc72dlwp5n', 'Busy'],
    ['AccessDeniedException', 'Cross-account pass role is not allowed.', 'AccessDenied'],
    ['InvalidParameterException', 'Addon version specified is not supported', 'InvalidRequest'],
  ])('keeps the text of %s: %s', async (name, message, expected) => {
    mock.on(CreateAddonCommand).rejects(refusal(name, message));
    await expectError(eks.createAddon(bare), expected, `eks:CreateAddon ${ADDON}: ${name}: ${message}`);
  });
});

describe('DeleteAddon', () => {
  it.each([
    [true, { preserve: true }],
    [false, {}],
  ])('with preserve %s', async (preserve, added) => {
    mock.on(DeleteAddonCommand).resolves({});
    expect(await eks.deleteAddon(ADDON, { preserve })).toBe(true);
    expect(inputs()).toStrictEqual([{ clusterName: CLUSTER, addonName: ADDON, ...added }]);
  });
  it('says so where there was none', async () => {
    mock.on(DeleteAddonCommand).rejects(notFound);
    expect(await eks.deleteAddon(ADDON, { preserve: false })).toBe(false);
  });
});

it('reads an add-on of the shape that the rest of the service uses', async () => {
  const { name, arn, version, tags, status, configurationValues, serviceAccountRoleArn } = anAddon();
  const own = { addonName: name, addonArn: arn, addonVersion: version };
  const addon = { ...own, tags, status, configurationValues, serviceAccountRoleArn };
  mock.on(DescribeAddonCommand).resolves({ addon });
  expect(await eks.describeAddon(ADDON)).toEqual(anAddon());
});

it('adds tags by ARN', async () => {
  mock
    .on(TagResourceCommand)
    .resolvesOnce({})
    .rejects(refusal('NotFoundException', 'No resource', 404));
  await eks.tagResource(addonArn(2), { team: 'storage' });
  expect(inputs()).toStrictEqual([{ resourceArn: addonArn(2), tags: { team: 'storage' } }]);
  await expectError(eks.tagResource(addonArn(2), {}), 'NotFound', `eks:TagResource ${addonArn(2)}`);
});

describe('what EKS repeats of what it refuses', () => {
  const SECRET = 'hunter2-SECRET';
  const request: CreateAddonRequest = {
    addon: ADDON,
    version: VERSION,
    tags: {},
    clientRequestToken: 't',
    configurationValues: JSON.stringify({ controller: { password: SECRET, retries: 3 } }),
  };

  it.each([`[$.controller.password: ${SECRET} does not match]`, `near '"password":"${SECRET}"'`])(
    'is kept back: %s',
    async (text) => {
      const whole = `ConfigurationValue provided in request is not supported: ${text}`;
      mock.on(CreateAddonCommand).rejects(refusal('InvalidParameterException', whole));
      const error: unknown = await eks.createAddon(request).catch((thrown: unknown) => thrown);
      const shown = /eks:CreateAddon .*InvalidParameterException: ConfigurationValue .*password.*\[not shown\]/;
      expect(error).toMatchObject(anError('InvalidRequest', shown));
      expect((error as Error).message).not.toContain(SECRET);
      expect((error as Error).stack).not.toContain(SECRET);
    },
  );
});
