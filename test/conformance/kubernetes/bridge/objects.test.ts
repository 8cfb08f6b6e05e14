import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { managerIn, workloadManifest } from '../../../../conformance/kubernetes/bridge/addons.ts';
import { cannotHold } from '../../../../conformance/kubernetes/bridge/cannot-hold.ts';
import { partialOf } from '../../../../conformance/kubernetes/bridge/seed.ts';
import { unfinishedIn } from '../../../../conformance/kubernetes/bridge/unfinished.ts';
import { Work } from '../../../../conformance/kubernetes/bridge/work.ts';
import { parseField } from '../../../../sandbox/kubernetes/field-paths.ts';
import { fieldsOf } from '../../../../sandbox/objects/field-sets.ts';
import { newKubeState } from '../../../../sandbox/objects/new-kube-state.ts';
import { putObject } from '../../../../sandbox/objects/store.ts';
import type { Deployment, Pod } from '../../../../sandbox/objects/objects.ts';
import { ebs, scenarioWith } from '../../../end-to-end/fixture.ts';
import { forAll } from '../../../for-all.ts';

describe('a part of an object with one field', () => {
  it.each([
    ['.spec.replicas', 3, { spec: { replicas: 3 } }],
    ['.metadata.labels.a.b/c', 'x', { metadata: { labels: { 'a.b/c': 'x' } } }],
    [
      '.spec.template.spec.containers[name="a"].env[name="B"].value',
      'x',
      { spec: { template: { spec: { containers: [{ name: 'a', env: [{ name: 'B', value: 'x' }] }] } } } },
    ],
  ])('has the value at %s', (path, value, part) => expect(partialOf(parseField(path)!, value)).toEqual(part));

  it('has exactly the fields of its set, for any object with one leaf', () => {
    const names = fc.array(fc.stringMatching(/^[a-z]{1,5}$/), { minLength: 1, maxLength: 4 });
    forAll(names, fc.integer(), (path, value) => {
      const object = path.reduceRight<unknown>((inner, name) => ({ [name]: inner }), value);
      expect(partialOf(fieldsOf(object), value)).toEqual(object);
    });
  });
});

describe('what EKS applies of a workload', () => {
  const template = {
    kind: 'Deployment',
    name: 'x',
    serviceAccount: 'x',
    labels: { app: 'x' },
    containers: [],
  } as const;

  it('has the annotation of a restart only if there was one', () => {
    const annotationsOf = (restartedAt?: string): unknown =>
      (
        workloadManifest('a', { ...template, containers: [] }, restartedAt)['spec'] as {
          template: { metadata: { annotations?: object } };
        }
      ).template.metadata.annotations;
    expect([annotationsOf(), annotationsOf('t')]).toEqual([undefined, { 'kubectl.kubernetes.io/restartedAt': 't' }]);
  });
});

it.each([
  ['conflict with "kubectl-edit" using apps/v1', 'kubectl-edit'],
  ['conflict with "hpa" with subresource "scale" using apps/v1 at 2026-11-29T10:00:00Z', 'hpa'],
  ['', 'unknown'],
])('the manager of a conflict of %j', (message, manager) => expect(managerIn({ message })).toBe(manager));

it('a scenario that a real control plane cannot be given is named with its reason', () => {
  expect(cannotHold(scenarioWith())).toBeUndefined();
  // The first cluster of several is held; the others stay the sandbox's own.
  const several = scenarioWith((scenario, cluster) => scenario.accounts[0]!.clusters.push(structuredClone(cluster)));
  expect(cannotHold(several)).toBeUndefined();
  const reasons = [
    scenarioWith((_, cluster) => {
      cluster.autoscalers = [
        { kind: 'Deployment', namespace: 'x', name: 'x', minReplicas: 1, maxReplicas: 2, everySeconds: 60 },
      ];
    }),
    scenarioWith((_, cluster) => (cluster.fargateProfiles = [{ name: 'x', namespace: 'x', labels: {} }])),
    scenarioWith((_, cluster) => (ebs(cluster).modifiedFields = [{ field: 'x', manager: 'x' }])),
  ].map(cannotHold);
  expect(reasons).toEqual([
    'its autoscalers draw their numbers of pods in the sandbox alone',
    "Fargate's scheduler is AWS's own",
    'it names a field that another manager has changed, and not its value',
  ]);
});

describe('what controllers have still to do', () => {
  const metadata = { name: 'x', namespace: 'x', resourceVersion: '1', creationTimestamp: '', generation: 2 };
  const deployment = (observedGeneration: number): Deployment =>
    ({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      metadata: { ...metadata, uid: 'd' },
      spec: {},
      status: { observedGeneration },
    }) as unknown as Deployment;
  const pod = (more: object): Pod =>
    ({
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { ...metadata, uid: 'p' },
      spec: {},
      status: { conditions: [] },
      ...more,
    }) as unknown as Pod;
  const PENDING = { status: { conditions: [{ type: 'PodScheduled', status: 'False', lastTransitionTime: '' }] } };

  it('is read from the objects', () => {
    const kube = newKubeState();
    expect(unfinishedIn(kube)).toBeUndefined();
    putObject(kube, 'Deployment', deployment(1));
    expect(unfinishedIn(kube)).toBe('Deployment x/x is not observed');
    putObject(kube, 'Deployment', deployment(2));
    expect(unfinishedIn(kube)).toBeUndefined();
    putObject(kube, 'Pod', pod({}));
    expect(unfinishedIn(kube)).toBe('Pod x/x is not scheduled');
    putObject(kube, 'Pod', pod(PENDING));
    expect(unfinishedIn(kube)).toBeUndefined();
  });
});

describe('work outside of the world', () => {
  it('keeps time still while it runs, and reports errors that nothing waits for', async () => {
    const work = new Work({ lastEventAt: () => -Infinity, unfinished: () => undefined });
    const { promise, reject } = Promise.withResolvers<void>();
    work.run('a write', () => promise);
    expect(work.isBusy()).toBe(true);
    reject(new Error('no'));
    await work.idle();
    await new Promise((resolve) => setImmediate(resolve));
    expect(work.failures.map(String)).toEqual(['Error: a write: Error: no']);
  });

  it('runs what is given in order one after another', async () => {
    const work = new Work({ lastEventAt: () => -Infinity, unfinished: () => undefined });
    const seen: number[] = [];
    work.inOrder('first', async () => {
      await new Promise((resolve) => setImmediate(resolve));
      seen.push(1);
    });
    work.inOrder('second', async () => seen.push(2));
    await work.idle();
    expect(seen).toEqual([1, 2]);
  });
});
