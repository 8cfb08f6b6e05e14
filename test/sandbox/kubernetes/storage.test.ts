/** Persistent volumes, their claims, and what pods mount of them. */
import { describe, expect, it } from 'vitest';
import { ScenarioError } from '../../../sandbox/build/load.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import type { ScenarioInput } from '../../../sandbox/scenario/scenario.ts';
import { ACCOUNT, clusterWorld } from '../support.ts';
import { newEntry, newLab } from './support.ts';
import { seedPersistentVolumes } from '../../../sandbox/build/build-storage.ts';

type ClusterInput = NonNullable<ScenarioInput['accounts'][number]['clusters']>[number];
const VOLUME = {
  name: 'assets',
  driver: 's3.csi.aws.com',
  volumeAttributes: { bucketName: 'assets' },
  claim: { namespace: 'shop', name: 'assets' },
};
const WORKLOAD = { kind: 'Deployment' as const, namespace: 'shop', name: 'web' };
const built = (cluster: Partial<ClusterInput>) => clusterWorld(cluster).cluster;
const problemsOf = (cluster: Partial<ClusterInput>): string => {
  try {
    built(cluster);
  } catch (error) {
    if (error instanceof ScenarioError) return error.message;
    throw error;
  }
  throw new Error('It has no problem.');
};

