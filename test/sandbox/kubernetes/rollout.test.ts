import { describe, expect, test } from 'vitest';
import {
  addonReplicas,
  applyAddonObjects,
  removeAddonObjects,
  seedAddonObjects,
} from '../../../sandbox/kubernetes/addon-objects.ts';
import { noteWrite } from '../../../sandbox/kubernetes/managed-fields.ts';
import { getObject, listObjects } from '../../../sandbox/objects/store.ts';
import {
  DAEMON_SET,
  DEPLOYMENT,
  ebs,
  ebsWith,
  newEbsLab,
  newLab,
  ROLE,
  START,
  strategic,
  type Lab,
} from './support.ts';
import { podCounts, restart } from './pod-counts.ts';

const readyCounts = (lab: Lab, workload: string): number[] =>
  lab.cluster.kube.readyHistory.filter((entry) => entry.workload === workload).map(({ ready }) => ready);
const annotationOf = (lab: Lab, name: string): string | undefined =>
  getObject(lab.cluster.kube, 'ServiceAccount', 'kube-system', name)?.metadata.annotations?.[
    'eks.amazonaws.com/role-arn'
  ];
const apply = (lab: Lab, more: object = {}, objects = ebs): void =>
  applyAddonObjects(lab.world, lab.cluster, 'aws-ebs-csi-driver', objects, {
    irsaServiceAccounts: [],
    restart: false,
    ...more,
  });

describe('initial objects', () => {
  test('include ready pods with the given age and the owner chain of Kubernetes', () => {
    const lab = newEbsLab();
    const [pod] = lab.pods('ebs-csi-controller');
    const [owner] = pod!.metadata.ownerReferences!;
    const replicaSet = getObject(lab.cluster.kube, 'ReplicaSet', 'kube-system', owner!.name)!;
    expect(pod!.metadata).toMatchObject({
      creationTimestamp: '2026-01-14T09:00:00Z',
      generateName: `${replicaSet.metadata.name}-`,
    });
    expect(pod!.metadata.labels?.['pod-template-hash']).toBe(replicaSet.metadata.labels?.['pod-template-hash']);
    expect(replicaSet.metadata.ownerReferences).toMatchObject([
      { kind: 'Deployment', name: 'ebs-csi-controller', uid: lab.deployment().metadata.uid, controller: true },
    ]);
    const ready = { replicas: 2, updatedReplicas: 2, readyReplicas: 2, availableReplicas: 2 };
    expect(lab.deployment().status).toMatchObject({ observedGeneration: 1, ...ready });
    const scheduled = { desiredNumberScheduled: 3, currentNumberScheduled: 3, updatedNumberScheduled: 3 };
    expect(lab.daemonSet().status).toMatchObject({ observedGeneration: 1, ...scheduled, numberReady: 3 });
    expect(addonReplicas(lab.world, lab.cluster, ebs)).toEqual({ desired: 5, ready: 5 });
  });

  test('have one DaemonSet pod per node, and spread Deployment pods', () => {
    const lab = newEbsLab({ nodes: 5, objects: ebsWith({ replicas: 5 }) });
    const nodes = listObjects(lab.cluster.kube, 'Node').map(({ metadata }) => metadata.name);
    expect(nodes).toHaveLength(5);
    for (const app of ['ebs-csi-node', 'ebs-csi-controller']) {
      expect(lab.pods(app)).toHaveLength(5);
      expect(new Set(lab.pods(app).map(({ spec }) => spec.nodeName))).toEqual(new Set(nodes));
    }
  });

  test('have names that depend on the seed', () => {
    const names = (seed: number) =>
      newEbsLab({ seed })
        .pods('ebs-csi-controller')
        .map(({ metadata }) => metadata.name);
    expect(names(7)).toEqual(names(7));
    expect(names(7)).not.toEqual(names(8));
  });

  test('without nodes leave a Deployment pending, and a DaemonSet needs no pods', () => {
    const lab = newEbsLab({ nodes: 0 });
    lab.pass(60);
    expect(lab.pods('ebs-csi-controller').map(({ status }) => status.conditions[0])).toMatchObject([
      { status: 'False', reason: 'Unschedulable' },
      { status: 'False' },
    ]);
    expect(addonReplicas(lab.world, lab.cluster, ebs)).toEqual({ desired: 2, ready: 0 });
  });
});

