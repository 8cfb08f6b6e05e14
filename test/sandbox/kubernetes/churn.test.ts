/** Changes in a cluster that no operation causes: lost nodes, autoscalers, budgets, and pods with varying readiness. */
import { describe, expect, test } from 'vitest';
import { deletePod, replaceObject } from '../../../sandbox/kubernetes/controllers.ts';
import type { Pod } from '../../../sandbox/objects/objects.ts';
import { isActive, isReady } from '../../../sandbox/kubernetes/pods.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import { createKubernetesService } from '../../../sandbox/kubernetes/service.ts';
import { ACCOUNT, clusterWorld } from '../support.ts';

const OPERATOR_ENTRY = `arn:aws:iam::${ACCOUNT}:role/operator`;
const createdAt = '2025-06-01T00:00:00.000Z';
const workload = (kind: string, name: string, more: object = {}): object => {
  const plain = { kind, namespace: 'shop', name, serviceAccount: name, createdAt };
  return { ...plain, ...more };
};

const open = (cluster: object, { seed = 1, knobs = {} }: { seed?: number; knobs?: object } = {}) => {
  const policies = [{ policyArn: 'arn:aws:eks::aws:cluster-access-policy/AmazonEKSClusterAdminPolicy' }];
  const usual = {
    accessEntries: [{ principalArn: OPERATOR_ENTRY, createdAt, policies }],
    workloads: [
      workload('Deployment', 'web', { replicas: 8 }),
      workload('StatefulSet', 'db', { replicas: 4 }),
      workload('DaemonSet', 'logs'),
    ],
  };
  const allKnobs = { podTerminationSeconds: 1, podReadySeconds: 2, ...knobs };
  const parts = { nodes: 4, ...usual, ...cluster };
  const { world, cluster: found } = clusterWorld(parts, {}, { seed, knobs: allKnobs });
  const { kube } = found;
  return {
    world,
    cluster: found,
    kube,
    start: world.schedule.now(),
    pass: (seconds: number) => world.schedule.advanceTo(world.schedule.now() + seconds * 1000),
    pods: (account?: string): Pod[] =>
      listObjects(kube, 'Pod', 'shop').filter(
        (pod) => account === undefined || pod.spec.serviceAccountName === account,
      ),
    nodes: () => listObjects(kube, 'Node').map(({ metadata }) => metadata.name),
    replicas: () => getObject(kube, 'Deployment', 'shop', 'web')!.spec.replicas,
  };
};
type Lab = ReturnType<typeof open>;

const lost = ({ kube }: Lab): string => [...kube.lostNodes][0] ?? '';
const on = (pods: Pod[], node: string): Pod[] => pods.filter(({ spec }) => spec.nodeName === node);

