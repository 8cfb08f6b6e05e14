import { describe, expect, test } from 'vitest';
import type { Budget } from '../../../sandbox/objects/objects.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import {
  DAEMON_SET,
  DEPLOYMENT,
  ebsWith,
  type Lab,
  newDatabaseLab,
  newEbsLab,
  restartPatch,
  STATEFUL_SET,
  strategic,
} from './support.ts';

const BUDGETS = '/apis/policy/v1/namespaces/kube-system/poddisruptionbudgets';
const CONTROLLER = { matchLabels: { app: 'ebs-csi-controller' } };
const VIOLATES = "Cannot evict pod as it would violate the pod's disruption budget.";

const budget = (spec: object, name = 'guard') => ({
  apiVersion: 'policy/v1',
  kind: 'PodDisruptionBudget',
  metadata: { name },
  spec: { selector: CONTROLLER, ...spec },
});
const protect = async (lab: Lab, spec: object, name = 'guard') => {
  expect((await lab.call('POST', BUDGETS, { body: budget(spec, name) })).status).toBe(201);
  lab.pass(1);
};
const statusOf = (lab: Lab, name = 'guard') =>
  (getObject(lab.cluster.kube, 'PodDisruptionBudget', 'kube-system', name) as Budget).status;
const labOf = (replicas: number): Lab => newEbsLab({ objects: ebsWith({ replicas }) });
const active = (lab: Lab, app = 'ebs-csi-controller') => lab.pods(app).filter(isActive);
const evict = (lab: Lab, name: string, body: object = {}, query: Record<string, string> = {}) =>
  lab.call('POST', `/api/v1/namespaces/kube-system/pods/${name}/eviction`, {
    body: { apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name, namespace: 'kube-system' }, ...body },
    query,
  });
const evictFirst = (lab: Lab, ...rest: [object?, Record<string, string>?]) =>
  evict(lab, active(lab).filter(isReady)[0]!.metadata.name, ...rest);

describe('the status of a budget', () => {
  test.each<[string, number, object, { desiredHealthy: number; disruptionsAllowed: number }]>([
    ['minAvailable 2 of 5', 5, { minAvailable: 2 }, { desiredHealthy: 2, disruptionsAllowed: 3 }],
    ['minAvailable above the number of pods', 5, { minAvailable: 7 }, { desiredHealthy: 7, disruptionsAllowed: 0 }],
    ['maxUnavailable 1 of 5', 5, { maxUnavailable: 1 }, { desiredHealthy: 4, disruptionsAllowed: 1 }],
    ['maxUnavailable above the number of pods', 2, { maxUnavailable: 9 }, { desiredHealthy: 0, disruptionsAllowed: 2 }],
  ])('%s', async (_, replicas, spec, expected) => {
    const lab = labOf(replicas);
    await protect(lab, spec);
    const [status, reason] =
      expected.disruptionsAllowed > 0 ? ['True', 'SufficientPods'] : ['False', 'InsufficientPods'];
    const conditions = [{ type: 'DisruptionAllowed', status, reason }];
    const counts = { currentHealthy: replicas, expectedPods: replicas };
    expect(statusOf(lab)).toMatchObject({ ...expected, ...counts, observedGeneration: 1, conditions });
  });

  const by = (...matchExpressions: object[]) => ({ matchExpressions });
  const exists = { key: 'app', operator: 'Exists' };
  const hashed = { key: 'pod-template-hash', operator: 'DoesNotExist' };
  test.each([
    ['without a selector: none', undefined, 0],
    ['with an empty selector: all', {}, 7],
    ['by expressions', by({ key: 'app', operator: 'In', values: ['ebs-csi-node', 'x'] }, hashed), 3],
    ['by expressions that exclude', by({ key: 'app', operator: 'NotIn', values: ['ebs-csi-node'] }, exists), 4],
  ])('counts pods %s', async (_, selector, expectedPods) => {
    const lab = labOf(4);
    await protect(lab, { selector, minAvailable: 0 });
    expect(statusOf(lab)).toMatchObject({ expectedPods, currentHealthy: expectedPods });
  });

  test('allows no eviction for a percentage of a DaemonSet, which cannot be computed', async () => {
    const lab = newEbsLab();
    await protect(lab, { selector: { matchLabels: { app: 'ebs-csi-node' } }, maxUnavailable: 1 });
    expect(statusOf(lab)).toMatchObject({
      disruptionsAllowed: 0,
      conditions: [{ reason: 'SyncFailed', message: 'daemonsets.apps does not implement the scale subresource' }],
    });
    await protect(lab, { selector: { matchLabels: { app: 'ebs-csi-node' } }, minAvailable: 2 }, 'counted');
    expect(statusOf(lab, 'counted')).toMatchObject({ disruptionsAllowed: 1, expectedPods: 3 });
  });
});

