import { describe, expect, test } from 'vitest';
import { applyAddonObjects, removeAddonObjects, seedAddonObjects } from '../../../sandbox/kubernetes/addon-objects.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import {
  associate,
  database,
  type Lab,
  merge,
  newDatabaseLab,
  newEbsLab,
  newLab,
  restartPatch,
  START,
  STATEFUL_SET,
  strategic,
} from './support.ts';

const patch = (lab: Lab, spec: object) => lab.call('PATCH', STATEFUL_SET, { headers: strategic, body: { spec } });
const restart = (lab: Lab, value = 'once') =>
  lab.call('PATCH', STATEFUL_SET, { headers: strategic, body: restartPatch(value) });
const remove = (lab: Lab, ordinal: number, grace = 30) =>
  lab.call('DELETE', `/api/v1/namespaces/kube-system/pods/db-${ordinal}`, {
    query: { gracePeriodSeconds: String(grace) },
  });

/**
 * Returns `db-0 new` for each pod in order: whether it has the newest template's value, and whether it is not ready or
 * terminating.
 */
const podCounts = (lab: Lab, value = 'once'): string[] =>
  lab
    .pods('db')
    .map(
      (pod) =>
        `${pod.metadata.name} ${pod.metadata.annotations?.['restarted'] === value ? 'new' : 'old'}${isActive(pod) ? (isReady(pod) ? '' : ' starting') : ' ending'}`,
    )
    .sort((a, b) => a.localeCompare(b));
/** Returns the pod counts of each second in which it changed. */
const watch = (lab: Lab, seconds: number): string[] => {
  const seen: string[] = [];
  for (let second = 0; second < seconds; second += 1) {
    lab.pass(1);
    const now = podCounts(lab).join(', ');
    if (seen.at(-1) !== now) seen.push(now);
  }
  return seen;
};
const names = (lab: Lab): string[] => lab.pods('db').map(({ metadata }) => metadata.name);

describe('an initial StatefulSet', () => {
  test("has ready pods with ordinals, which it controls itself, and Kubernetes' labels", () => {
    const lab = newDatabaseLab();
    const { metadata, status } = lab.statefulSet();
    const revision = String(status?.['currentRevision']);
    expect(revision).toMatch(/^db-[a-z0-9]+$/);
    const ready = { replicas: 3, availableReplicas: 3, readyReplicas: 3, currentReplicas: 3, updatedReplicas: 3 };
    const revisions = { currentRevision: revision, updateRevision: revision };
    expect(status).toEqual({ observedGeneration: 1, ...ready, ...revisions, collisionCount: 0 });
    expect(podCounts(lab)).toEqual(['db-0 old', 'db-1 old', 'db-2 old']);
    expect(lab.pods('db')[1]).toMatchObject({
      metadata: {
        name: 'db-1',
        generateName: 'db-',
        creationTimestamp: '2026-01-14T09:00:00Z',
        labels: {
          app: 'db',
          'controller-revision-hash': revision,
          'statefulset.kubernetes.io/pod-name': 'db-1',
          'apps.kubernetes.io/pod-index': '1',
        },
        ownerReferences: [
          { apiVersion: 'apps/v1', kind: 'StatefulSet', name: 'db', uid: metadata.uid, controller: true },
        ],
      },
      spec: { hostname: 'db-1', subdomain: 'db', serviceAccountName: 'ebs-csi-controller-sa' },
    });
    // The pods are spread over all nodes.
    expect(new Set(lab.pods('db').map(({ spec }) => spec.nodeName)).size).toBe(3);
  });

  test('has managed fields, and a history of ready pods', async () => {
    const lab = newDatabaseLab();
    expect((await lab.call('GET', STATEFUL_SET)).body.metadata).toMatchObject({
      managedFields: [
        { manager: 'helm', operation: 'Apply', fieldsV1: { 'f:spec': { 'f:serviceName': {} } } },
        {
          manager: 'kube-controller-manager',
          subresource: 'status',
          fieldsV1: { 'f:status': { 'f:readyReplicas': {} } },
        },
      ],
    });
    const last = { at: START, namespace: 'kube-system', kind: 'StatefulSet', workload: 'db', ready: 3 };
    expect(lab.cluster.kube.readyHistory.at(-1)).toEqual(last);
  });

  test('creates no further pods if no node fits the first', () => {
    const lab = newDatabaseLab({ nodes: 0 });
    expect(podCounts(lab)).toEqual(['db-0 old starting']);
    expect(lab.statefulSet().status).toMatchObject({ replicas: 1, availableReplicas: 0, currentReplicas: 1 });
    expect(lab.statefulSet().status).not.toHaveProperty('readyReplicas');
  });
});

