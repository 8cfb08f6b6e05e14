/** What is read of a cluster to find consumers: only what it serves, and only what can matter. */
import { describe, expect, it } from 'vitest';
import { CONSUMER_RESOURCES } from '../../../../lambdas/domain/access/consumer-resources.ts';
import { resourceName } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { MigrationError } from '../../../../lambdas/domain/failures/errors.ts';
import type { Pod } from '../../../../lambdas/ports/index.ts';
import { readConsumers } from '../../../../lambdas/use-cases/facts/read-consumers.ts';
import { aSecretStore, CLUSTER_STORES, SECRET_STORES } from '../../consumer-objects.ts';
import { type FakeKubernetes, newFakes } from '../../fakes.ts';
import { aContainer, aPod, target } from '../../fixtures.ts';
import { containing, expectError } from '../../matchers.ts';

const EXTERNAL_SECRETS = 'externalsecrets.external-secrets.io';
const VOLUMES = 'persistentvolumes';
const NO_PODS = { pods: [], removes: false };
const CLASSES = 'secretproviderclasses.secrets-store.csi.x-k8s.io';

/** `listed`: the resources that were asked for, in order. */
async function read(
  prepare: (kubernetes: FakeKubernetes) => unknown,
  pods: Pod[] = [aPod('irsa')],
  removes = false,
): Promise<{ facts: Awaited<ReturnType<typeof readConsumers>>; listed: string[]; calls: number }> {
  const { kubernetes, journal, dependencies } = newFakes();
  prepare(kubernetes);
  const facts = await readConsumers(dependencies.portsFor(target).kubernetes, { pods, removes });
  const listed = journal
    .of('kubernetes.listObjects')
    .map(([kind]) => resourceName(kind as { group: string; plural: string }));
  return { facts, listed, calls: journal.names().length };
}