describe('a lost node', () => {
  test('makes its pods unready at once, and has all but DaemonSet pods evicted after five minutes', () => {
    const lab = open({ nodeLosses: [{ afterSeconds: 60 }] });
    lab.pass(59);
    expect(lab.pods().every(isReady)).toBe(true);
    lab.pass(2);
    const gone = on(lab.pods(), lost(lab));
    expect(gone).toHaveLength(4);
    expect([gone.some(isReady), gone.every(isActive)]).toEqual([false, true]);

    lab.pass(310);
    expect(
      on(lab.pods(), lost(lab))
        .map((pod) => `${pod.spec.serviceAccountName} ${isActive(pod) ? 'active' : 'ending'}`)
        .toSorted(),
    ).toEqual(['db ending', 'logs active', 'web ending', 'web ending']);
    // A Deployment creates replacements; the name of a StatefulSet's pod is still taken.
    expect(lab.pods('web').filter(isReady)).toHaveLength(8);
    expect(lab.pods('db').filter(isReady)).toHaveLength(3);
    lab.pass(86_400);
    expect(on(lab.pods(), lost(lab))).toHaveLength(4);
  });

  test('that is deleted is removed with its pods, and a new node gets the missing pods', () => {
    const lab = open({ nodeLosses: [{ afterSeconds: 60, goneAfterSeconds: 900, replacedAfterSeconds: 1200 }] });
    const before = new Set(lab.nodes());
    lab.pass(959);
    expect(lab.nodes()).toHaveLength(4);
    lab.pass(2);
    expect(lab.nodes()).toHaveLength(3);
    lab.pass(10);
    expect(lab.pods('db').filter(isReady)).toHaveLength(4);
    expect(lab.pods('logs')).toHaveLength(3);
    lab.pass(300);
    expect(lab.nodes().filter((name) => !before.has(name))).toHaveLength(1);
    expect(lab.pods('logs').filter(isReady)).toHaveLength(4);
    expect(lab.pods('web').filter(isReady)).toHaveLength(8);
  });

  test('from before the sandbox opened has pods that have been Terminating since then', () => {
    const lab = open({ nodeLosses: [{ afterSeconds: -3600 }] });
    const dead = lab.pods().filter((pod) => !isActive(pod));
    expect(dead).toHaveLength(3);
    for (const { metadata } of dead)
      expect(Date.parse(metadata.deletionTimestamp!)).toBe(lab.start - 3_600_000 + 330_000);
    expect(lab.pods('web').filter(isReady)).toHaveLength(8);
    lab.pass(3600);
    expect(lab.pods().filter((pod) => !isActive(pod))).toHaveLength(3);
  });

  test('is the same node for the same seed', () => {
    const losses = { nodeLosses: [{ afterSeconds: 10, nodes: 2 }] };
    const names = (seed: number): string[] => {
      const lab = open(losses, { seed });
      lab.pass(11);
      return [...lab.kube.lostNodes];
    };
    expect(names(1)).toHaveLength(2);
    expect(names(1)).toEqual(names(1));
  });

  test('blocks the rollout of a DaemonSet with maxUnavailable 1: its pod stays Terminating, the others wait', () => {
    const lab = open({ nodeLosses: [{ afterSeconds: 10 }] });
    lab.pass(11);
    const daemonSet = getObject(lab.kube, 'DaemonSet', 'shop', 'logs')!;
    const old = new Set(lab.pods('logs').map(({ metadata }) => metadata.uid));
    const { template: before } = daemonSet.spec;
    const template = { ...before, metadata: { ...before.metadata, annotations: { a: 'b' } } };
    replaceObject(lab.world, lab.cluster, daemonSet, { ...daemonSet, spec: { ...daemonSet.spec, template } });
    lab.pass(3600);
    // The lost pod uses up maxUnavailable, so the others wait for it.
    const left = lab.pods('logs').filter(({ metadata }) => old.has(metadata.uid));
    expect(left.filter((pod) => !isActive(pod)).map(({ spec }) => spec.nodeName)).toEqual([lost(lab)]);
    expect(left).toHaveLength(4);
    expect(daemonSet.status).toMatchObject({ desiredNumberScheduled: 4, numberReady: 3, numberUnavailable: 1 });
  });
});

describe('an autoscaler', () => {
  const autoscalers = [{ kind: 'Deployment', namespace: 'shop', name: 'web', minReplicas: 2, maxReplicas: 20 }];

  test('repeatedly changes the number of pods within its bounds, through the subresource', async () => {
    const lab = open({ autoscalers });
    const seen = new Set<number>();
    for (let minute = 0; minute < 30; minute += 1) {
      lab.pass(60);
      seen.add(lab.replicas());
    }
    expect(seen.size).toBeGreaterThan(8);
    expect(Math.min(...seen)).toBeGreaterThanOrEqual(2);
    expect(Math.max(...seen)).toBeLessThanOrEqual(20);
    lab.pass(30);
    expect(lab.pods('web').filter(isReady)).toHaveLength(lab.replicas());
    expect(lab.kube.managedFields.get(getObject(lab.kube, 'Deployment', 'shop', 'web')!.metadata.uid)).toMatchObject([
      { operation: 'Apply' },
      { manager: 'kube-controller-manager', subresource: 'scale', fieldsV1: { 'f:spec': { 'f:replicas': {} } } },
    ]);
  });

  test('ignores a workload that was scaled to zero', () => {
    const lab = open({ workloads: [workload('Deployment', 'web', { replicas: 0 })], autoscalers });
    lab.pass(600);
    expect(lab.replicas()).toBe(0);
  });
});

