/** What the port reads of workloads, and how it restarts them. */
import { describe, expect, test } from 'vitest';
import { seedAddonObjects } from '../../sandbox/kubernetes/addon-objects.ts';
import {
  associate,
  DEPLOYMENT,
  ebs,
  newDatabaseLab,
  newEbsLab,
  START,
  STATEFUL_SET,
  strategic,
} from '../sandbox/kubernetes/support.ts';
import type { Lab } from '../sandbox/kubernetes/support.ts';
import { answering, kubernetesBy, kubernetesOf } from './kubernetes.ts';

const CONTROLLER = { kind: 'Deployment', namespace: 'kube-system', name: 'ebs-csi-controller' } as const;
const NODE = { kind: 'DaemonSet', namespace: 'kube-system', name: 'ebs-csi-node' } as const;
const patch = (lab: Lab, path: string, spec: object) => lab.call('PATCH', path, { headers: strategic, body: { spec } });
/** What the port reads of a workload of that kind with that specification. */
const readOf = (kind: 'Deployment' | 'DaemonSet' | 'StatefulSet', spec: object) =>
  answering(200, { metadata: { name: 'w', namespace: 'n' }, spec: { template: { spec: {} }, ...spec } }).getWorkload({
    kind,
    namespace: 'n',
    name: 'w',
  });
const DATABASE = { kind: 'StatefulSet', namespace: 'kube-system', name: 'db' } as const;

