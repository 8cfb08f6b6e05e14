/** The API's defaults, which objects get when they are read. */
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { withDefaults } from '../../../sandbox/kubernetes/defaults/with-defaults.ts';
import { newKubeState } from '../../../sandbox/objects/new-kube-state.ts';
import type { KubeObject } from '../../../sandbox/objects/objects.ts';
import { words } from '../../words.ts';
import { forAll } from '../../for-all.ts';

const clusterOf = (version: string) => ({ version, kube: newKubeState() });

let versions = 0;
const objectOf = (kind: string, rest: Partial<KubeObject>): KubeObject => ({
  apiVersion: kind === 'Pod' ? 'v1' : 'apps/v1',
  kind,
  ...rest,
  metadata: {
    name: 'web',
    namespace: 'shop',
    uid: '6a4c9be4-6b45-4b9b-b7a0-1a3f3d4f4f10',
    resourceVersion: String((versions += 1)),
    creationTimestamp: '2026-01-15T09:00:00Z',
    ...rest.metadata,
  },
});
const podOf = (spec: Record<string, unknown>, metadata: Partial<KubeObject['metadata']> = {}): KubeObject =>
  objectOf('Pod', {
    metadata: metadata as KubeObject['metadata'],
    spec: { containers: [{ name: 'web', image: 'web' }], ...spec },
    status: { phase: 'Pending', conditions: [] },
  });
interface Toleration {
  key?: string;
}
interface ServedSpec {
  [name: string]: unknown;
  containers: Record<string, unknown>[];
  tolerations: Toleration[];
  volumes: Record<string, unknown>[];
}
interface Served {
  metadata: KubeObject['metadata'];
  spec: ServedSpec;
  status: Record<string, unknown>;
}
// An object of a kind has the members of the kind.
const served = (object: KubeObject, version = '1.33'): Served =>
  withDefaults(clusterOf(version), object) as unknown as Served;

describe('containers', () => {
  const policyOf = (image: string): unknown =>
    served(podOf({ containers: [{ name: 'web', image }] })).spec.containers[0]?.['imagePullPolicy'];

  test.each([
    ['web', 'Always'],
    ['registry.example.com:5000/web', 'Always'],
    ['registry.example.com/web:latest', 'Always'],
    ['registry.example.com/web:latest@sha256:0123', 'Always'],
    ['registry.example.com:5000/web:1.2', 'IfNotPresent'],
    ['web@sha256:0123', 'IfNotPresent'],
  ])('with the image %s are pulled %s', (image, policy) => expect(policyOf(image)).toBe(policy));

  test('have defaults for ports, probes, handlers and variables from fields', () => {
    const container = {
      name: 'web',
      image: 'web:1',
      ports: [{ containerPort: 80 }],
      env: [{ name: 'NODE', valueFrom: { fieldRef: { fieldPath: 'spec.nodeName' } } }],
      livenessProbe: { httpGet: { port: 80 }, periodSeconds: 5 },
      lifecycle: { preStop: { httpGet: { port: 81, path: '/stop' } } },
    };
    expect(served(podOf({ containers: [container] })).spec.containers[0]).toEqual({
      ...container,
      ports: [{ containerPort: 80, protocol: 'TCP' }],
      env: [{ name: 'NODE', valueFrom: { fieldRef: { apiVersion: 'v1', fieldPath: 'spec.nodeName' } } }],
      livenessProbe: {
        httpGet: { port: 80, path: '/', scheme: 'HTTP' },
        periodSeconds: 5,
        timeoutSeconds: 1,
        successThreshold: 1,
        failureThreshold: 3,
      },
      lifecycle: { preStop: { httpGet: { port: 81, path: '/stop', scheme: 'HTTP' } } },
      resources: {},
      terminationMessagePath: '/dev/termination-log',
      terminationMessagePolicy: 'File',
      imagePullPolicy: 'IfNotPresent',
    });
  });

  test('of a pod decide its quality of service', () => {
    const classOf = (resources: object): unknown =>
      served(podOf({ containers: [{ name: 'web', image: 'web', resources }] })).status['qosClass'];
    expect([classOf({}), classOf({ requests: { cpu: '1' } })]).toEqual(['BestEffort', 'Burstable']);
    expect(classOf({ limits: { cpu: '1', memory: '1Gi' } })).toBe('Guaranteed');
  });
});