describe('time to readiness with bounds', () => {
  /** Returns the seconds that each of 200 replacement pods needed. */
  const times = (seed: number): number[] => {
    const readySeconds = { min: 5, max: 95 };
    const workloads = [workload('Deployment', 'web', { replicas: 200, readySeconds })];
    const lab = open({ nodes: 20, workloads }, { seed });
    const took = new Map<string, number>();
    for (const { metadata } of lab.pods('web'))
      deletePod(lab.world, lab.cluster, { namespace: 'shop', name: metadata.name });
    for (let second = 0; second < 120; second += 1) {
      lab.pass(1);
      for (const pod of lab.pods('web').filter(isReady))
        if (isActive(pod) && !took.has(pod.metadata.uid))
          took.set(pod.metadata.uid, (lab.world.schedule.now() - Date.parse(pod.metadata.creationTimestamp)) / 1000);
    }
    return [...took.values()];
  };

  test('differs by pod, is mostly near the lower bound, and is determined by the seed', () => {
    const all = times(1);
    expect(all).toHaveLength(200);
    expect(Math.min(...all)).toBeGreaterThanOrEqual(5);
    expect(Math.max(...all)).toBeLessThanOrEqual(97);
    expect(Math.max(...all)).toBeGreaterThan(60);
    expect(all.filter((seconds) => seconds < 30).length).toBeGreaterThan(100);
    expect(times(1)).toEqual(all);
    expect(times(2)).not.toEqual(all);
  });
});

describe('a budget of the scenario', () => {
  const service = ({ world, cluster }: Lab) => createKubernetesService(world, cluster);
  const evict = async (lab: Lab, pod: Pod): Promise<number> => {
    const { name } = pod.metadata;
    const path = `/api/v1/namespaces/shop/pods/${name}/eviction`;
    const body = Buffer.from(JSON.stringify({ apiVersion: 'policy/v1', kind: 'Eviction', metadata: { name } }));
    const headers = { 'content-type': 'application/json' };
    const caller = { accessKeyId: 'AKIA', principalArn: OPERATOR_ENTRY, account: ACCOUNT };
    const { status } = await service(lab)(
      { method: 'POST', host: 'cluster', path, query: {}, headers, body },
      { caller, region: 'eu-west-1', describe: () => {}, authorize: () => undefined },
    );
    return status;
  };
  const budget = { namespace: 'shop', name: 'web', labels: { 'app.kubernetes.io/name': 'web' } };

  test('allows as many evictions as pods may be missing', async () => {
    const lab = open({ disruptionBudgets: [{ ...budget, maxUnavailable: 1 }] });
    lab.pass(1);
    const [first, second] = lab.pods('web');
    expect([await evict(lab, first!), await evict(lab, second!)]).toEqual([201, 429]);
    lab.pass(10);
    expect(await evict(lab, second!)).toBe(201);
  });

  test('allows evicting a pod on a lost node while enough others are healthy, without counting it', async () => {
    const lab = open({ nodeLosses: [{ afterSeconds: 5 }], disruptionBudgets: [{ ...budget, minAvailable: 6 }] });
    lab.pass(6);
    const [dead] = on(lab.pods('web'), lost(lab));
    const allowed = (): unknown =>
      getObject(lab.kube, 'PodDisruptionBudget', 'shop', 'web')!.status['disruptionsAllowed'];
    expect([allowed(), await evict(lab, dead!)]).toEqual([0, 201]);
    const healthy = lab.pods('web').find(isReady);
    expect(await evict(lab, healthy!)).toBe(429);
  });
});
