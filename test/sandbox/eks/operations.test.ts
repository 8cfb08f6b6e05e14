import * as sdk from '@aws-sdk/client-eks';
import { describe, expect, it } from 'vitest';
import { operations, type Schema } from '../../../sandbox/eks/model.ts';
import { supportedOperations } from '../../../sandbox/eks/service.ts';
import { requiredMembers } from '../../../sandbox/shapes.ts';
import { CLUSTER, failureOf, openFixture } from './fixture.ts';
import { words } from '../../words.ts';
import { expectExactError, expectFailure } from '../../lambdas/matchers.ts';

type Command = Parameters<sdk.EKS['send']>[0];

/** Returns a value of the right type, with all required members. */
const sample = (schema: Schema): unknown => {
  if (schema.isStructSchema())
    return Object.fromEntries(requiredMembers(schema).map((name) => [name, sample(schema.getMemberSchema(name))]));
  if (schema.isListSchema()) return [sample(schema.getValueSchema())];
  if (schema.isMapSchema()) return { key: sample(schema.getValueSchema()) };
  if (schema.isNumericSchema()) return 1;
  if (schema.isBooleanSchema()) return true;
  return CLUSTER;
};

const commandOf = (name: string, input: unknown): Command =>
  new (sdk as unknown as Record<string, new (input: unknown) => Command>)[`${name}Command`]!(input);

/** Returns the SDK's result for the operation's minimal request; `supported` means any response of EKS's own. */
const answerTo = async (name: string): Promise<unknown> => {
  const { eks, cluster } = openFixture();
  const before = JSON.stringify(cluster);
  const operation = operations.find((candidate) => candidate.name === name)!;
  const failure = await eks.send(commandOf(name, sample(operation.input))).then(
    () => undefined,
    (error: Error & { $metadata?: { httpStatusCode?: number } }) => error,
  );
  if (failure?.name !== 'NotImplemented')
    return (failure?.$metadata?.httpStatusCode ?? 200) < 500 ? 'supported' : failure;
  return {
    status: failure.$metadata?.httpStatusCode,
    message: failure.message.split('.')[0],
    changed: JSON.stringify(cluster) !== before,
  };
};

describe('each operation of the EKS API', () => {
  it.each(operations.map(({ name }) => name))('%s is supported, or refused with its name', async (name) =>
    expect(await answerTo(name)).toEqual(
      supportedOperations.includes(name)
        ? 'supported'
        : { status: 501, message: `The sandbox's EKS does not support the operation ${name}`, changed: false },
    ),
  );

  it('is refused with its name, regardless of the content of the request', async () => {
    const { send } = openFixture();
    const { status, body } = await send('POST', '/clusters', { rawBody: '{' });
    expect(status).toBe(501);
    expect(body['message']).toContain(
      "The sandbox's EKS does not support the operation CreateCluster. Supported operations: AssociateAccessPolicy, ",
    );
  });

  it('is implemented if a migration or its operator needs it', () =>
    expect([...supportedOperations].sort()).toEqual(words`
      AssociateAccessPolicy CreateAccessEntry CreateAddon CreatePodIdentityAssociation DeleteAccessEntry DeleteAddon
      DeletePodIdentityAssociation DescribeAccessEntry DescribeAddon DescribeAddonConfiguration
      DescribeAddonVersions DescribeCapability DescribeCluster DescribeClusterVersions DescribeFargateProfile
      DescribePodIdentityAssociation DescribeUpdate DisassociateAccessPolicy ListAccessEntries ListAccessPolicies
      ListAddons ListAssociatedAccessPolicies ListCapabilities ListClusters ListFargateProfiles
      ListPodIdentityAssociations ListTagsForResource ListUpdates TagResource UntagResource UpdateAccessEntry
      UpdateAddon UpdatePodIdentityAssociation
    `));
});

describe('lists', () => {
  const LISTS: [string, (eks: sdk.EKS, input: { maxResults?: number; nextToken?: string }) => Promise<unknown>][] = [
    ['ListClusters', (eks, input) => eks.listClusters(input)],
    ['ListAddons', (eks, input) => eks.listAddons({ clusterName: CLUSTER, ...input })],
    ['ListUpdates', (eks, input) => eks.listUpdates({ name: CLUSTER, ...input })],
    ['ListAccessEntries', (eks, input) => eks.listAccessEntries({ clusterName: CLUSTER, ...input })],
    ['ListAccessPolicies', (eks, input) => eks.listAccessPolicies(input)],
    ['ListCapabilities', (eks, input) => eks.listCapabilities({ clusterName: CLUSTER, ...input })],
    ['ListFargateProfiles', (eks, input) => eks.listFargateProfiles({ clusterName: CLUSTER, ...input })],
    [
      'ListPodIdentityAssociations',
      (eks, input) => eks.listPodIdentityAssociations({ clusterName: CLUSTER, ...input }),
    ],
    ['DescribeAddonVersions', (eks, input) => eks.describeAddonVersions(input)],
    ['DescribeClusterVersions', (eks, input) => eks.describeClusterVersions(input)],
  ];

  it.each(LISTS)('%s supports pages of 1 to 100, and accepts only its own tokens', async (_name, list) => {
    const { eks } = openFixture();
    await list(eks, { maxResults: 1 });
    await list(eks, { maxResults: 100 });
    await expectExactError(
      list(eks, { maxResults: 0 }),
      'InvalidParameterException',
      "1 validation error detected: Value '0' at 'maxResults' failed to satisfy constraint: Member must have value greater than or equal to 1",
    );
    expect(await failureOf(list(eks, { maxResults: 101 }))).toMatchObject({ name: 'InvalidParameterException' });
    for (const nextToken of [
      '2',
      'shop',
      Buffer.from('before:a').toString('base64url'),
      `${Buffer.from('after:a').toString('base64url')}=`,
    ]) {
      await expectFailure(list(eks, { nextToken }), 400, 'InvalidParameterException');
    }
  });

  it('ListClusters continues after the previous page, despite additions and removals in between', async () => {
    const { eks, world, cluster } = openFixture();
    const { clusters } = world.accounts.get(cluster.account)!;
    const add = (name: string): unknown => clusters.set(`${cluster.region}/${name}`, { ...cluster, name });
    for (const name of ['a', 'c', 'e']) add(name);
    const first = await eks.listClusters({ maxResults: 2 });
    expect(first.clusters).toEqual(['a', 'c']);
    add('b');
    add('d');
    clusters.delete(`${cluster.region}/c`);
    const second = await eks.listClusters({ maxResults: 2, nextToken: first.nextToken });
    expect(second.clusters).toEqual(['d', 'e']);
    expect(await eks.listClusters({ nextToken: second.nextToken })).toMatchObject({ clusters: [CLUSTER] });
  });
});
