/** ListCapabilities and DescribeCapability. */
import { describe, expect, it } from 'vitest';
import { buildCapabilities } from '../../../sandbox/world/capabilities.ts';
import { CLUSTER, failureOf, openFixture, roleArn, START } from './fixture.ts';

const open = () => {
  const fixture = openFixture();
  fixture.cluster.createdAt = START;
  fixture.cluster.capabilities = buildCapabilities(fixture.world, fixture.cluster, [
    { name: 'platform-argocd', type: 'ARGOCD', status: 'ACTIVE', version: '3.1.8-eks-1', tags: { team: 'platform' } },
    {
      name: 'ack',
      type: 'ACK',
      roleArn: roleArn('ack'),
      status: 'DEGRADED',
      tags: {},
      createdAt: '2025-12-01T00:00:00Z',
    },
  ]);
  return fixture;
};

describe('EKS capabilities', () => {
  it('are listed in pages, without roles', async () => {
    const { eks } = open();
    const { capabilities, nextToken } = await eks.listCapabilities({ clusterName: CLUSTER, maxResults: 1 });
    expect(capabilities).toEqual([
      {
        capabilityName: 'ack',
        arn: expect.stringMatching(/^arn:aws:eks:eu-west-1:\d{12}:capability\/shop\/ack\/ack\/[0-9a-f-]{36}$/),
        type: 'ACK',
        status: 'DEGRADED',
        createdAt: new Date('2025-12-01T00:00:00Z'),
        modifiedAt: new Date('2025-12-01T00:00:00Z'),
      },
    ]);
    const second = await eks.listCapabilities({ clusterName: CLUSTER, maxResults: 1, nextToken });
    expect(second).toMatchObject({ capabilities: [{ capabilityName: 'platform-argocd', version: '3.1.8-eks-1' }] });
    expect(second.nextToken).toBeUndefined();
  });

  it('are described with role and tags, which ListTagsForResource returns too', async () => {
    const { eks } = open();
    const { capability } = await eks.describeCapability({ clusterName: CLUSTER, capabilityName: 'platform-argocd' });
    expect(capability).toMatchObject({
      clusterName: CLUSTER,
      type: 'ARGOCD',
      status: 'ACTIVE',
      roleArn: roleArn(`${CLUSTER}-platform-argocd`),
      tags: { team: 'platform' },
      health: { issues: [] },
    });
    expect(await eks.listTagsForResource({ resourceArn: capability!.arn })).toMatchObject({
      tags: { team: 'platform' },
    });
  });

  it('that do not exist are not found', async () => {
    const { eks } = open();
    expect(await failureOf(eks.describeCapability({ clusterName: CLUSTER, capabilityName: 'kro' }))).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
    });
    expect(await failureOf(eks.listCapabilities({ clusterName: 'gone' }))).toMatchObject({ status: 404 });
    const bare = openFixture();
    expect(await bare.eks.listCapabilities({ clusterName: CLUSTER })).toMatchObject({ capabilities: [] });
  });
});
