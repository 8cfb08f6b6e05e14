import { describe, expect, it } from 'vitest';
import { addon, CLUSTER, EBS, failureOf, openFixture, podIdentityAssociations, roleArn } from './fixture.ts';
import { matching } from '../../lambdas/matchers.ts';

describe('the EKS service', () => {
  it('returns JSON with a request id and without a date', async () => {
    const { send } = openFixture();
    const { status, headers } = await send('GET', '/clusters');
    const id = matching(/^[0-9a-f-]{36}$/);
    expect({ status, headers }).toEqual({
      status: 200,
      headers: { 'content-type': 'application/json', 'x-amzn-requestid': id },
    });
  });

  it('returns an error with its name in a header and its details in the body', async () => {
    const { send } = openFixture();
    const { status, headers, body } = await send('GET', `/clusters/${CLUSTER}/addons/${EBS}`);
    expect([status, headers['x-amzn-errortype']]).toEqual([404, 'ResourceNotFoundException']);
    const message = `No addon: ${EBS} found in cluster: ${CLUSTER}`;
    expect(body).toEqual({ clusterName: CLUSTER, addonName: EBS, message });
  });

  it('reports method and path of an unknown operation', async () => {
    const { send, described } = openFixture();
    const { status, headers, body } = await send('PUT', '/clusters/shop/addon');
    expect([status, headers['x-amzn-errortype']]).toEqual([404, 'UnknownOperationException']);
    expect(body['message']).toBe('EKS has no operation at PUT /clusters/shop/addon.');
    expect(described).toEqual([
      { operation: 'UnknownOperation', input: { method: 'PUT', path: '/clusters/shop/addon' } },
    ]);
  });

  it('refuses an operation that it does not support', async () => {
    const { eks, cluster } = openFixture();
    const failure = await failureOf(eks.deleteCluster({ name: CLUSTER }));
    expect(failure).toMatchObject({ name: 'NotImplemented', status: 501 });
    expect(failure.message).toContain(
      "The sandbox's EKS does not support the operation DeleteCluster. Supported operations: ",
    );
    expect(cluster.status).toBe('ACTIVE');
  });

  it('adds operation and decoded input to the call log, also for errors', async () => {
    const { eks, described, send } = openFixture();
    await failureOf(eks.deleteAddon({ clusterName: CLUSTER, addonName: EBS, preserve: true }));
    await send('POST', `/clusters/${CLUSTER}/addons`, { body: { addonName: 7 } });
    expect(described).toEqual([
      { operation: 'DeleteAddon', input: { clusterName: CLUSTER, addonName: EBS, preserve: true } },
      { operation: 'CreateAddon', input: {} },
    ]);
  });

  it('returns the same responses for the same seed, and other ids for another', async () => {
    const run = async (seed: number): Promise<unknown[]> => {
      const { eks, answers, pass } = openFixture({ seed });
      await eks.createAddon({ ...addon, clientRequestToken: 't', podIdentityAssociations });
      pass(120);
      await eks.describeAddon(addon);
      await eks.listPodIdentityAssociations({ clusterName: CLUSTER });
      return answers;
    };
    expect(await run(7)).toEqual(await run(7));
    expect(await run(7)).not.toEqual(await run(8));
  });

  it('sees only clusters of the caller’s account and region', async () => {
    const { eks, world, cluster } = openFixture();
    world.accounts
      .get(cluster.account)!
      .clusters.set('us-east-1/far', { ...cluster, name: 'far', region: 'us-east-1' });
    expect((await eks.listClusters({})).clusters).toEqual([CLUSTER]);
    expect(await failureOf(eks.describeCluster({ name: 'far' }))).toEqual({
      name: 'ResourceNotFoundException',
      message: 'No cluster found for name: far.',
      status: 404,
      clusterName: 'far',
    });
  });

  it('describes a cluster', async () => {
    const { eks, cluster } = openFixture();
    const { cluster: answer } = await eks.describeCluster({ name: CLUSTER });
    expect(answer).toMatchObject({
      name: CLUSTER,
      arn: cluster.arn,
      version: '1.31',
      platformVersion: 'eks.12',
      status: 'ACTIVE',
      endpoint: cluster.endpoint,
      identity: { oidc: { issuer: cluster.oidcIssuer } },
      accessConfig: { authenticationMode: 'API_AND_CONFIG_MAP' },
      computeConfig: { enabled: false },
    });
    expect(answer?.createdAt?.getTime()).toBe(cluster.createdAt);
    cluster.authenticationMode = 'CONFIG_MAP';
    const { cluster: changed } = await eks.describeCluster({ name: CLUSTER });
    expect(changed?.accessConfig).toEqual({ authenticationMode: 'CONFIG_MAP' });
    const { data = '' } = answer?.certificateAuthority ?? {};
    expect(Buffer.from(data, 'base64').toString()).toBe(cluster.certificateAuthority);
  });

  it('omits the issuer of a cluster without one, and reports Auto Mode', async () => {
    const { eks, cluster } = openFixture();
    cluster.oidcIssuer = undefined;
    cluster.autoMode = true;
    const { cluster: answer } = await eks.describeCluster({ name: CLUSTER });
    expect(answer?.identity).toBeUndefined();
    expect(answer?.computeConfig?.enabled).toBe(true);
  });
});

describe('tags', () => {
  it('can be set, read and removed by ARN, for cluster, add-on and association', async () => {
    const { eks, cluster, addon: installed, associate } = openFixture({ addons: [{ name: EBS }] });
    const association = associate({ serviceAccount: 'x', roleArn: roleArn('ebs') });
    for (const resourceArn of [cluster.arn, installed()!.arn, association.arn]) {
      await eks.tagResource({ resourceArn, tags: { owner: 'platform', stage: 'prod' } });
      await eks.untagResource({ resourceArn, tagKeys: ['stage'] });
      expect((await eks.listTagsForResource({ resourceArn })).tags).toMatchObject({ owner: 'platform' });
      expect((await eks.listTagsForResource({ resourceArn })).tags).not.toHaveProperty('stage');
    }
    expect((await eks.describeAddon(addon)).addon?.tags).toEqual({ team: 'storage', owner: 'platform' });
  });

  it('are rejected for other ARNs and missing resources, and can change where there are fifty', async () => {
    const { eks, cluster } = openFixture();
    const refusalOf = async (resourceArn: string) => {
      const { name, status } = await failureOf(eks.listTagsForResource({ resourceArn }));
      return [name, status];
    };
    expect(await refusalOf('arn:aws:s3:::bucket')).toEqual(['BadRequestException', 400]);
    expect(await refusalOf(`${cluster.arn}x`)).toEqual(['NotFoundException', 404]);
    // The limit of fifty is in clusters.test.ts; a tag that exists can still change.
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'v']));
    await eks.tagResource({ resourceArn: cluster.arn, tags });
    await eks.tagResource({ resourceArn: cluster.arn, tags: { k0: 'other' } });
  });
});