describe('pods of a StatefulSet', () => {
  test('are created one by one, each once the previous one is ready', () => {
    const lab = newLab();
    applyAddonObjects(lab.world, lab.cluster, 'db', database(), { irsaServiceAccounts: [], restart: false });
    expect(watch(lab, 45)).toEqual([
      'db-0 old starting',
      'db-0 old, db-1 old starting',
      'db-0 old, db-1 old, db-2 old starting',
      'db-0 old, db-1 old, db-2 old',
    ]);
  });

  test('are all created at once with the policy Parallel', async () => {
    const lab = newDatabaseLab();
    lab.statefulSet().spec.podManagementPolicy = 'Parallel';
    await patch(lab, { replicas: 5 });
    expect(watch(lab, 30)).toEqual([
      'db-0 old, db-1 old, db-2 old, db-3 old starting, db-4 old starting',
      'db-0 old, db-1 old, db-2 old, db-3 old, db-4 old',
    ]);
    await patch(lab, { replicas: 0 });
    lab.pass(1);
    expect(podCounts(lab).every((pod) => pod.endsWith('ending'))).toBe(true);
    lab.pass(5);
    const revision = expect.any(String) as string;
    const revisions = { currentRevision: revision, updateRevision: revision, collisionCount: 0 };
    expect(lab.statefulSet().status).toEqual({
      observedGeneration: 3,
      replicas: 0,
      availableReplicas: 0,
      ...revisions,
    });
  });

  test('are not scaled down while a remaining pod is not ready', async () => {
    const lab = newDatabaseLab();
    await remove(lab, 0);
    await patch(lab, { replicas: 1 });
    expect(watch(lab, 30)).toEqual([
      'db-0 old ending, db-1 old, db-2 old',
      'db-1 old, db-2 old',
      'db-0 old starting, db-1 old, db-2 old',
      'db-0 old, db-1 old, db-2 old ending',
      'db-0 old, db-1 old ending',
      'db-0 old',
    ]);
  });

  test('are recreated with the same name, and with the identity of that time', async () => {
    const lab = newDatabaseLab();
    associate(lab);
    const before = lab.pods('db')[0]!;
    await remove(lab, 0, 0);
    lab.pass(1);
    expect(podCounts(lab)).toEqual(['db-0 old starting', 'db-1 old', 'db-2 old']);
    const after = lab.pods('db').find(({ metadata }) => metadata.name === 'db-0')!;
    expect(after.metadata.uid).not.toBe(before.metadata.uid);
    expect(JSON.stringify(before.spec)).toContain('AWS_ROLE_ARN');
    expect(JSON.stringify(after.spec)).toContain('AWS_CONTAINER_CREDENTIALS_FULL_URI');
    lab.pass(15);
    expect(lab.statefulSet().status).toMatchObject({ readyReplicas: 3 });
    const history = lab.cluster.kube.readyHistory.filter(({ workload }) => workload === 'db');
    expect(history.map(({ ready }) => ready)).toEqual([3, 2, 3]);
  });

  test('of a recreated StatefulSet wait until the name is free', () => {
    const lab = newDatabaseLab();
    removeAddonObjects(lab.world, lab.cluster, 'db', database());
    applyAddonObjects(lab.world, lab.cluster, 'db', database(), { irsaServiceAccounts: [], restart: false });
    lab.pass(1);
    expect(podCounts(lab)).toEqual(['db-0 old ending', 'db-1 old ending', 'db-2 old ending']);
    expect(lab.statefulSet().status).toMatchObject({ replicas: 0 });
    lab.pass(60);
    expect(podCounts(lab)).toEqual(['db-0 old', 'db-1 old', 'db-2 old']);
    expect(lab.statefulSet().status).toMatchObject({ readyReplicas: 3 });
  });

  test('run on Fargate if a profile selects them', () => {
    const lab = newLab();
    lab.cluster.fargateProfiles = [{ name: 'data', namespace: 'kube-system', labels: { app: 'db' } }];
    const [node] = listObjects(lab.cluster.kube, 'Node');
    node!.metadata.labels = { ...node!.metadata.labels, 'eks.amazonaws.com/compute-type': 'fargate' };
    seedAddonObjects(lab.world, lab.cluster, 'db', database(), { irsaServiceAccounts: [], podsCreatedAt: START });
    expect(lab.pods('db')).toHaveLength(3);
    for (const { metadata, spec } of lab.pods('db')) {
      expect(metadata.labels).toMatchObject({ 'eks.amazonaws.com/fargate-profile': 'data' });
      expect(spec.nodeName).toBe(node!.metadata.name);
    }
  });
});