describe('persistent volumes', () => {
  it('are bound to their claims, and listed for kubectl', async () => {
    const lab = newLab({ nodes: 1 });
    seedPersistentVolumes(lab.cluster, [
      VOLUME,
      { name: 'spare', driver: 'ebs.csi.aws.com', volumeHandle: 'vol-1', volumeAttributes: {} },
    ]);
    expect((await lab.call('GET', '/api/v1/persistentvolumes')).body.items).toMatchObject([
      {
        metadata: { name: 'assets' },
        spec: {
          csi: { driver: 's3.csi.aws.com', volumeHandle: 'assets', volumeAttributes: { bucketName: 'assets' } },
          claimRef: { kind: 'PersistentVolumeClaim', namespace: 'shop', name: 'assets' },
        },
        status: { phase: 'Bound' },
      },
      { metadata: { name: 'spare' }, spec: { csi: { volumeHandle: 'vol-1' } }, status: { phase: 'Available' } },
    ]);
    const claims = '/api/v1/namespaces/shop/persistentvolumeclaims';
    expect((await lab.call('GET', `${claims}/assets`)).body).toMatchObject({
      kind: 'PersistentVolumeClaim',
      spec: { volumeName: 'assets' },
    });
    const headers = { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' };
    expect((await lab.call('GET', '/api/v1/persistentvolumes', { headers })).body).toMatchObject({
      rows: [
        { cells: ['assets', '1Gi', 'RWX', 'Retain', 'Bound', 'shop/assets', '', '<unset>', '', '100d', 'Filesystem'] },
        { cells: ['spare', '1Gi', 'RWX', 'Retain', 'Available', '', '', '<unset>', '', '100d', 'Filesystem'] },
      ],
    });
    expect((await lab.call('GET', claims, { headers })).body).toMatchObject({
      rows: [{ cells: ['assets', 'Bound', 'assets', '1Gi', 'RWX', '', '<unset>', '100d', 'Filesystem'] }],
    });
    expect((await lab.call('GET', '/api/v1')).text).toContain('"persistentvolumes"');
  });

  it('need rights of their own: AmazonEKSViewPolicy has claims, but not volumes', async () => {
    const lab = newLab({ nodes: 1 });
    seedPersistentVolumes(lab.cluster, [VOLUME]);
    const who = `arn:aws:iam::${ACCOUNT}:role/who`;
    lab.cluster.accessEntries.set(who, newEntry(who, { policies: ['AmazonEKSViewPolicy'] }));
    const status = async (path: string): Promise<number> => (await lab.call('GET', path, { as: who })).status;
    expect(await status('/api/v1/persistentvolumeclaims')).toBe(200);
    expect(await status('/api/v1/persistentvolumes')).toBe(403);
  });

  it('have unique names and claims', () => {
    expect(problemsOf({ persistentVolumes: [VOLUME, VOLUME] })).toMatch(/the PersistentVolume assets occurs twice/);
    expect(problemsOf({ persistentVolumes: [VOLUME, { ...VOLUME, name: 'b' }] })).toMatch(
      /the claim shop\/assets is bound to another volume/,
    );
  });
});

describe('the volumes of a workload', () => {
  it('are in its template and its pods, with a mount in each container', () => {
    const { kube } = built({
      persistentVolumes: [VOLUME],
      workloads: [
        {
          ...WORKLOAD,
          containers: ['web', 'proxy'].map((name) => ({ name, image: name })),
          volumes: [
            { name: 'assets', mountPath: '/assets', claim: 'assets' },
            { name: 'secrets', mountPath: '/secrets', secretProviderClass: 'aws' },
            { name: 'token', mountPath: '/token', token: { audience: 'sts.amazonaws.com' } },
          ],
        },
      ],
    });
    const [pod] = listObjects(kube, 'Pod', 'shop');
    expect(pod!.spec.volumes).toEqual([
      { name: 'assets', persistentVolumeClaim: { claimName: 'assets' } },
      {
        name: 'secrets',
        csi: { driver: 'secrets-store.csi.k8s.io', readOnly: true, volumeAttributes: { secretProviderClass: 'aws' } },
      },
      {
        name: 'token',
        projected: {
          sources: [{ serviceAccountToken: { audience: 'sts.amazonaws.com', path: 'token', expirationSeconds: 3600 } }],
        },
      },
      expect.objectContaining({ name: expect.stringMatching(/^kube-api-access-/) }),
    ]);
    for (const { volumeMounts = [] } of pod!.spec.containers)
      expect(volumeMounts.map(({ name }) => name).slice(0, 3)).toEqual(['assets', 'secrets', 'token']);
  });

  it.each<[object[], RegExp]>([
    [[{ name: 'a', mountPath: '/a' }], /needs exactly one of claim, secretProviderClass, token/],
    [[{ name: 'a', mountPath: '/a', claim: 'b', secretProviderClass: 'c' }], /needs exactly one of/],
    [[{ name: 'a', mountPath: 'a', secretProviderClass: 'c' }], /must be an absolute path/],
    [[{ name: 'a', mountPath: '/a', token: { path: '../x' } }], /must be a relative path/],
    [[{ name: 'a', mountPath: '/a', claim: 'none' }], /no PersistentVolume has the claim shop\/none/],
    [
      [
        { name: 'a', mountPath: '/a', token: {} },
        { name: 'a', mountPath: '/b', token: {} },
      ],
      /the volume a occurs twice/,
    ],
    [
      [
        { name: 'a', mountPath: '/a', token: {} },
        { name: 'b', mountPath: '/a', token: {} },
      ],
      /the mount path \/a occurs twice/,
    ],
  ])('are checked: %j', (volumes, message) =>
    expect(problemsOf({ workloads: [{ ...WORKLOAD, volumes } as never] })).toMatch(message),
  );
});

describe('definitions of custom resources', () => {
  const STORES = {
    group: 'external-secrets.io',
    versions: ['v1', 'v1beta1'],
    plural: 'secretstores',
    kind: 'SecretStore',
  };

  it('are served with all versions, with and without objects', () => {
    const { kube } = built({
      customResourceDefinitions: [
        STORES,
        { ...STORES, plural: 'clustersecretstores', kind: 'ClusterSecretStore', namespaced: false },
      ],
      customResources: [
        {
          apiVersion: 'external-secrets.io/v1beta1',
          kind: 'SecretStore',
          plural: 'secretstores',
          namespace: 'shop',
          name: 'aws',
          labels: { team: 'shop' },
          annotations: { note: 'x' },
        },
      ],
    });
    expect(kube.customKinds.get('secretstores.external-secrets.io')).toMatchObject({ versions: ['v1', 'v1beta1'] });
    expect(kube.customKinds.get('clustersecretstores.external-secrets.io')).toMatchObject({ namespaced: false });
    expect([...kube.objects.get('secretstores.external-secrets.io')!.values()]).toMatchObject([
      { metadata: { name: 'aws', labels: { team: 'shop' }, annotations: { note: 'x' } } },
    ]);
  });

  it('agree with the objects, and are there once', () => {
    const object = { apiVersion: 'external-secrets.io/v2', kind: 'SecretStore', plural: 'secretstores', name: 'aws' };
    const message = problemsOf({ customResourceDefinitions: [STORES], customResources: [object] });
    expect(message).toMatch(/are served in external-secrets.io\/v1, external-secrets.io\/v1beta1/);
    expect(message).toMatch(/have a namespace. Add it/);
    expect(problemsOf({ customResourceDefinitions: [STORES, STORES] })).toMatch(/are defined twice/);
  });
});