describe('pods', () => {
  const daemonPod = (spec: Record<string, unknown>): ServedSpec =>
    served(
      podOf(spec, {
        ownerReferences: [{ apiVersion: 'apps/v1', kind: 'DaemonSet', name: 'agent', uid: 'u', controller: true }],
      }),
    ).spec;
  const keysOf = (tolerations: Toleration[]): (string | undefined)[] =>
    tolerations.map(({ key }) => key?.replace('node.kubernetes.io/', ''));

  test('have what admission adds: their priority, and tolerations of the loss of their node', () => {
    const { spec } = served(podOf({ priorityClassName: 'system-node-critical' }));
    expect(spec).toMatchObject({ priority: 2_000_001_000, serviceAccountName: 'default', enableServiceLinks: true });
    expect(spec.tolerations).toMatchObject([
      { key: 'node.kubernetes.io/not-ready', tolerationSeconds: 300 },
      { key: 'node.kubernetes.io/unreachable', tolerationSeconds: 300 },
    ]);
  });

  test('keep tolerations of their own in place of these', () => {
    const everything = [{ operator: 'Exists' }];
    expect(served(podOf({ tolerations: everything })).spec.tolerations).toEqual(everything);
    const own = [
      { key: 'node.kubernetes.io/not-ready', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 5 },
    ];
    expect(keysOf(served(podOf({ tolerations: own })).spec.tolerations)).toEqual(['not-ready', 'unreachable']);
  });

  test('of a DaemonSet tolerate pressure, and are bound to their node', () => {
    const spec = daemonPod({ nodeName: 'node-1', hostNetwork: true });
    expect(keysOf(spec.tolerations)).toEqual(words`
      not-ready unreachable disk-pressure memory-pressure pid-pressure unschedulable network-unavailable
    `);
    const terms = [{ matchFields: [{ key: 'metadata.name', operator: 'In', values: ['node-1'] }] }];
    const requiredDuringSchedulingIgnoredDuringExecution = { nodeSelectorTerms: terms };
    expect(spec['affinity']).toEqual({ nodeAffinity: { requiredDuringSchedulingIgnoredDuringExecution } });
    expect(keysOf(daemonPod({ nodeName: 'node-1' }).tolerations)).not.toContain('network-unavailable');
  });

  test('have a generation from 1.33', () => {
    expect(served(podOf({}), '1.32').metadata.generation).toBeUndefined();
    expect(served(podOf({})).metadata.generation).toBe(1);
    expect(served(podOf({}, { deletionTimestamp: '2026-01-15T09:00:30Z' })).metadata.generation).toBe(2);
  });

  test('get different container IDs for each start, and one image ID for each image', () => {
    const statusOf = (restartCount: number, state: object): Record<string, unknown> => {
      const { status } = served({
        ...podOf({}),
        status: { conditions: [], containerStatuses: [{ name: 'web', image: 'r:5000/web:1', restartCount, state }] },
      });
      return (status['containerStatuses'] as [Record<string, unknown>])[0];
    };
    const [first, second] = [statusOf(0, { running: {} }), statusOf(1, { running: {} })];
    expect(first['imageID']).toMatch(/^r:5000\/web@sha256:[0-9a-f]{64}$/);
    expect(second['imageID']).toBe(first['imageID']);
    expect(first['containerID']).toMatch(/^containerd:\/\/[0-9a-f]{64}$/);
    expect(second['containerID']).not.toBe(first['containerID']);
    expect(statusOf(0, { waiting: { reason: 'ContainerCreating' } })).not.toHaveProperty('containerID');
  });
});