describe('rolling restart of a Deployment', () => {
  test('replaces one pod at a time: a new pod is created and ready before an old one terminates', async () => {
    const lab = newEbsLab();
    await restart(lab, DEPLOYMENT);
    expect([lab.deployment().metadata.generation, lab.deployment().status?.['observedGeneration']]).toEqual([2, 1]);
    expect(podCounts(lab, 'ebs-csi-controller')).toMatchObject({ old: 2, new: 0 });
    lab.pass(1);
    const during = { replicas: 3, updatedReplicas: 1, readyReplicas: 2, unavailableReplicas: 1 };
    expect(lab.deployment().status).toMatchObject({ observedGeneration: 2, ...during });
    expect(podCounts(lab, 'ebs-csi-controller')).toEqual({ old: 2, new: 1, newReady: 0, ready: 2, terminating: 0 });
    lab.pass(12);
    expect(podCounts(lab, 'ebs-csi-controller')).toEqual({ old: 1, new: 2, newReady: 1, ready: 2, terminating: 1 });
    lab.pass(3);
    expect(podCounts(lab, 'ebs-csi-controller')).toMatchObject({ terminating: 0 });
    lab.pass(9);
    expect(podCounts(lab, 'ebs-csi-controller')).toMatchObject({ old: 0, new: 2, newReady: 2, terminating: 1 });
    lab.pass(3);
    expect(lab.pods('ebs-csi-controller')).toHaveLength(2);
    expect(lab.deployment().status).toMatchObject({ replicas: 2, updatedReplicas: 2, readyReplicas: 2 });
    expect(lab.deployment().status).not.toHaveProperty('unavailableReplicas');
  });

  test.each([1, 2, 3])('never has fewer ready pods than its %i replicas', async (replicas) => {
    const lab = newEbsLab({ objects: ebsWith({ replicas }) });
    await restart(lab, DEPLOYMENT);
    lab.pass(120);
    expect(podCounts(lab, 'ebs-csi-controller')).toMatchObject({ old: 0, newReady: replicas });
    const counts = readyCounts(lab, 'ebs-csi-controller');
    expect([Math.min(...counts), Math.max(...counts)]).toEqual([replicas, replicas + 1]);
  });

  test('adds missing replicas and terminates surplus ones, the youngest first', async () => {
    const lab = newEbsLab();
    const before = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name);
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec: { replicas: 4 } } });
    lab.pass(30);
    expect(lab.deployment().status).toMatchObject({ replicas: 4, readyReplicas: 4 });
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec: { replicas: 2 } } });
    lab.pass(30);
    expect(lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name)).toEqual(before);
  });
});

describe('a paused Deployment', () => {
  const set = (lab: Lab, spec: object) => lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec } });

  test('still scales, with pods of the old template', async () => {
    const lab = newEbsLab({ objects: ebsWith({ paused: true }) });
    await restart(lab, DEPLOYMENT);
    await set(lab, { replicas: 3 });
    lab.pass(30);
    const [pod] = lab.pods('ebs-csi-controller');
    await lab.call('DELETE', `/api/v1/namespaces/kube-system/pods/${pod!.metadata.name}`);
    lab.pass(30);
    expect(podCounts(lab, 'ebs-csi-controller')).toEqual({ old: 3, new: 0, newReady: 0, ready: 3, terminating: 0 });
    await set(lab, { replicas: 1 });
    lab.pass(30);
    expect(podCounts(lab, 'ebs-csi-controller')).toMatchObject({ old: 1, new: 0 });
  });

  test('during a rollout keeps the pods of each template, also if a pod is lost', async () => {
    const lab = newEbsLab();
    await restart(lab, DEPLOYMENT);
    lab.pass(13);
    await set(lab, { paused: true });
    lab.pass(60);
    expect(podCounts(lab, 'ebs-csi-controller')).toEqual({ old: 1, new: 2, newReady: 2, ready: 3, terminating: 0 });
    const [old] = lab
      .pods('ebs-csi-controller')
      .filter(({ metadata }) => metadata.annotations?.['restarted'] === undefined);
    await lab.call('DELETE', `/api/v1/namespaces/kube-system/pods/${old!.metadata.name}`);
    lab.pass(60);
    expect(podCounts(lab, 'ebs-csi-controller')).toEqual({ old: 1, new: 2, newReady: 2, ready: 3, terminating: 0 });
  });
});

test('rolling restart of a DaemonSet ends with the newest template on every node after overlapping restarts', async () => {
  const lab = newEbsLab();
  await restart(lab, DAEMON_SET, 'first');
  lab.pass(10);
  await restart(lab, DAEMON_SET, 'second');
  lab.pass(200);
  expect(podCounts(lab, 'ebs-csi-node', 'second')).toMatchObject({ old: 0, newReady: 3, terminating: 0 });
  expect(Math.min(...readyCounts(lab, 'ebs-csi-node'))).toBe(2);
});

