/** Taints of nodes, and which pods run there. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AddonObjects } from '../../../sandbox/objects/objects.ts';
import { listObjects } from '../../../sandbox/objects/store.ts';
import { admits, type Taint, type Toleration, tolerates } from '../../../sandbox/objects/taints.ts';
import { DAEMON_SET, ebs, type Lab, merge, newEbsLab, strategic } from './support.ts';
import { forAll } from '../../for-all.ts';

const GPU: Taint = { key: 'gpu', value: 'true', effect: 'NoSchedule' };

describe('a toleration', () => {
  it.each<[Toleration, Partial<Taint>, boolean]>([
    [{ operator: 'Exists' }, {}, true],
    [{ operator: 'Exists', effect: 'NoExecute' }, {}, false],
    [{ operator: 'Exists', effect: '' }, {}, true],
    [{ key: 'gpu', operator: 'Exists' }, { value: 'other' }, true],
    [{ key: 'gpu', value: 'true' }, {}, true],
    [{ key: 'gpu', operator: 'Equal', value: 'false' }, {}, false],
    [{ key: 'gpu' }, {}, false],
    [{ key: 'gpu' }, { value: '' }, true],
    [{ key: 'cpu', operator: 'Exists' }, {}, false],
  ])('%j tolerates the taint with %j: %s', (toleration, change, expected) =>
    expect(tolerates([toleration], { ...GPU, ...change })).toBe(expected),
  );

  it('never keeps a pod from a node', () => {
    const key = fc.constantFrom('a', 'b');
    const effect = fc.constantFrom<Taint['effect'][]>('NoSchedule', 'PreferNoSchedule', 'NoExecute');
    const taints = fc.array(fc.record({ key, value: key, effect }), { maxLength: 3 });
    const toleration = fc.record({
      key,
      operator: fc.constantFrom<NonNullable<Toleration['operator']>[]>('Equal', 'Exists'),
      value: key,
      effect,
    });
    forAll(taints, fc.array(toleration, { maxLength: 3 }), toleration, fc.boolean(), (nodes, some, more, isDaemon) => {
      const node = { spec: { taints: nodes } };
      fc.pre(admits(node, { tolerations: some }, isDaemon));
      expect(admits(node, { tolerations: [...some, more] }, isDaemon)).toBe(true);
      expect(admits(node, { tolerations: [{ operator: 'Exists' }] }, isDaemon)).toBe(true);
    });
  });
});

/** The EBS driver with tolerations of its controller and of its pods on nodes. */
const tolerating = (controller: Toleration[], nodes: Toleration[]): AddonObjects => ({
  ...ebs,
  workloads: ebs.workloads.map((workload) => ({
    ...workload,
    tolerations: workload.kind === 'DaemonSet' ? nodes : controller,
  })),
});

const names = ({ cluster }: Lab): string[] => listObjects(cluster.kube, 'Node').map(({ metadata }) => metadata.name);
const taintNode = (lab: Lab, name: string, taints: object[]) =>
  lab.call('PATCH', `/api/v1/nodes/${name}`, { headers: strategic, body: { spec: { taints } } });
const restart = async (lab: Lab): Promise<void> => {
  await lab.call('PATCH', '/apis/apps/v1/namespaces/kube-system/deployments/ebs-csi-controller', {
    headers: merge,
    body: { spec: { template: { metadata: { annotations: { restarted: '1' } } } } },
  });
  lab.pass(120);
};
const nodesOf = (lab: Lab, app: string): (string | undefined)[] => [
  ...new Set(
    lab
      .pods(app)
      .filter(({ metadata }) => metadata.deletionTimestamp === undefined)
      .map(({ spec }) => spec.nodeName),
  ),
];

