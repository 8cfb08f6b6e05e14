import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, failureOf, openFixture, roleArn } from './fixture.ts';
import { expectError, expectFailure } from '../../lambdas/matchers.ts';

describe('tags of a cluster', () => {
  it('are in DescribeCluster, and can be changed by TagResource', async () => {
    const { eks, cluster } = openFixture();
    cluster.tags = { team: 'shop', env: 'prod' };
    const resourceArn = cluster.arn;
    expect((await eks.describeCluster({ name: CLUSTER })).cluster?.tags).toEqual({ team: 'shop', env: 'prod' });
    await eks.tagResource({ resourceArn, tags: { 'pod-identity-migration': 'exclude' } });
    await eks.untagResource({ resourceArn, tagKeys: ['env'] });
    expect((await eks.listTagsForResource({ resourceArn })).tags).toEqual({
      team: 'shop',
      'pod-identity-migration': 'exclude',
    });
    expect((await eks.describeCluster({ name: CLUSTER })).cluster?.tags).toEqual({
      team: 'shop',
      'pod-identity-migration': 'exclude',
    });
  });

  it('are limited to 50', async () => {
    const { eks, cluster } = openFixture();
    const tags = Object.fromEntries(Array.from({ length: 50 }, (_, index) => [`t${index}`, '']));
    await eks.tagResource({ resourceArn: cluster.arn, tags });
    await expectError(eks.tagResource({ resourceArn: cluster.arn, tags: { one: 'more' } }), 'BadRequestException');
    expect(cluster.tags).toEqual(tags);
  });

  it('can be found for resources of a cluster by their ARNs', async () => {
    const { eks, cluster, associate, addon } = openFixture({ addons: [{ name: EBS }] });
    const association = associate({ serviceAccount: EBS_SA, roleArn: roleArn('ebs'), tags: { of: 'association' } });
    expect((await eks.listTagsForResource({ resourceArn: association.arn })).tags).toEqual({ of: 'association' });
    expect((await eks.listTagsForResource({ resourceArn: addon()!.arn })).tags).toEqual({ team: 'storage' });
    expect(
      await failureOf(eks.listTagsForResource({ resourceArn: cluster.arn.replace(CLUSTER, 'other') })),
    ).toMatchObject({ name: 'NotFoundException' });
  });
});

describe('a cluster that is being deleted', () => {
  const open = (deletingCluster?: 'not-found') => {
    const fixture = openFixture({ addons: [{ name: EBS }], knobs: deletingCluster ? { deletingCluster } : {} });
    fixture.cluster.status = 'DELETING';
    return fixture;
  };

  it('can be listed and described', async () => {
    for (const { eks } of [open(), open('not-found')]) {
      expect((await eks.listClusters({})).clusters).toEqual([CLUSTER]);
      expect((await eks.describeCluster({ name: CLUSTER })).cluster).toMatchObject({
        name: CLUSTER,
        status: 'DELETING',
      });
    }
  });

  it('has its resources, or is not found, depending on the knob', async () => {
    const asked = ({ eks }: ReturnType<typeof open>) => [
      () => eks.listAddons({ clusterName: CLUSTER }),
      () => eks.describeAddon({ clusterName: CLUSTER, addonName: EBS }),
      () => eks.listPodIdentityAssociations({ clusterName: CLUSTER }),
      () => eks.listAccessEntries({ clusterName: CLUSTER }),
    ];
    for (const ask of asked(open())) await expect(ask()).resolves.toBeDefined();
    for (const ask of asked(open('not-found')))
      await expectFailure(ask(), 404, 'ResourceNotFoundException', `No cluster found for name: ${CLUSTER}.`);
  });
});