describe('workloads', () => {
  test('of all kinds, settled at rest', async () => {
    const common = {
      namespace: 'kube-system',
      settled: true,
      observed: true,
      templateAnnotations: {},
      nodeSelector: { 'kubernetes.io/os': 'linux' },
    };
    const pods = (count: number) => ({ desired: count, ready: count, updated: count, total: count });
    const labelled = (app: string) => ({ labels: { app }, templateLabels: { app } });
    const plugin = { name: 'ebs-plugin', image: 'ebs', init: false, env: {}, mounts: [] };
    const managedFields = [
      {
        manager: 'eks',
        fields: expect.arrayContaining(['.spec.template.spec.containers[name="ebs-plugin"].image']) as string[],
      },
    ];
    expect(await kubernetesOf(newDatabaseLab()).listWorkloads('kube-system')).toEqual([
      {
        ...common,
        kind: 'Deployment',
        name: 'ebs-csi-controller',
        serviceAccount: 'ebs-csi-controller-sa',
        ...pods(2),
        rollout: { maxSurge: '25%', maxUnavailable: '25%', progressDeadlineSeconds: 600, graceSeconds: 30 },
        containers: [plugin, { ...plugin, name: 'csi-attacher', image: 'attacher' }],
        ...labelled('ebs-csi-controller'),
        managedFields,
      },
      {
        ...common,
        kind: 'DaemonSet',
        name: 'ebs-csi-node',
        serviceAccount: 'ebs-csi-node-sa',
        ...pods(3),
        rollout: { maxSurge: 0, maxUnavailable: 1, graceSeconds: 30 },
        containers: [plugin],
        ...labelled('ebs-csi-node'),
        managedFields,
      },
      {
        ...common,
        kind: 'StatefulSet',
        name: 'db',
        ...labelled('db'),
        serviceAccount: 'ebs-csi-controller-sa',
        ...pods(3),
        rollout: { graceSeconds: 30 },
        containers: [
          { ...plugin, name: 'main', image: 'db:1' },
          { ...plugin, name: 'exporter', image: 'exporter' },
        ],
        managedFields: [{ manager: 'helm', fields: expect.arrayContaining(['.spec.serviceName']) as string[] }],
      },
    ]);
  });

  test('are asked for in one list of each kind', async () => {
    const urls: string[] = [];
    const kubernetes = kubernetesBy(async ({ url }) => {
      urls.push(url.replace('https://abc.eks.amazonaws.com', ''));
      return { status: 200, headers: {}, body: JSON.stringify({ metadata: {}, items: [] }) };
    });
    await kubernetes.listWorkloads('shop');
    expect(urls).toEqual(
      ['deployments', 'daemonsets', 'statefulsets'].map(
        (plural) => `/apis/apps/v1/namespaces/shop/${plural}?limit=500`,
      ),
    );
  });

  test('have the settings of their rollouts', async () => {
    const lab = newDatabaseLab();
    const kubernetes = kubernetesOf(lab);
    const rollouts = async () => (await kubernetes.listWorkloads('kube-system')).map(({ rollout }) => rollout);
    const template = { spec: { terminationGracePeriodSeconds: 600 } };
    const spec = { minReadySeconds: 20, template };
    await patch(lab, DEPLOYMENT, spec);
    await patch(lab, STATEFUL_SET, { ...spec, updateStrategy: { rollingUpdate: { partition: 2 } } });
    expect(await rollouts()).toEqual([
      { maxSurge: '25%', maxUnavailable: '25%', minReadySeconds: 20, progressDeadlineSeconds: 600, graceSeconds: 600 },
      { maxSurge: 0, maxUnavailable: 1, graceSeconds: 30 },
      { partition: 2, minReadySeconds: 20, graceSeconds: 600 },
    ]);
  });

  const seedOnDelete = (lab: Lab, kind: 'DaemonSet' | 'StatefulSet'): void => {
    const containers = [{ name: 'main', image: 'i' }];
    const plain = { name: 'held', serviceAccount: 'default', labels: { app: 'held' }, containers };
    const addon = { ...ebs, workloads: [{ kind, ...plain, updateStrategy: 'OnDelete' as const }] };
    seedAddonObjects(lab.world, lab.cluster, 'held', addon, { irsaServiceAccounts: [], podsCreatedAt: START });
  };

  test('say why a new template would not reach their pods', async () => {
    const lab = newDatabaseLab();
    const kubernetes = kubernetesOf(lab);
    const reasons = async () =>
      Object.fromEntries(
        (await kubernetes.listWorkloads('kube-system')).map(({ kind, name, heldBack: why }) => [
          `${kind}/${name}`,
          why,
        ]),
      );
    expect(await reasons()).toEqual({
      'Deployment/ebs-csi-controller': undefined,
      'DaemonSet/ebs-csi-node': undefined,
      'StatefulSet/db': undefined,
    });
    for (const workload of await kubernetes.listWorkloads('kube-system'))
      expect(workload).not.toHaveProperty('heldBack');
    await patch(lab, DEPLOYMENT, { paused: true });
    await patch(lab, STATEFUL_SET, { updateStrategy: { rollingUpdate: { partition: 2 } } });
    seedOnDelete(lab, 'DaemonSet');
    seedOnDelete(lab, 'StatefulSet');
    expect(await reasons()).toEqual({
      'Deployment/ebs-csi-controller': 'it is paused',
      'DaemonSet/ebs-csi-node': undefined,
      'DaemonSet/held': 'its update strategy is OnDelete',
      'StatefulSet/db': 'its rolling update has the partition 2',
      'StatefulSet/held': 'its update strategy is OnDelete',
    });
  });

  test.each([
    ['Deployment', { strategy: { type: 'Recreate' }, paused: false }],
    // Not of their kind, or of no consequence.
    ['DaemonSet', { paused: true, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 1 } } }],
    ['StatefulSet', { paused: true, updateStrategy: { type: 'RollingUpdate', rollingUpdate: { partition: 0 } } }],
    ['StatefulSet', { updateStrategy: { rollingUpdate: null } }],
    ['StatefulSet', { updateStrategy: null }],
  ] as const)('of kind %s, with %j, are held back by nothing', async (kind, spec) =>
    expect(await readOf(kind, spec)).not.toHaveProperty('heldBack'),
  );

  test('have the volumes and tokens of their template, and the names of skipped containers unchanged', async () => {
    const token = (path: string, audience?: string) => ({ serviceAccountToken: { path, audience } });
    const metadata = { annotations: { 'eks.amazonaws.com/skip-containers': 'a\nb', other: 'a\nb' } };
    const volumes = [{ name: 'scratch' }, { name: 'own', projected: { sources: [token('x', 'sts'), token('api')] } }];
    const read = await readOf('Deployment', { template: { metadata, spec: { volumes } } });
    expect(read).toMatchObject({
      templateAnnotations: { 'eks.amazonaws.com/skip-containers': 'a\nb' },
      volumes: ['scratch', 'own'],
      tokens: [{ volume: 'own', audience: 'sts', path: 'x' }],
    });
    expect(read?.templateAnnotations['other']).not.toContain('\n');
  });

  test.each([
    ['Deployment', { strategy: { type: 'Recreate' } }, true],
    ['Deployment', { strategy: { type: 'RollingUpdate', rollingUpdate: { maxSurge: 1 } } }, undefined],
    ['Deployment', { strategy: { type: null } }, undefined],
    ['Deployment', { strategy: null }, undefined],
    ['Deployment', {}, undefined],
    // Not of their kind.
    ['StatefulSet', { strategy: { type: 'Recreate' } }, undefined],
    ['DaemonSet', { strategy: { type: 'Recreate' } }, undefined],
  ] as const)('of kind %s, with %j, end all their pods before new ones: %s', async (kind, spec, recreates) =>
    expect((await readOf(kind, spec))?.recreates).toBe(recreates),
  );

  test('of which the API tells no labels and no managers', async () => {
    const workload = { metadata: { name: 'd', namespace: 'n', labels: null }, spec: { template: { spec: {} } } };
    expect(await answering(200, workload).getWorkload(CONTROLLER)).toMatchObject({ labels: {}, managedFields: [] });
  });

  test("a restart is noted under the service's own name", async () => {
    const kubernetes = kubernetesOf(newEbsLab());
    await kubernetes.restartWorkload(CONTROLLER, '01JD/1');
    const { managedFields = [] } = (await kubernetes.getWorkload(CONTROLLER)) ?? {};
    expect(managedFields.find(({ manager }) => manager === 'eks-pod-identity-migrator')?.fields).toContain(
      '.spec.template.metadata.annotations.eks-pod-identity-migrator/restarted-for',
    );
  });

  test('what is not there is undefined', async () =>
    expect(await kubernetesOf(newEbsLab()).getWorkload({ ...CONTROLLER, name: 'nope' })).toBeUndefined());

  test.each([CONTROLLER, NODE, DATABASE])(
    'a restart of the $kind: unsettled from the first moment until the last pod is new and ready',
    async (ref) => {
      const lab = newDatabaseLab();
      associate(lab);
      associate(lab, undefined, 'ebs-csi-node-sa');
      const kubernetes = kubernetesOf(lab);
      await kubernetes.restartWorkload(ref, '01JD/1');
      // The controller has not even seen it: its old counts still look right.
      expect(await kubernetes.getWorkload(ref)).toMatchObject({
        settled: false,
        templateAnnotations: { 'eks-pod-identity-migrator/restarted-for': '01JD/1' },
      });
      let seconds = 0;
      while (!(await kubernetes.getWorkload(ref))?.settled) {
        lab.pass(1);
        seconds += 1;
        expect(seconds).toBeLessThan(120);
      }
      expect(seconds).toBeGreaterThan(20);
      const pods = (await kubernetes.listPods('kube-system')).filter(
        ({ owner, terminating }) => owner?.name === ref.name && !terminating,
      );
      expect(pods.map(({ tokens, ready }) => [tokens[0]?.audience, ready])).toEqual(
        pods.map(() => ['pods.eks.amazonaws.com', true]),
      );
    },
  );

  test('the same marker again restarts nothing, another one does', async () => {
    const lab = newEbsLab();
    const kubernetes = kubernetesOf(lab);
    await kubernetes.restartWorkload(CONTROLLER, 'a');
    await kubernetes.restartWorkload(CONTROLLER, 'a');
    expect(lab.deployment().metadata.generation).toBe(2);
    await kubernetes.restartWorkload(CONTROLLER, 'b');
    expect(lab.deployment().metadata.generation).toBe(3);
  });

  const ALL_NEW = { replicas: 2, updatedReplicas: 2, readyReplicas: 2 };
  test.each([
    ['a surplus pod', { replicas: 3, updatedReplicas: 2, readyReplicas: 2 }, true],
    ['an old pod', { replicas: 2, updatedReplicas: 1, readyReplicas: 2 }, true],
    ['a pod that is not ready', { replicas: 2, updatedReplicas: 2, readyReplicas: 1 }, true],
    ['a template that is not seen yet', { ...ALL_NEW, observedGeneration: 6 }, false],
    ['no status at all', undefined, false],
  ])('is not settled with %s', async (_, status, observed) => {
    const workload = {
      metadata: { name: 'd', namespace: 'n', generation: 7 },
      spec: { replicas: 2, template: { spec: {} } },
      ...(status ? { status: { observedGeneration: 7, ...status } } : {}),
    };
    const unsettled = { desired: 2, settled: false, serviceAccount: 'default' };
    for (const ref of [CONTROLLER, DATABASE])
      expect(await answering(200, workload).getWorkload(ref)).toMatchObject({ ...unsettled, observed });
  });

  test.each([
    ['of no pods, whose counts the API leaves out', 0, { replicas: 0, availableReplicas: 0 }, true],
    ['whose status says nothing of new pods', 2, { replicas: 2, readyReplicas: 2, currentReplicas: 2 }, false],
    ['all of whose pods are new', 2, ALL_NEW, true],
  ])('a StatefulSet %s', async (_, replicas, status, settled) => {
    const workload = {
      metadata: { name: 'd', namespace: 'n', generation: 7 },
      spec: { replicas, template: { spec: {} } },
      status: { observedGeneration: 7, ...status },
    };
    expect(await answering(200, workload).getWorkload(DATABASE)).toMatchObject({ desired: replicas, settled });
  });

  test('of a StatefulSet own their pods themselves', async () => {
    const pods = await kubernetesOf(newDatabaseLab()).listPods('kube-system');
    expect(
      pods.filter(({ owner }) => owner?.kind === 'StatefulSet').map(({ name, owner }) => [name, owner?.name]),
    ).toEqual([
      ['db-0', 'db'],
      ['db-1', 'db'],
      ['db-2', 'db'],
    ]);
  });
});
