import { describe, expect, it } from 'vitest';
import { collectEvidence } from '../../../lambdas/domain/identity.ts';
import type { Pod, Workload } from '../../../lambdas/domain/kubernetes.ts';
import type { PodIdentity } from '../../../lambdas/domain/model.ts';
import { asBefore, judgePods, onPodIdentity, type ExpectedPods, type PodsVerdict } from '../../../lambdas/domain/verification.ts';
import { aNodePod, anAssociation, anEvidence, aPod, aSnapshot, aWorkload, NAMESPACE, planned, SERVICE_ACCOUNT } from '../fixtures.ts';

const accounts = new Set([SERVICE_ACCOUNT]);
const judge = (pods: Pod[], workloads: Workload[] = [aWorkload()], expected: ExpectedPods = onPodIdentity(aSnapshot())): PodsVerdict =>
  judgePods(collectEvidence(pods, accounts), pods, workloads, expected);
const good = (change: Partial<Pod> = {}): Pod => aPod('pod-identity', change);

describe('judgePods', () => {
  it('is proven when every pod that counts is ready on Pod Identity', () => {
    expect(judge([good(), good({ name: 'two' }), aNodePod()])).toEqual({ verdict: 'proven' });
  });
  it('does not care for other service accounts, unready or on IRSA', () => {
    const others = [aPod('irsa', { name: 'shop', serviceAccount: 'shop', labels: {}, ready: false }), aNodePod({ ready: false, terminating: true })];
    expect(judge([good(), ...others], [aWorkload(), aWorkload({ name: 'shop', serviceAccount: 'shop', settled: false })])).toEqual({ verdict: 'proven' });
  });
  it('does not care for a workload that shall have no pods', () => {
    expect(judge([good()], [aWorkload(), aWorkload({ name: 'off', desired: 0, ready: 0, settled: false })])).toEqual({ verdict: 'proven' });
  });

  it.each<[string, Pod[], Workload[], RegExp]>([
    ['a workload rolls out', [good()], [aWorkload({ settled: false, desired: 2 })], /Deployment ebs-csi-controller is rolling out: 1 of 2/],
    ['no pod counts', [aNodePod()], [aWorkload()], /no pod runs with ebs-csi-controller-sa/],
    ['an old pod is on its way out', [good(), aPod('irsa', { name: 'old', terminating: true })], [aWorkload()], /pod old is still terminating/],
    ['a pod is not ready', [good({ ready: false })], [aWorkload()], /pod ebs-csi-controller-1 is not ready/],
    ['a pod on IRSA is not ready either', [aPod('irsa', { ready: false })], [aWorkload()], /not ready/],
  ])('waits while %s', (_, pods, workloads, why) => {
    const judged = judge(pods, workloads);
    expect(judged).toMatchObject({ verdict: 'wait', why: expect.stringMatching(why) as string });
  });

  it.each(['irsa', 'node-role', 'mixed'] as const)('wants a restart of the workload whose settled pod is on %s', (identity) => {
    const other = aWorkload({ name: 'snapshotter' });
    const judged = judge([good({ name: 'fine', owner: { kind: 'Deployment', name: 'snapshotter' } }), aPod(identity, { name: 'wrong' })], [aWorkload(), other]);
    expect(judged).toMatchObject({ verdict: 'restart', workloads: [{ kind: 'Deployment', namespace: NAMESPACE, name: 'ebs-csi-controller' }], pods: [{ name: 'wrong', identity }] });
  });

  it('names no workload for a pod that belongs to none', () => {
    const { owner: _, ...bare } = aPod('irsa');
    expect(judge([bare])).toMatchObject({ verdict: 'restart', workloads: [], pods: [{ name: 'ebs-csi-controller-1' }] });
  });
});

describe('towards what was before', () => {
  const before = (...identities: PodIdentity[]): ReturnType<typeof anEvidence>[] => identities.map((identity) => anEvidence({ identity }));
  const back = (had: PodIdentity[], pods: Pod[], associations = [] as ReturnType<typeof anAssociation>[]): string =>
    judge(pods, [aWorkload()], asBefore(aSnapshot({ associations }), before(...had))).verdict;

  it('takes IRSA, whatever the pods had', () => {
    expect(back(['irsa'], [aPod('irsa')])).toBe('proven');
    expect(back(['node-role'], [aPod('irsa')])).toBe('proven');
    expect(back([], [aPod('irsa')])).toBe('proven');
  });
  it.each(['node-role', 'mixed', 'pod-identity'] as const)('takes %s where a pod of the service account had it, and only there', (identity) => {
    expect(back(['irsa', identity], [aPod(identity)])).toBe('proven');
    expect(back(['irsa'], [aPod(identity)])).toBe('restart');
  });
  it('takes Pod Identity where the snapshot has an association for the service account', () => {
    expect(back(['irsa'], [aPod('pod-identity')], [anAssociation()])).toBe('proven');
    expect(back(['irsa'], [aPod('pod-identity')], [anAssociation({ serviceAccount: 'another' })])).toBe('restart');
    expect(back(['irsa'], [aPod('node-role')], [anAssociation()])).toBe('restart');
  });
  it('looks at each service account by itself', () => {
    const both = aSnapshot({ planned: [planned, { ...planned, serviceAccount: 'second' }] });
    const expected = asBefore(both, [anEvidence({ identity: 'node-role', serviceAccount: 'second' }), anEvidence({ identity: 'not-applicable', serviceAccount: 'second' })]);
    expect([...expected.identities].map(([name, identities]) => [name, [...identities]])).toEqual([
      [SERVICE_ACCOUNT, ['irsa']],
      ['second', ['irsa', 'node-role']],
    ]);
  });
  it('needs no pods where there were none, and waits for them where there were', () => {
    expect(back([], [])).toBe('proven');
    expect(back(['not-applicable'], [])).toBe('proven');
    expect(back(['irsa'], [])).toBe('wait');
  });
  it('waits for readiness all the same', () => {
    expect(back(['irsa'], [aPod('irsa', { ready: false })])).toBe('wait');
  });
});
