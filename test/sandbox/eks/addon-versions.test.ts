import { describe, expect, it } from 'vitest';
import { CLUSTER, EBS, EBS_SA, failureOf, openFixture } from './fixture.ts';

describe('DescribeAddonVersions', () => {
  it('lists an add-on’s versions for a Kubernetes version, newest first, with its default', async () => {
    const { eks } = openFixture();
    const { addons } = await eks.describeAddonVersions({ addonName: EBS, kubernetesVersion: '1.31' });
    expect(addons).toHaveLength(1);
    expect(addons?.[0]).toMatchObject({
      addonName: EBS,
      type: 'storage',
      publisher: 'eks',
      owner: 'aws',
      defaultNamespace: 'kube-system',
    });
    expect(
      addons?.[0]?.addonVersions?.map(({ addonVersion, compatibilities }) => [addonVersion, compatibilities]),
    ).toEqual([
      ['v1.44.0-eksbuild.1', [{ clusterVersion: '1.31', platformVersions: ['*'], defaultVersion: false }]],
      ['v1.38.1-eksbuild.1', [{ clusterVersion: '1.31', platformVersions: ['*'], defaultVersion: true }]],
      ['v1.35.0-eksbuild.1', [{ clusterVersion: '1.31', platformVersions: ['*'], defaultVersion: false }]],
      ['v1.31.0-eksbuild.1', [{ clusterVersion: '1.31', platformVersions: ['*'], defaultVersion: false }]],
    ]);
    expect(addons?.[0]?.addonVersions?.every(({ requiresIamPermissions }) => requiresIamPermissions)).toBe(true);
  });

  it('without a Kubernetes version lists all versions with their compatibilities', async () => {
    const { eks } = openFixture();
    expect((await eks.describeAddonVersions({ addonName: EBS })).addons?.[0]?.addonVersions?.at(-1)).toMatchObject({
      addonVersion: 'v1.25.0-eksbuild.1',
      compatibilities: [{ clusterVersion: '1.29' }, { clusterVersion: '1.30' }],
    });
  });

  it.each(['1.34', '1.35'])('has the Pod Identity agent and every other add-on for Kubernetes %s', async (version) => {
    const { eks, world } = openFixture();
    const agent = await eks.describeAddonVersions({ addonName: 'eks-pod-identity-agent', kubernetesVersion: version });
    expect(agent.addons?.[0]?.addonVersions?.[0]).toMatchObject({
      addonVersion: 'v1.3.10-eksbuild.2',
      compatibilities: [{ clusterVersion: version, defaultVersion: true }],
    });
    const { addons } = await eks.describeAddonVersions({ kubernetesVersion: version });
    expect(addons?.map(({ addonName }) => addonName)).toEqual([...world.catalogue.keys()].sort());
  });

  it('omits withdrawn versions', async () => {
    const { eks, world } = openFixture();
    world.catalogue.get(EBS)!.versions.find(({ version }) => version === 'v1.38.1-eksbuild.1')!.offered = false;
    const { addons } = await eks.describeAddonVersions({ addonName: EBS });
    expect(addons?.[0]?.addonVersions?.map(({ addonVersion }) => addonVersion)).not.toContain('v1.38.1-eksbuild.1');
  });

  it.each([true, false])('defaultNamespaceShown: %s', async (defaultNamespaceShown) => {
    const { eks } = openFixture({ knobs: { defaultNamespaceShown } });
    const { addons } = await eks.describeAddonVersions({ addonName: 'external-dns' });
    expect(addons?.[0]?.defaultNamespace).toBe(defaultNamespaceShown ? 'external-dns' : undefined);
  });

  it('filters by type, publisher and owner; returns nothing for unknown values', async () => {
    const { eks } = openFixture();
    const names = async (input: Parameters<typeof eks.describeAddonVersions>[0]) =>
      ((await eks.describeAddonVersions(input as object)).addons ?? []).map(({ addonName }) => addonName);
    expect(await names({ types: ['observability'] })).toEqual([
      'adot',
      'amazon-cloudwatch-observability',
      'fluent-bit',
    ]);
    expect(await names({ owners: ['community'] })).toEqual(['cert-manager', 'external-dns', 'fluent-bit']);
    expect(await names({ types: ['security', 'observability'], owners: ['aws'], publishers: ['eks'] })).toEqual([
      'adot',
      'amazon-cloudwatch-observability',
      'eks-pod-identity-agent',
    ]);
    expect([await names({ publishers: ['nobody'] }), await names({ addonName: 'no-such-addon' })]).toEqual([[], []]);
    expect(await names({ kubernetesVersion: '1.20' })).toEqual([]);
  });

  it('returns pages', async () => {
    const { eks, world } = openFixture();
    const seen: (string | undefined)[] = [];
    let nextToken: string | undefined;
    do {
      const page = await eks.describeAddonVersions({ maxResults: 5, nextToken });
      seen.push(...(page.addons ?? []).map(({ addonName }) => addonName));
      nextToken = page.nextToken;
    } while (nextToken !== undefined);
    expect(seen).toEqual([...world.catalogue.keys()].sort());
  });
});

describe('DescribeAddonConfiguration', () => {
  it('returns the schema and the service accounts that support an association', async () => {
    const { eks } = openFixture();
    const answer = await eks.describeAddonConfiguration({ addonName: EBS, addonVersion: 'v1.38.1-eksbuild.1' });
    expect(answer.podIdentityConfiguration).toEqual([
      {
        serviceAccount: EBS_SA,
        recommendedManagedPolicies: ['arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy'],
      },
    ]);
    expect(JSON.parse(answer.configurationSchema ?? '')).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('returns no service accounts for a version without Pod Identity, and supports a withdrawn version', async () => {
    const { eks, world } = openFixture();
    const oldest = world.catalogue.get(EBS)!.versions.at(-1)!;
    oldest.offered = false;
    const answer = await eks.describeAddonConfiguration({ addonName: EBS, addonVersion: oldest.version });
    expect(answer.podIdentityConfiguration).toBeUndefined();
  });

  it('rejects an unknown add-on and an unknown version', async () => {
    const { eks } = openFixture();
    expect(await failureOf(eks.describeAddonConfiguration({ addonName: 'none', addonVersion: 'v1' }))).toMatchObject({
      name: 'InvalidParameterException',
      message: 'Addon specified is not supported',
    });
    expect(await failureOf(eks.describeAddonConfiguration({ addonName: EBS, addonVersion: 'v1' }))).toMatchObject({
      name: 'InvalidParameterException',
      message: 'Addon version specified is not supported',
    });
  });
});

it('ListAddons returns pages by name', async () => {
  const { eks } = openFixture({ addons: [{ name: 'vpc-cni' }, { name: EBS }, { name: 'coredns' }] });
  const first = await eks.listAddons({ clusterName: CLUSTER, maxResults: 2 });
  expect(first.addons).toEqual([EBS, 'coredns']);
  const second = await eks.listAddons({ clusterName: CLUSTER, nextToken: first.nextToken });
  expect([second.addons, second.nextToken]).toEqual([['vpc-cni'], undefined]);
});
