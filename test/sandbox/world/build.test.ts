import { describe, expect, it } from 'vitest';
import { buildWorld, parseScenario, readScenario } from '../../../sandbox/world/load.ts';
import type { KubeObject } from '../../../sandbox/kubernetes/objects.ts';
import type { ClusterState, World } from '../../../sandbox/world/world.ts';
import { ACCOUNT, REGION, ROLE, newWorld, scenarioFile } from '../support.ts';

const ebs = (): ReturnType<typeof readScenario> => readScenario(new URL('../../../sandbox/scenarios/ebs-csi-irsa.json', import.meta.url).pathname);
const onlyCluster = (world: World): ClusterState => [...[...world.accounts.values()][0]!.clusters.values()][0]!;
const objectsOf = (cluster: ClusterState, kind: string): KubeObject[] => [...(cluster.kube.objects.get(kind)?.values() ?? [])];

/** Everything of a world that a caller could ever see, as text. */
const print = (world: World): string =>
  JSON.stringify({ accounts: world.accounts, keys: world.accessKeys, next: world.random.next() }, (_key, value: unknown) => (value instanceof Map ? [...value] : value instanceof Set ? [...value] : value));

describe('buildWorld', () => {
  it('puts clusters, add-ons, roles and keys in place', () => {
    const world = newWorld();
    const cluster = onlyCluster(world);
    expect(world.home).toEqual({ account: ACCOUNT, region: REGION });
    expect(cluster).toMatchObject({ arn: `arn:aws:eks:${REGION}:${ACCOUNT}:cluster/dev`, endpoint: expect.stringMatching(/^https:\/\/[0-9A-F]{32}\.gr7\.eu-west-1\.eks\.amazonaws\.com$/) });
    expect(cluster.oidcIssuer).toBeUndefined();
    expect(cluster.certificateAuthority).toMatch(/^-----BEGIN CERTIFICATE-----\n/);
    expect(cluster.addons.get('aws-ebs-csi-driver')).toMatchObject({ status: 'ACTIVE', namespace: 'kube-system', serviceAccountRoleArn: ROLE, issues: [], associationIds: [] });
    expect(world.accounts.get(ACCOUNT)!.roles.get('ebs-csi')).toMatchObject({ path: '/app/', roleId: expect.stringMatching(/^AROA/) });
  });

  it('makes the same world of the same seed, and another of another', async () => {
    const scenario = await ebs();
    expect(print(buildWorld(scenario))).toBe(print(buildWorld(scenario)));
    expect(print(buildWorld(scenario, { seed: 2 }))).not.toBe(print(buildWorld(scenario)));
  });

  it('gives associations their owner, and the owner its associations', () => {
    const file = scenarioFile();
    file.accounts[0]!.clusters[0]!.associations.push(
      { namespace: 'kube-system', serviceAccount: 'ebs-csi-controller-sa', roleArn: ROLE, owner: 'aws-ebs-csi-driver', createdAt: '2025-07-01T00:00:00.000Z' },
      { id: 'a-12345678901234567', namespace: 'default', serviceAccount: 'app', roleArn: ROLE, createdAt: '2025-07-02T00:00:00.000Z' },
    );
    const cluster = onlyCluster(buildWorld(parseScenario(file, 'test')));
    const addon = cluster.addons.get('aws-ebs-csi-driver')!;
    const [owned, alone] = [...cluster.associations.values()];
    expect(owned).toMatchObject({ id: expect.stringMatching(/^a-[a-z0-9]{17}$/), ownerArn: addon.arn, createdAt: Date.parse('2025-07-01') });
    expect(addon.associationIds).toEqual([owned!.id]);
    expect(alone).toMatchObject({ id: 'a-12345678901234567', arn: `arn:aws:eks:${REGION}:${ACCOUNT}:podidentityassociation/dev/a-12345678901234567` });
    expect(alone!.ownerArn).toBeUndefined();
  });

  it('shows what is wrong with a degraded add-on and puts nothing of a failed one into the cluster', () => {
    const file = scenarioFile();
    Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { status: 'DEGRADED' });
    expect(onlyCluster(buildWorld(parseScenario(file, 'test'))).addons.get('aws-ebs-csi-driver')!.issues).toEqual([expect.objectContaining({ code: 'InsufficientNumberOfReplicas' })]);
    Object.assign(file.accounts[0]!.clusters[0]!.addons[0]!, { status: 'CREATE_FAILED' });
    expect(objectsOf(onlyCluster(buildWorld(parseScenario(file, 'test'))), 'deployments.apps')).toEqual([]);
  });

  it('takes withdrawn versions out of what EKS offers', () => {
    const withdrawn = { ...scenarioFile(), catalogue: [{ addon: 'aws-ebs-csi-driver', withdrawnVersions: ['v1.38.1-eksbuild.1'] }] };
    const offered = (world: World) => world.catalogue.get('aws-ebs-csi-driver')!.versions.filter((version) => version.offered).map((version) => version.version);
    expect(offered(buildWorld(parseScenario(withdrawn, 'test')))).not.toContain('v1.38.1-eksbuild.1');
    expect(offered(newWorld())).toContain('v1.38.1-eksbuild.1');
  });
});

describe('the scenario ebs-csi-irsa', () => {
  const ebsPods = (cluster: ClusterState): KubeObject[] => objectsOf(cluster, 'pods.').filter((pod) => pod.spec?.['serviceAccountName'] === 'ebs-csi-controller-sa');

  it('has pods on IRSA, older than the association that is left over', async () => {
    const cluster = onlyCluster(buildWorld(await ebs()));
    const pods = ebsPods(cluster);
    const [association] = [...cluster.associations.values()];
    expect(association).toMatchObject({ serviceAccount: 'ebs-csi-controller-sa', namespace: 'kube-system' });
    expect(association!.ownerArn).toBeUndefined();
    expect(pods.length).toBeGreaterThan(0);
    for (const pod of pods) {
      expect(Date.parse(pod.metadata.creationTimestamp)).toBeLessThan(association!.createdAt);
      const spec = JSON.stringify(pod.spec);
      expect(spec).toContain('AWS_WEB_IDENTITY_TOKEN_FILE');
      expect(spec).not.toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
    }
  });

  it('is of versions that EKS offers, with settings that the schema allows', async () => {
    const world = buildWorld(await ebs());
    const cluster = onlyCluster(world);
    for (const addon of cluster.addons.values()) {
      const version = world.catalogue.get(addon.name)!.versions.find((one) => one.version === addon.version);
      expect(version).toMatchObject({ offered: true, kubernetesVersions: expect.arrayContaining(['1.31']) });
    }
    const ebsAddon = world.catalogue.get('aws-ebs-csi-driver')!;
    expect(ebsAddon.versions.find((one) => one.version === cluster.addons.get('aws-ebs-csi-driver')!.version)!.podIdentity).toBeDefined();
    const { properties } = JSON.parse(ebsAddon.configurationSchema) as { properties: { controller: { properties: object } } };
    expect(properties.controller.properties).toHaveProperty('extraVolumeTags');
  });
});