describe('readConsumers', () => {
  it('makes one call if the cluster has none of the software', async () =>
    expect(await read(() => undefined)).toEqual({ facts: { objects: {}, unread: [] }, listed: [], calls: 1 }));

  it('reads the groups that are served, and keeps of each object what matters', async () => {
    const store = aSecretStore('aws', 'shop', 'cart') as { kind: string; metadata: object; spec: object };
    const { facts, listed } = await read((kubernetes) => {
      kubernetes.objects = { [SECRET_STORES]: [{ ...store, status: { long: 'text' } }], 'issuers.cert-manager.io': [] };
    });
    const { kind, metadata, spec } = store;
    expect(facts.objects).toEqual({
      [SECRET_STORES]: [{ kind, metadata: { ...metadata, labels: undefined }, spec }],
      'issuers.cert-manager.io': [],
    });
    expect(new Set(listed.map((one) => one.split('.').slice(1).join('.')))).toEqual(
      new Set(['external-secrets.io', 'cert-manager.io']),
    );
  });

  it('reads who uses cluster-wide stores only if there are such stores', async () => {
    const without = await read((kubernetes) => (kubernetes.objects = { [SECRET_STORES]: [], [CLUSTER_STORES]: [] }));
    expect(without.listed).not.toContain(EXTERNAL_SECRETS);
    const { listed, facts } = await read(
      (kubernetes) =>
        (kubernetes.objects = { [CLUSTER_STORES]: [{ metadata: { name: 'aws' } }], [EXTERNAL_SECRETS]: [{}] }),
    );
    expect(listed).toContain(EXTERNAL_SECRETS);
    expect(facts.objects[EXTERNAL_SECRETS]).toHaveLength(1);
  });

  it('reads volumes and classes only if a pod mounts some', async () => {
    const serve = (kubernetes: FakeKubernetes): unknown => (kubernetes.objects = { [VOLUMES]: [], [CLASSES]: [] });
    expect((await read(serve)).listed).toEqual([]);
    expect((await read(serve, [aPod('irsa', { claims: ['data'] })])).listed).toEqual([VOLUMES]);
    expect((await read(serve, [aPod('irsa', { secretClasses: ['db'] })])).listed).toEqual([CLASSES]);
  });

  it('reads an older version if the newest is not served, and reports a group of which none is readable', async () => {
    const { facts } = await read((kubernetes) => {
      kubernetes.versions = { 'external-secrets.io': ['v1beta1'], 'cert-manager.io': ['v3'] };
      kubernetes.objects = { [SECRET_STORES]: [{}], 'issuers.cert-manager.io': [{}] };
    });
    expect(facts.objects[SECRET_STORES]).toHaveLength(1);
    expect(facts.unread).toEqual([
      expect.objectContaining({ resource: 'issuers.cert-manager.io', error: containing('can read: v1.') }),
    ]);
    expect(Object.keys(facts.objects)).toEqual([SECRET_STORES]);
  });

  it('distinguishes a resource that is not served from one in an unknown version', async () => {
    const { facts } = await read((kubernetes) => {
      // Neither PushSecrets, which are v1alpha1, nor issuers exist in this cluster.
      kubernetes.versions = { 'external-secrets.io': ['v1'], 'cert-manager.io': ['v3'] };
      kubernetes.objects = { [CLUSTER_STORES]: [{}], 'clusterissuers.cert-manager.io': [] };
    });
    expect(facts.unread).toEqual([]);
    expect(facts.objects).toEqual({ [CLUSTER_STORES]: [expect.anything()], 'clusterissuers.cert-manager.io': [] });
  });

  it.each(['Unauthorised', 'AccessDenied', 'InvalidRequest'] as const)('reports %s, and reads others', async (name) => {
    const { journal, kubernetes, dependencies } = newFakes();
    kubernetes.objects = { [SECRET_STORES]: [{}], 'issuers.cert-manager.io': [{}] };
    journal.refuseNext('kubernetes.listObjects', name, 'may not');
    const facts = await readConsumers(dependencies.portsFor(target).kubernetes, NO_PODS);
    expect(facts.unread).toEqual([{ resource: SECRET_STORES, error: 'may not' }]);
    expect(facts.objects['issuers.cert-manager.io']).toHaveLength(1);
  });

  it('tries each resource if discovery is refused', async () => {
    const { journal, kubernetes, dependencies } = newFakes();
    kubernetes.objects = { [SECRET_STORES]: [{}] };
    journal.refuseNext('kubernetes.listApiGroups', 'AccessDenied', 'may not');
    const facts = await readConsumers(dependencies.portsFor(target).kubernetes, NO_PODS);
    expect(facts).toEqual({ objects: { [SECRET_STORES]: [expect.anything()] }, unread: [] });
    expect(new Set(journal.of('kubernetes.listObjects').map(([kind]) => (kind as { group: string }).group))).toEqual(
      new Set(
        CONSUMER_RESOURCES.map(({ group }) => group).filter(
          (group) => group !== '' && group !== 'secrets-store.csi.x-k8s.io',
        ),
      ),
    );
  });

  it('throws what may be transient, so that it is read again', async () => {
    const { journal, kubernetes, dependencies } = newFakes();
    kubernetes.objects = { [SECRET_STORES]: [{}] };
    journal.refuseNext('kubernetes.listObjects', 'ServiceUnavailable', 'answered 503');
    const reading = readConsumers(dependencies.portsFor(target).kubernetes, NO_PODS);
    await expectError(reading, 'ServiceUnavailable');
  });

  it('reads the version in which objects are stored if they are not converted to the preferred one', async () => {
    const { journal, kubernetes, dependencies } = newFakes();
    kubernetes.objects = { [SECRET_STORES]: [{}, {}] };
    kubernetes.versions = { 'external-secrets.io': ['v1', 'v1beta1'] };
    const gone = new MigrationError('InvalidRequest', 'conversion webhook for external-secrets.io/v1beta1 failed');
    journal.failNext('kubernetes.listObjects', 'before', gone);
    const facts = await readConsumers(dependencies.portsFor(target).kubernetes, NO_PODS);
    expect(facts.unread).toEqual([]);
    expect(facts.objects[SECRET_STORES]).toHaveLength(2);
  });

  it('reads volumes that no pod mounts now if the identity is taken away', async () => {
    const serve = (kubernetes: FakeKubernetes): unknown => (kubernetes.objects = { [VOLUMES]: [], [CLASSES]: [] });
    expect((await read(serve, [], true)).listed).toEqual([VOLUMES, CLASSES]);
  });

  it.each([
    ['pod', ['example.com/aws-mountpoint-s3-csi-driver:v2.1.0']],
    ['driver', undefined],
  ])("reads the driver of volumes with the credentials of the %s's: %j", async (authenticationSource, images) => {
    const csi = { driver: 's3.csi.aws.com', volumeAttributes: { authenticationSource } };
    const ofDriver = (name: string, tag: string, change: Partial<Pod> = {}): Pod =>
      aPod('node-role', {
        namespace: 'kube-system',
        name,
        uid: name,
        containers: [aContainer({ image: `example.com/aws-mountpoint-s3-csi-driver:${tag}` })],
        ...change,
      });
    const { facts } = await read(
      (kubernetes) => {
        kubernetes.objects = { [VOLUMES]: [{ spec: { csi } }] };
        kubernetes.pods.push(
          ofDriver('s3-csi-node-1', 'v2.1.0'),
          ofDriver('s3-csi-node-2', 'v2.1.0'),
          ofDriver('s3-csi-node-0', 'v1.9.0', { phase: 'Failed' }),
          aPod('node-role', { namespace: 'kube-system', name: 'dns', uid: 'dns' }),
        );
      },
      [aPod('irsa', { claims: ['data'] })],
    );
    expect(facts.driverImages).toEqual(images);
  });
});