test('rolling restart of a StatefulSet waits indefinitely for a pod that does not become ready', async () => {
  const lab = newDatabaseLab();
  const [first] = lab.pods('db');
  getObject(lab.cluster.kube, 'Node', undefined, first!.spec.nodeName!)!.spec = { unschedulable: true };
  for (const node of listObjects(lab.cluster.kube, 'Node')) node.spec = { ...node.spec, unschedulable: true };
  await restart(lab);
  lab.pass(600);
  expect(podCounts(lab)).toEqual(['db-0 old', 'db-1 old', 'db-2 new starting']);
});

describe('PATCH of a StatefulSet', () => {
  test.each([
    [
      'its service',
      { serviceName: 'other' },
      "spec: Forbidden: updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden",
    ],
    ['the policy', { podManagementPolicy: 'Parallel' }, 'spec: Forbidden: updates to statefulset spec'],
    ['the selector', { selector: { matchLabels: { app: 'x' } } }, 'spec: Forbidden: updates to statefulset spec'],
    [
      'OnDelete together with a partition',
      { updateStrategy: { type: 'OnDelete' } },
      "spec.updateStrategy.rollingUpdate: Invalid value: apps.RollingUpdateStatefulSetStrategy{Partition:0, MaxUnavailable:(*intstr.IntOrString)(nil)}: only allowed for updateStrategy 'RollingUpdate'",
    ],
    [
      'a partition below 0',
      { updateStrategy: { rollingUpdate: { partition: -1 } } },
      'spec.updateStrategy.rollingUpdate.partition',
    ],
    [
      'labels that the selector does not match',
      { template: { metadata: { labels: { app: 'x' } } } },
      '`selector` does not match template `labels`',
    ],
  ])('is rejected for %s', async (_, spec, message) => {
    const lab = newDatabaseLab();
    const { status, body } = await lab.call('PATCH', STATEFUL_SET, { headers: merge, body: { spec } });
    expect(status).toBe(422);
    expect(body.message).toContain(message);
  });

  test("uses the API's default for replicas", async () => {
    const lab = newDatabaseLab();
    await lab.call('PATCH', STATEFUL_SET, { headers: merge, body: { spec: { replicas: null } } });
    lab.pass(30);
    expect(names(lab)).toEqual(['db-0']);
  });
});

test('clusters without a StatefulSet list none', async () =>
  expect((await newEbsLab().call('GET', '/apis/apps/v1/statefulsets')).body).toMatchObject({
    kind: 'StatefulSetList',
    items: [],
  }));