describe("an add-on's objects", () => {
  test('are created if missing, and become ready later', () => {
    const lab = newLab();
    apply(lab, { irsaServiceAccounts: ['ebs-csi-controller-sa'], roleArn: ROLE });
    expect(addonReplicas(lab.world, lab.cluster, ebs)).toEqual({ desired: 5, ready: 0 });
    lab.pass(13);
    expect(addonReplicas(lab.world, lab.cluster, ebs)).toEqual({ desired: 5, ready: 5 });
  });

  test('lose the annotation of each service account with the role, except one that another manager set', () => {
    const lab = newEbsLab();
    const both = ['ebs-csi-controller-sa', 'ebs-csi-node-sa'];
    const roles = (): unknown[] => both.map((name) => annotationOf(lab, name));
    apply(lab, { irsaServiceAccounts: both, roleArn: ROLE });
    expect(roles()).toEqual([ROLE, ROLE]);
    apply(lab, { irsaServiceAccounts: both });
    expect(roles()).toEqual([undefined, undefined]);
    apply(lab, { irsaServiceAccounts: both, roleArn: ROLE });
    const node = getObject(lab.cluster.kube, 'ServiceAccount', 'kube-system', 'ebs-csi-node-sa')!;
    const before = { ...node, metadata: { ...node.metadata, annotations: {} } };
    noteWrite(lab.cluster, before, node, { manager: 'kubectl-annotate' }, START);
    apply(lab, { irsaServiceAccounts: both });
    expect(roles()).toEqual([undefined, ROLE]);
  });

  test('are deleted with their pods and service accounts, and can be recreated at once', () => {
    const lab = newEbsLab();
    removeAddonObjects(lab.world, lab.cluster, 'aws-ebs-csi-driver', ebs);
    expect(getObject(lab.cluster.kube, 'ServiceAccount', 'kube-system', 'ebs-csi-controller-sa')).toBeUndefined();
    expect(listObjects(lab.cluster.kube, 'ReplicaSet')).toEqual([]);
    const workload = { namespace: 'kube-system', kind: 'DaemonSet', workload: 'ebs-csi-node' };
    expect(lab.cluster.kube.readyHistory.at(-1)).toEqual({ at: START, ...workload, ready: 0 });
    const leaving = lab.pods('ebs-csi-node').map(({ metadata }) => metadata.name);
    apply(lab);
    lab.pass(16);
    expect(addonReplicas(lab.world, lab.cluster, ebs)).toEqual({ desired: 5, ready: 5 });
    expect(lab.pods('ebs-csi-node').filter(({ metadata }) => leaving.includes(metadata.name))).toEqual([]);
  });

  test('do not roll if applied without changes, and lose the annotation unless it is kept', () => {
    const lab = newEbsLab();
    const [name, pods] = ['ebs-csi-controller-sa', lab.pods('ebs-csi-controller')];
    apply(lab, { irsaServiceAccounts: [name], keepAnnotation: true });
    expect(annotationOf(lab, name)).toBe(ROLE);
    apply(lab, { irsaServiceAccounts: [name] });
    expect(annotationOf(lab, name)).toBeUndefined();
    lab.pass(60);
    expect([lab.deployment().metadata.generation, lab.pods('ebs-csi-controller')]).toEqual([1, pods]);
  });

  test('roll all their workloads with restart', () => {
    const lab = newEbsLab();
    const uids = () => ['ebs-csi-controller', 'ebs-csi-node'].flatMap(lab.pods).map(({ metadata }) => metadata.uid);
    const before = uids();
    apply(lab, { restart: true });
    lab.pass(120);
    const after = uids();
    expect(after).toHaveLength(5);
    expect(after.filter((uid) => before.includes(uid))).toEqual([]);
  });

  test('keep changes of other managers until EKS overwrites them', async () => {
    const lab = newEbsLab();
    const spec = { replicas: 3, template: { spec: { containers: [{ name: 'ebs-plugin', image: 'mine' }] } } };
    await lab.call('PATCH', DEPLOYMENT, { headers: strategic, body: { spec } });
    const newer = ebsWith({ containers: ['ebs-plugin', 'csi-attacher'].map((name) => ({ name, image: 'newer' })) });
    const applied = () => {
      apply(lab, {}, newer);
      const { replicas, template } = lab.deployment().spec;
      return [replicas, ...template.spec.containers.map(({ image }) => image)];
    };
    expect(applied()).toEqual([3, 'mine', 'newer']);
    lab.cluster.foreignFields.clear();
    expect(applied()).toEqual([2, 'newer', 'newer']);
  });

  test('include the namespace of an add-on with its own namespace', () => {
    const lab = newLab();
    const objects = { ...ebs, namespace: 'storage' };
    seedAddonObjects(lab.world, lab.cluster, 'x', objects, { irsaServiceAccounts: [], podsCreatedAt: START });
    expect(getObject(lab.cluster.kube, 'Namespace', undefined, 'storage')).toBeDefined();
    expect(getObject(lab.cluster.kube, 'ServiceAccount', 'storage', 'default')).toBeDefined();
  });
});
