/** What a recording keeps of objects that may use a web identity. */
import { readdirSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { keptSpec } from '../../cli/record/consumers.ts';
import { mountedVolumes, mountsOf } from '../../cli/record/mounts.ts';
import { findConsumers } from '../../lambdas/domain/consumers/find.ts';
import { readScenario } from '../../sandbox/build/load.ts';
import type { ScenarioCustomResource } from '../../sandbox/scenario/scenario-cluster.ts';
import { forAll } from '../for-all.ts';

const FOLDER = 'sandbox/scenarios';
const namesFound = (objects: readonly ScenarioCustomResource[]): unknown[] => {
  const groups = Map.groupBy(objects, ({ apiVersion, plural }) => `${plural}.${apiVersion.split('/')[0]}`);
  const read = [...groups].map(([resource, all]) => [
    resource,
    all.map(({ kind, name, namespace, spec }) => ({ kind, metadata: { name, namespace }, spec })),
  ]);
  return findConsumers({ objects: Object.fromEntries(read), unread: [] }, { pods: [] });
};

describe('the kept spec', () => {
  it.each(readdirSync(FOLDER).filter((file) => /consumers|secret-store/.test(file)))(
    'of the objects in %s shows the same consumers',
    async (file) => {
      const { accounts } = await readScenario(`${FOLDER}/${file}`);
      const objects = accounts[0]!.clusters[0]!.customResources;
      const kept = objects.map((one) => ({ ...one, spec: keptSpec(one.spec) }));
      expect(namesFound(objects).length).toBeGreaterThan(0);
      expect(namesFound(kept)).toEqual(namesFound(objects));
    },
  );

  it('has no secret, and nothing else that does not decide', () => {
    const spec = {
      provider: {
        aws: {
          region: 'eu-west-1',
          auth: {
            secretRef: { accessKeyIDSecretRef: { name: 'keys', key: 'id' } },
            jwt: { serviceAccountRef: { name: 'api', token: 's3cret' } },
          },
        },
      },
      data: [{ remoteRef: { key: 'password' }, sourceRef: { storeRef: { kind: 'SecretStore', name: 'aws' } } }],
      secretStoreRefs: [{ labelSelector: { matchLabels: { team: 'shop' } } }],
      password: 's3cret',
    };
    expect(keptSpec(spec)).toEqual({
      provider: { aws: { auth: { jwt: { serviceAccountRef: { name: 'api' } } } } },
      data: [{ sourceRef: { storeRef: { kind: 'SecretStore', name: 'aws' } } }],
      secretStoreRefs: [{ labelSelector: {} }],
    });
  });

  it('of any value is an object, and keeping it again changes nothing', () =>
    forAll(fc.jsonValue(), (value) => {
      const kept = keptSpec(value);
      expect(keptSpec(kept)).toEqual(kept);
    }));
});

describe('the volumes of a workload', () => {
  const volumes = [
    { name: 'assets', persistentVolumeClaim: { claimName: 'assets' }, projected: null, csi: null },
    {
      name: 'secrets',
      csi: { driver: 'secrets-store.csi.k8s.io', volumeAttributes: { secretProviderClass: 'aws' } },
      projected: null,
      persistentVolumeClaim: null,
    },
    {
      name: 'other',
      csi: { driver: 'csi.example.com', volumeAttributes: {} },
      projected: null,
      persistentVolumeClaim: null,
    },
    {
      name: 'token',
      csi: null,
      persistentVolumeClaim: null,
      projected: { sources: [{ serviceAccountToken: { audience: 'sts.amazonaws.com', path: 'token' } }] },
    },
    { name: 'config', csi: null, persistentVolumeClaim: null, projected: null },
  ] as Parameters<typeof mountsOf>[0];
  const mounts = ['assets', 'secrets', 'token'].map((volume) => ({ volume, path: `/${volume}` }));

  it('are claims that the scenario has, classes and tokens, each where it is mounted', () => {
    const kept = mountsOf(volumes);
    const secrets = { name: 'secrets', secretProviderClass: 'aws', mountPath: '/secrets' };
    const token = { name: 'token', token: { audience: 'sts.amazonaws.com', path: 'token' }, mountPath: '/token' };
    expect(mountedVolumes(kept, [{ mounts }], 'shop', new Set(['shop/assets']))).toEqual([
      { name: 'assets', claim: 'assets', mountPath: '/assets' },
      secrets,
      token,
    ]);
    expect(mountedVolumes(kept, [{ mounts }], 'shop', new Set())).toEqual([secrets, token]);
    expect(mountedVolumes(kept, [{ mounts: [] }], 'shop', new Set(['shop/assets']))).toEqual([]);
  });
});
