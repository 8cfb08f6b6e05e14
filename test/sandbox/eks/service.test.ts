import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, failureOf, openFixture, roleArn } from './fixture.ts';

describe('the EKS service', () => {
  it('returns JSON with a request id and without a date', async () => {
    const { send } = openFixture();
    const { status, headers } = await send('GET', '/clusters');
    expect(status).toBe(200);
    expect(Object.keys(headers).sort()).toEqual(['content-type', 'x-amzn-requestid']);
    expect(headers['content-type']).toBe('application/json');
    expect(headers['x-amzn-requestid']).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('returns an error with its name in a header and its details in the body', async () => {
    const { send } = openFixture();
    const { status, headers, body } = await send('GET', `/clusters/${CLUSTER}/addons/${EBS}`);
    expect(status).toBe(404);
    expect(headers['x-amzn-errortype']).toBe('ResourceNotFoundException');
    expect(body).toEqual({
      clusterName: CLUSTER,
      addonName: EBS,
      message: `No addon: ${EBS} found in cluster: ${CLUSTER}`,
    });
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
      await eks.createAddon({
        clusterName: CLUSTER,
        addonName: EBS,
        clientRequestToken: 't',
        podIdentityAssociations: [{ serviceAccount: EBS_SA, roleArn: roleArn('ebs') }],
      });
      pass(120);
      await eks.describeAddon({ clusterName: CLUSTER, addonName: EBS });
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
    expect((await eks.describeCluster({ name: CLUSTER })).cluster?.accessConfig).toEqual({
      authenticationMode: 'CONFIG_MAP',
    });
    expect(Buffer.from(answer?.certificateAuthority?.data ?? '', 'base64').toString()).toBe(
      cluster.certificateAuthority,
    );
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
    const { eks, cluster, addon, associate } = openFixture({ addons: [{ name: EBS }] });
    for (const resourceArn of [
      cluster.arn,
      addon()!.arn,
      associate({ serviceAccount: 'x', roleArn: roleArn('ebs') }).arn,
    ]) {
      await eks.tagResource({ resourceArn, tags: { owner: 'platform', stage: 'prod' } });
      await eks.untagResource({ resourceArn, tagKeys: ['stage'] });
      expect((await eks.listTagsForResource({ resourceArn })).tags).toMatchObject({ owner: 'platform' });
      expect((await eks.listTagsForResource({ resourceArn })).tags).not.toHaveProperty('stage');
    }
    expect((await eks.describeAddon({ clusterName: CLUSTER, addonName: EBS })).addon?.tags).toEqual({
      team: 'storage',
      owner: 'platform',
    });
  });

  it('are rejected for other ARNs, for missing resources, and beyond fifty', async () => {
    const { eks, cluster } = openFixture();
    expect(await failureOf(eks.listTagsForResource({ resourceArn: 'arn:aws:s3:::bucket' }))).toMatchObject({
      name: 'BadRequestException',
      status: 400,
    });
    expect(await failureOf(eks.listTagsForResource({ resourceArn: `${cluster.arn}x` }))).toMatchObject({
      name: 'NotFoundException',
      status: 404,
    });
    await eks.tagResource({
      resourceArn: cluster.arn,
      tags: Object.fromEntries(Array.from({ length: 50 }, (_, n) => [`k${n}`, 'v'])),
    });
    expect(await failureOf(eks.tagResource({ resourceArn: cluster.arn, tags: { more: 'v' } }))).toMatchObject({
      name: 'BadRequestException',
    });
    await eks.tagResource({ resourceArn: cluster.arn, tags: { k0: 'other' } });
  });
});
