/** ListFargateProfiles and DescribeFargateProfile. */
import { describe, expect, it } from 'vitest';
import { CLUSTER, failureOf, openFixture } from './fixture.ts';

describe('Fargate profiles', () => {
  it('are listed and described as the scenario has them', async () => {
    const { eks, cluster } = openFixture();
    expect(await eks.listFargateProfiles({ clusterName: CLUSTER })).toMatchObject({ fargateProfileNames: [] });
    cluster.fargateProfiles = [
      { name: 'system', namespace: 'kube-system', labels: {} },
      { name: 'shop', namespace: 'shop', labels: { tier: 'web' } },
    ];
    expect(await eks.listFargateProfiles({ clusterName: CLUSTER })).toMatchObject({
      fargateProfileNames: ['shop', 'system'],
    });
    const { fargateProfile } = await eks.describeFargateProfile({ clusterName: CLUSTER, fargateProfileName: 'shop' });
    expect(fargateProfile).toMatchObject({
      fargateProfileName: 'shop',
      clusterName: CLUSTER,
      status: 'ACTIVE',
      selectors: [{ namespace: 'shop', labels: { tier: 'web' } }],
    });
  });

  it('that do not exist are not found', async () => {
    const { eks } = openFixture();
    expect(
      await failureOf(eks.describeFargateProfile({ clusterName: CLUSTER, fargateProfileName: 'no' })),
    ).toMatchObject({
      name: 'ResourceNotFoundException',
      status: 404,
      message: 'No Fargate Profile found with name: no.',
    });
  });
});