describe('POST pods/NAME/eviction', () => {
  test('without a budget, terminates the pod as a deletion does, and the pod is replaced', async () => {
    const lab = labOf(2);
    const [pod] = active(lab);
    const { status, body, described } = await evict(lab, pod!.metadata.name);
    expect(status).toBe(201);
    expect(body).toEqual({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Success', code: 201 });
    expect(described).toEqual([
      'create pods/eviction',
      expect.objectContaining({ namespace: 'kube-system', name: pod!.metadata.name, kind: 'Eviction' }),
    ]);
    expect(pod!.metadata.deletionTimestamp).toBe('2026-01-15T09:00:30Z');
    expect(pod!.status.conditions).toContainEqual(
      expect.objectContaining({ type: 'DisruptionTarget', reason: 'EvictionByEvictionAPI' }),
    );
    lab.pass(30);
    expect(active(lab).filter(isReady)).toHaveLength(2);
    expect(active(lab)).not.toContain(pod);
  });

  test('returns 429 with retry-after for a budget that its controller has not processed', async () => {
    const lab = labOf(3);
    await lab.call('POST', BUDGETS, { body: budget({ maxUnavailable: 3 }) });
    const { status, body, raw } = await evictFirst(lab);
    expect(status).toBe(429);
    expect(body).toMatchObject({
      message: VIOLATES,
      details: {
        retryAfterSeconds: 10,
        causes: [{ message: 'The disruption budget guard is still being processed by the server.' }],
      },
    });
    expect(raw.headers['retry-after']).toBe('10');
    lab.pass(1);
    expect((await evictFirst(lab)).status).toBe(201);
  });

  test('ignores the budget for other pods, and once it is deleted', async () => {
    const lab = labOf(2);
    await protect(lab, { minAvailable: '100%' });
    expect((await evictFirst(lab)).status).toBe(429);
    expect((await evict(lab, active(lab, 'ebs-csi-node')[0]!.metadata.name)).status).toBe(201);
    await lab.call('DELETE', `${BUDGETS}/guard`);
    expect((await evictFirst(lab)).status).toBe(201);
  });

  test('evicts a pod that is not running yet', async () => {
    const lab = labOf(2);
    await protect(lab, { minAvailable: '100%' });
    await lab.call('DELETE', `/api/v1/namespaces/kube-system/pods/${active(lab)[0]!.metadata.name}`);
    lab.pass(1);
    expect((await evict(lab, active(lab).find((pod) => !isReady(pod))!.metadata.name)).status).toBe(201);
  });

  test('applies the grace period of the eviction', async () => {
    const lab = labOf(2);
    const [pod] = active(lab);
    await evict(lab, pod!.metadata.name, { deleteOptions: { gracePeriodSeconds: 0 } });
    expect(lab.pods('ebs-csi-controller')).not.toContain(pod);
  });

  test.each<[string, object, number]>([
    ['another kind', { kind: 'Pod' }, 400],
    ['an unknown version', { apiVersion: 'policy/v2' }, 400],
  ])('rejects %s', async (_, body, code) => {
    const lab = labOf(2);
    expect((await evictFirst(lab, body)).status).toBe(code);
    expect(active(lab)).toHaveLength(2);
  });
});

describe('a cordoned node', () => {
  const cordon = (lab: Lab, name: string, unschedulable: boolean | string | null) =>
    lab.call('PATCH', `/api/v1/nodes/${name}`, { headers: strategic, body: { spec: { unschedulable } } });
  const nodesOf = (lab: Lab) => listObjects(lab.cluster.kube, 'Node').map(({ metadata }) => metadata.name);

  test('gets no new pods of Deployments, and is displayed as SchedulingDisabled', async () => {
    const lab = labOf(6);
    const [first = '', ...others] = nodesOf(lab);
    expect((await cordon(lab, first, true)).body.spec).toMatchObject({ unschedulable: true });
    for (const pod of active(lab).filter(({ spec }) => spec.nodeName === first))
      expect((await evict(lab, pod.metadata.name)).status).toBe(201);
    lab.pass(60);
    expect(active(lab).filter(isReady)).toHaveLength(6);
    expect(new Set(active(lab).map(({ spec }) => spec.nodeName))).toEqual(new Set(others));
    const table = await lab.call('GET', `/api/v1/nodes/${first}`, {
      headers: { accept: 'application/json;as=Table;v=v1;g=meta.k8s.io' },
    });
    expect(table.body['rows']).toMatchObject([
      { cells: expect.arrayContaining([first, 'Ready,SchedulingDisabled', '<none>']) },
    ]);
  });

  test('leaves pods pending until a node is schedulable again', async () => {
    const lab = labOf(2);
    for (const name of nodesOf(lab)) await cordon(lab, name, true);
    await evictFirst(lab);
    lab.pass(60);
    expect(active(lab).filter(isReady)).toHaveLength(1);
    expect(active(lab).find((pod) => !isReady(pod))!.status.conditions).toMatchObject([
      { type: 'PodScheduled', status: 'False', reason: 'Unschedulable' },
    ]);
    const last = nodesOf(lab).at(-1)!;
    await cordon(lab, last, null);
    lab.pass(60);
    expect(active(lab).filter(isReady)).toHaveLength(2);
    expect(active(lab).map(({ spec }) => spec.nodeName)).toContain(last);
    expect(lab.deployment().status).toMatchObject({ readyReplicas: 2 });
  });

  test('rejects a value that is not a boolean', async () => {
    const lab = labOf(2);
    expect((await cordon(lab, nodesOf(lab)[0]!, 'yes')).status).toBe(422);
  });
});

describe('budgets apply only to evictions', () => {
  test.each([
    ['Deployment', DEPLOYMENT, 'ebs-csi-controller', 8],
    ['DaemonSet', DAEMON_SET, 'ebs-csi-node', 3],
    ['StatefulSet', STATEFUL_SET, 'db', 3],
  ])(
    'a rollout of a %s takes as long and replaces the same pods with a budget that allows no disruption',
    async (_, path, app, pods) => {
      const counts = async (guarded: boolean) => {
        const lab = newDatabaseLab({ objects: ebsWith({ replicas: 8 }) });
        if (guarded) await protect(lab, { selector: {}, minAvailable: '100%' });
        else lab.pass(1);
        await lab.call('PATCH', path, { headers: strategic, body: restartPatch('x') });
        const seen: number[][] = [];
        for (let second = 0; second < 120; second += 1) {
          lab.pass(1);
          const found = active(lab, app);
          const restarted = found.filter(({ metadata }) => metadata.annotations?.['restarted'] === 'x');
          seen.push([found.length, found.filter(isReady).length, restarted.length]);
        }
        return seen;
      };
      const free = await counts(false);
      expect(await counts(true)).toEqual(free);
      expect(free.at(-1)?.[0]).toBe(free.at(-1)?.[2]);
      expect(Math.min(...free.map(([, ready]) => ready ?? 0))).toBeLessThan(pods);
    },
  );

  test('a deletion ignores budgets', async () => {
    const lab = labOf(2);
    await protect(lab, { minAvailable: '100%' });
    const path = `/api/v1/namespaces/kube-system/pods/${active(lab)[0]!.metadata.name}`;
    expect((await lab.call('DELETE', path)).status).toBe(200);
  });
});