describe('a node with a taint', () => {
  it('gets no new pod that does not tolerate it, and keeps the others', async () => {
    const lab = newEbsLab({ nodes: 2 });
    const [tainted = '', other = ''] = names(lab);
    expect((await taintNode(lab, tainted, [GPU])).status).toBe(200);
    lab.pass(60);
    expect(new Set(nodesOf(lab, 'ebs-csi-controller'))).toEqual(new Set([tainted, other]));
    await restart(lab);
    expect(nodesOf(lab, 'ebs-csi-controller')).toEqual([other]);
    expect((await lab.call('GET', `/api/v1/nodes/${tainted}`)).body['spec']).toMatchObject({ taints: [GPU] });
  });

  it('gets pods that tolerate it', async () => {
    const lab = newEbsLab({ nodes: 1, objects: tolerating([{ key: 'gpu', operator: 'Exists' }], []) });
    await taintNode(lab, names(lab)[0]!, [GPU]);
    await restart(lab);
    expect(nodesOf(lab, 'ebs-csi-controller')).toEqual(names(lab));
    expect(lab.pods('ebs-csi-controller')[0]!.spec.tolerations).toEqual([{ key: 'gpu', operator: 'Exists' }]);
  });

  it('gets the pods that wait for it once the taint is gone', async () => {
    const lab = newEbsLab({ nodes: 1 });
    await taintNode(lab, names(lab)[0]!, [GPU]);
    await restart(lab);
    expect(nodesOf(lab, 'ebs-csi-controller')).toContain(undefined);
    await taintNode(lab, names(lab)[0]!, []);
    lab.pass(120);
    expect(nodesOf(lab, 'ebs-csi-controller')).toEqual(names(lab));
  });

  it.each<[string, Toleration[], number]>([
    ['without a toleration', [], 2],
    ['with a toleration', [{ key: 'gpu', operator: 'Exists' }], 3],
  ])('counts for a DaemonSet %s', async (_name, tolerations, desired) => {
    const lab = newEbsLab({ nodes: 3, objects: tolerating([], tolerations) });
    const [tainted = ''] = names(lab);
    await taintNode(lab, tainted, [GPU]);
    await lab.call('PATCH', DAEMON_SET, {
      headers: merge,
      body: { spec: { template: { metadata: { annotations: { restarted: '1' } } } } },
    });
    lab.pass(300);
    expect(lab.daemonSet().status?.['desiredNumberScheduled']).toBe(desired);
    expect(nodesOf(lab, 'ebs-csi-node').includes(tainted)).toBe(desired === 3);
  });

  it('that keeps pods from running loses those that do not tolerate it', async () => {
    const seconds = { key: 'gpu', operator: 'Exists', effect: 'NoExecute', tolerationSeconds: 60 } as const;
    const lab = newEbsLab({ nodes: 1, objects: tolerating([seconds], []) });
    await taintNode(lab, names(lab)[0]!, [{ ...GPU, effect: 'NoExecute' }]);
    lab.pass(40);
    expect([nodesOf(lab, 'ebs-csi-controller'), nodesOf(lab, 'ebs-csi-node')]).toEqual([names(lab), []]);
    const before = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name);
    lab.pass(60);
    const after = lab.pods('ebs-csi-controller').map(({ metadata }) => metadata.name);
    expect(after.filter((name) => before.includes(name))).toEqual([]);
    await taintNode(lab, names(lab)[0]!, []);
    lab.pass(60);
    expect(nodesOf(lab, 'ebs-csi-node')).toEqual(names(lab));
  });

  it('does not lose a DaemonSet for what its controller tolerates by itself', async () => {
    const lab = newEbsLab({ nodes: 1 });
    await taintNode(lab, names(lab)[0]!, [
      { key: 'node.kubernetes.io/not-ready', effect: 'NoExecute' },
      { key: 'node.kubernetes.io/unschedulable', effect: 'NoSchedule' },
    ]);
    lab.pass(120);
    expect([nodesOf(lab, 'ebs-csi-controller'), nodesOf(lab, 'ebs-csi-node')]).toEqual([[undefined], names(lab)]);
  });
});