describe('volumes', () => {
  test.each([
    [{ projected: { sources: [{ serviceAccountToken: { path: 'token' } }] } }],
    [{ secret: { secretName: 'a' } }],
    [{ configMap: { name: 'a' } }],
    [{ downwardAPI: { items: [] } }],
  ])('have a mode: %j', (volume) => {
    const [filled] = served(podOf({ volumes: [{ name: 'v', ...volume }] })).spec.volumes;
    expect(filled?.[Object.keys(volume)[0]!]).toMatchObject({ defaultMode: 0o644 });
  });

  test('without a source are empty directories', () =>
    expect(served(podOf({ volumes: [{ name: 'v' }] })).spec.volumes).toEqual([{ name: 'v', emptyDir: {} }]));
});

describe('workloads', () => {
  const spec = { template: { metadata: { labels: { app: 'web' } }, spec: { containers: [] } } };
  const specOf = (kind: string, version: string, more: object = {}): ServedSpec =>
    served(objectOf(kind, { spec: { ...spec, ...more } }), version).spec;
  const rollingOf = (kind: string, version: string): unknown =>
    (specOf(kind, version)['updateStrategy'] as { rollingUpdate: unknown }).rollingUpdate;
  const metadataOf = (version: string): unknown =>
    (specOf('Deployment', version)['template'] as { metadata: unknown }).metadata;

  test('have defaults of their kind', () => {
    expect(specOf('Deployment', '1.33')).toMatchObject({
      replicas: 1,
      progressDeadlineSeconds: 600,
      strategy: { type: 'RollingUpdate', rollingUpdate: { maxUnavailable: '25%', maxSurge: '25%' } },
    });
    expect(specOf('Deployment', '1.33', { strategy: { type: 'Recreate' } })['strategy']).toEqual({ type: 'Recreate' });
    expect(rollingOf('DaemonSet', '1.33')).toEqual({ maxUnavailable: 1, maxSurge: 0 });
    expect(specOf('StatefulSet', '1.33', { updateStrategy: { type: 'OnDelete' } })['updateStrategy']).toEqual({
      type: 'OnDelete',
    });
  });

  test('have the defaults of their version', () => {
    expect(metadataOf('1.33')).toEqual({ creationTimestamp: null, labels: { app: 'web' } });
    expect(metadataOf('1.34')).toEqual({ labels: { app: 'web' } });
    expect(rollingOf('StatefulSet', '1.34')).toEqual({ partition: 0 });
    // The feature gate of `maxUnavailable` is off in 1.35.4.
    expect(rollingOf('StatefulSet', '1.35')).toEqual({ partition: 0 });
    expect(specOf('StatefulSet', '1.26')).not.toHaveProperty('persistentVolumeClaimRetentionPolicy');
  });
});

test('an object of a new version gets its defaults again, and the stored one never changes', () => {
  const cluster = clusterOf('1.33');
  const pod = podOf({});
  const before = structuredClone(pod);
  const first = withDefaults(cluster, pod);
  expect(withDefaults(cluster, pod)).toBe(first);
  expect(pod).toEqual(before);
  pod.spec = { ...pod.spec, schedulerName: 'mine' };
  pod.metadata.resourceVersion += '0';
  expect(withDefaults(cluster, pod).spec).toMatchObject({ schedulerName: 'mine' });
});

test('property: defaults are added to what they have filled without any effect, and replace nothing that is given', () => {
  const container = fc.record(
    { name: fc.constant('web'), image: fc.constantFrom('web', 'web:1'), imagePullPolicy: fc.constant('Never') },
    { requiredKeys: ['name', 'image'] },
  );
  const spec = fc.record(
    {
      containers: fc.array(container, { maxLength: 2 }),
      restartPolicy: fc.constant('Never'),
      terminationGracePeriodSeconds: fc.constantFrom(0, 5),
      tolerations: fc.constant([{ operator: 'Exists' }]),
      volumes: fc.constantFrom([], [{ name: 'v' }], [{ name: 'v', secret: { secretName: 's', defaultMode: 256 } }]),
    },
    { requiredKeys: ['containers'] },
  );
  forAll(spec, (given) => {
    const once = served(podOf(given));
    expect(served(objectOf('Pod', { spec: once.spec, status: once.status })).spec).toEqual(once.spec);
    expect(once.spec).toMatchObject(given);
  });
});
