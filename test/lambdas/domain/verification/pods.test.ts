import { describe, expect, it } from 'vitest';
import { collectEvidence } from '../../../../lambdas/domain/verification/pod-identity.ts';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { PodIdentity } from '../../../../lambdas/domain/terms/evidence.ts';
import { NO_LENIENCY } from '../../../../lambdas/domain/rollout/settled.ts';
import {
  type ExpectedPods,
  type PodsVerdict,
  annotationLeft,
  asBefore,
  judgePods,
  onPodIdentity,
  podsNotSeen,
  roleStillSet,
} from '../../../../lambdas/domain/verification/pods.ts';
import { plannedAccount, REF, SUBJECT } from '../../account-fixtures.ts';
import { aNodePod, anAddon, anAssociation, aPod, aWorkload, planned } from '../../eks-fixtures.ts';
import { anEvidence, aSnapshot, ADDON, NAMESPACE, ROLE, SERVICE_ACCOUNT, target } from '../../fixtures.ts';
import { matching, containing } from '../../matchers.ts';

const accounts = new Set([SERVICE_ACCOUNT]);
const judge = (
  pods: Pod[],
  workloads: Workload[] = [aWorkload()],
  expected: ExpectedPods = onPodIdentity(aSnapshot()),
): PodsVerdict => judgePods(collectEvidence(pods, accounts), pods, workloads, expected);
const good = (change: Partial<Pod> = {}): Pod => aPod('pod-identity', change);
/** A pod on EKS Pod Identity with a variable with which SDKs differ. */
const withProfile = (): Pod => {
  const containers = good().containers.map((one) => ({ ...one, env: { ...one.env, AWS_PROFILE: 'x' } }));
  return good({ name: 'profile', containers });
};

describe('judgePods', () => {
  it('is verified when every pod that counts is ready on Pod Identity', () =>
    expect(judge([good(), good({ name: 'two' }), aNodePod()])).toEqual({ verdict: 'verified' }));
  it('ignores other service accounts, unready or on IRSA', () => {
    const others = [
      aPod('irsa', { name: 'shop', serviceAccount: 'shop', labels: {}, ready: false }),
      aNodePod({ ready: false, terminating: true }),
    ];
    const shop = aWorkload({ name: 'shop', serviceAccount: 'shop', settled: false });
    expect(judge([good(), ...others], [aWorkload(), shop])).toEqual({ verdict: 'verified' });
  });
  it('ignores a workload that has no desired pods', () => {
    const off = aWorkload({ name: 'off', desired: 0, ready: 0, settled: false });
    expect(judge([good()], [aWorkload(), off])).toEqual({ verdict: 'verified' });
  });

  const rolling = aWorkload({ settled: false, desired: 2 });
  const old = aPod('irsa', { name: 'old', terminating: true });
  it.each<[string, Pod[], Workload[], RegExp]>([
    ['a workload rolls out', [good()], [rolling], /Deployment ebs-csi-controller is rolling out: 1 of 2/],
    ['no pod counts', [aNodePod()], [aWorkload()], /no pod runs with ebs-csi-controller-sa/],
    ['an old pod is on its way out', [good(), old], [aWorkload()], /pod old is still terminating/],
    ['a pod is not ready', [good({ ready: false })], [aWorkload()], /pod ebs-csi-controller-1 is not ready/],
    ['a pod on IRSA is not ready either', [aPod('irsa', { ready: false })], [aWorkload()], /not ready/],
  ])('waits while %s', (_, pods, workloads, why) =>
    expect(judge(pods, workloads)).toMatchObject({ verdict: 'wait', why: matching(why) }),
  );

  it.each(['irsa', 'node-role', 'mixed'] as const)(
    'wants a restart of the workload whose settled pod is on %s',
    (identity) => {
      const other = aWorkload({ name: 'snapshotter' });
      const fine = good({ name: 'fine', owner: { kind: 'Deployment', name: 'snapshotter' } });
      expect(judge([fine, aPod(identity, { name: 'wrong' })], [aWorkload(), other])).toMatchObject({
        verdict: 'restart',
        workloads: [{ kind: 'Deployment', namespace: NAMESPACE, name: 'ebs-csi-controller' }],
        pods: [{ name: 'wrong', identity }],
      });
    },
  );

  it('restarts only in the namespace of the pod, if another namespace has a workload of the same kind and name', () => {
    const workloads = [NAMESPACE, 'shop'].map((namespace) => aWorkload({ namespace }));
    const wrong = aPod('irsa', { name: 'wrong', namespace: 'shop' });
    expect(judge([good(), wrong], workloads)).toMatchObject({
      verdict: 'restart',
      workloads: [{ kind: 'Deployment', namespace: 'shop', name: 'ebs-csi-controller' }],
    });
    const leniency = { ...NO_LENIENCY, hopeless: new Set([wrong.uid]) };
    const evidence = collectEvidence([good(), wrong], accounts);
    expect(judgePods(evidence, [good(), wrong], workloads, onPodIdentity(aSnapshot()), leniency)).toMatchObject({
      verdict: 'restart',
      workloads: [{ namespace: 'shop' }],
    });
  });

  it('names the pod that is not scheduled, and keeps the rollout from completing', () => {
    const { node: _, ...pending } = aPod('node-role', { name: 'new', ready: false, phase: 'Pending' });
    expect(judge([good(), pending], [rolling])).toEqual({
      verdict: 'wait',
      why: 'Deployment ebs-csi-controller is rolling out: 1 of 2 pods are ready, and pod new is not scheduled (for the reason: kubectl -n kube-system describe pod new)',
    });
    for (const other of [
      { ...pending, terminating: true },
      { ...pending, owner: { kind: 'DaemonSet', name: 'ebs-csi-controller' } },
      { ...pending, namespace: 'shop' },
    ]) {
      expect(judge([good(), other], [rolling])).toMatchObject({
        why: 'Deployment ebs-csi-controller is rolling out: 1 of 2 pods are ready',
      });
    }
  });

  it('restarts pods whose identity is unknown, and accepts them if they have the configuration of EKS Pod Identity', () => {
    const dark = aPod('unknown', { name: 'dark' });
    expect(judge([good(), dark])).toMatchObject({ verdict: 'restart', pods: [{ name: 'dark' }] });
    expect(judge([good(), withProfile()])).toEqual({ verdict: 'verified' });
    expect(judge([aPod('irsa'), withProfile()])).toMatchObject({ verdict: 'restart', pods: [{ identity: 'irsa' }] });
    const both = [{ name: 'dark' }, { identity: 'irsa' }];
    expect(judge([aPod('irsa'), dark])).toMatchObject({ verdict: 'restart', pods: both });
    const before = asBefore(aSnapshot(), [anEvidence({ identity: 'unknown' })]);
    expect(judge([aPod('unknown')], [aWorkload()], before).verdict).toBe('verified');
  });

  it('restarts pods with the configuration of EKS Pod Identity in a rollback, also if their identity was unknown before', () => {
    const before = [anEvidence({ identity: 'unknown' })];
    const back = (snapshot = aSnapshot()) => judge([withProfile()], [aWorkload()], asBefore(snapshot, before));
    const pods = [{ identity: 'unknown', level: 'injected' }];
    expect(back()).toMatchObject({ verdict: 'restart', pods });
    expect(back(aSnapshot({ associations: [anAssociation()] })).verdict).toBe('verified');
  });

  it('waits for a pod of a Job, which keeps its identity until it ends, before it restarts others', () => {
    const owner = { kind: 'Job', name: 'nightly' };
    const job = aPod('irsa', { name: 'nightly-1', owner });
    const why = 'pod nightly-1 of Job nightly keeps the identity that it started with until it ends';
    expect(judge([good(), job])).toEqual({ verdict: 'wait', why });
    expect(judge([aPod('irsa'), job])).toEqual({ verdict: 'wait', why });
    expect(judge([good(), { ...job, phase: 'Succeeded' }])).toEqual({ verdict: 'verified' });
    expect(judge([good(), good({ name: 'nightly-2', owner })])).toEqual({ verdict: 'verified' });
    // One of another service account does not count.
    expect(judge([aPod('irsa'), { ...job, serviceAccount: 'shop', labels: {} }]).verdict).toBe('restart');
  });

  const zero = aWorkload({ desired: 0, ready: 0 });
  const zeroNodes = aWorkload({ desired: 0, ready: 0, kind: 'DaemonSet' });
  const ended = aPod('irsa', { name: 'nightly-1', owner: { kind: 'Job', name: 'nightly' }, phase: 'Succeeded' });
  it.each<[string, Pod[], Workload[], RegExp | undefined]>([
    ['a Deployment and a DaemonSet', [], [zero, zeroNodes], /0 replicas, DaemonSet .* has 0 nodes/],
    ['an ended Job', [ended], [], /^pod nightly-1 of Job nightly has ended$/],
    ['no workload', [], [aWorkload({ serviceAccount: 'shop' })], /^no workload uses service account ebs-csi-cont/],
    ['a pod on its way out', [good({ terminating: true })], [zero], undefined],
    ['a DaemonSet that its controller has not seen', [], [{ ...zero, observed: false }], undefined],
    ['a Deployment that has no pod yet', [], [aWorkload()], undefined],
  ])('finds nothing to verify, unless something is to come or to go: %s', (_, pods, workloads, why) =>
    expect(judge(pods, workloads)).toMatchObject(why ? { verdict: 'none', why: matching(why) } : { verdict: 'wait' }),
  );

  it('waits for a workload that was scaled to zero, and restarts nothing', () => {
    const of = aPod('irsa', { name: 'other', owner: { kind: 'Deployment', name: 'off' } });
    const off = aWorkload({ name: 'off', desired: 0 });
    const [waits, restarts] = [good(), aPod('irsa')].map((pod) => judge([pod, of], [aWorkload(), off]));
    expect(waits).toMatchObject({ why: 'Deployment off has not removed its pods yet' });
    expect(restarts).toMatchObject({ workloads: [{ name: 'ebs-csi-controller' }] });
  });

  it('does not wait until a pod that nothing replaces is ready', () => {
    const job = aPod('pod-identity', { name: 'nightly-1', owner: { kind: 'Job', name: 'nightly' }, ready: false });
    expect(judge([good(), job])).toEqual({ verdict: 'verified' });
  });

  it('names no workload for a pod without one', () => {
    const { owner: _, ...bare } = aPod('irsa');
    const pods = [{ name: 'ebs-csi-controller-1' }];
    expect(judge([bare])).toMatchObject({ verdict: 'restart', workloads: [], pods });
  });
});

describe('the warnings if no pod was inspected', () => {
  it('claim no more about pods than was observed', () => {
    const addon = anAddon();
    const still = `but DescribeAddon still shows the role ${ROLE} on add-on ${ADDON}.`;
    const configured = `All pods have the configuration of Pod Identity, ${still}`;
    for (const level of ['injected', 'ready'] as const) expect(roleStillSet(addon, level).message).toBe(configured);
    const unseen = `The associations are as planned, and no pod was inspected, ${still}`;
    expect(roleStillSet(addon, 'api').message).toBe(unseen);
    expect(roleStillSet(addon, 'api').remedy).not.toContain('Nothing has to be done');
  });

  it('explain how to find and restart the pods in each namespace', () => {
    const both = [planned, { ...planned, serviceAccount: 'second' }, { ...planned, namespace: 'shop' }];
    const { message, remedy, status } = podsNotSeen('migrated', ADDON, target, both);
    expect([status, message]).toEqual(['warn', containing('no pod was inspected')]);
    for (const namespace of ['kube-system', 'shop']) {
      expect(remedy).toContain(
        `kubectl -n ${namespace} get deployments,daemonsets,statefulsets -o custom-columns=KIND:.kind,NAME:.metadata.name,ACCOUNT:.spec.template.spec.serviceAccountName`,
      );
      expect(remedy).toContain(`kubectl -n ${namespace} rollout restart KIND/NAME`);
    }
    expect(remedy).toContain(`${SERVICE_ACCOUNT}, second`);
    expect(remedy).toContain('pod-identity identities --cluster dev');
    expect(podsNotSeen('rolled-back', ADDON, target, both).message).toContain('as it was before');
  });

  it('do not call a service account ACTIVE', () => {
    const [there, back] = (['migrated', 'rolled-back'] as const).map((outcome) =>
      podsNotSeen(outcome, SUBJECT, target, [plannedAccount]),
    );
    const shown = (how: string) =>
      new RegExp(`^EKS shows service account payments/api ${how}, but no pod was inspected`);
    expect(there?.message).toMatch(shown('with its Pod Identity association'));
    expect(back?.message).toMatch(shown('as it was before'));
    for (const { message, remedy } of [there!, back!]) {
      expect(message).not.toMatch(/ACTIVE|add-on/);
      expect(remedy).toContain('then for each of api: kubectl -n payments rollout restart KIND/NAME');
    }
  });
});

it('an annotation that was to be removed leads to a warning with the commands to remove it, and to allow the service to remove it', () => {
  const { id, status, message, remedy } = annotationLeft(REF, { ...target, cluster: 'payments-prod' });
  expect([id, status]).toEqual(['annotation-left', 'warn']);
  expect(message).toMatch(/of service account payments\/api was not removed.*on Pod Identity nevertheless/);
  // Set off by blanks, so that nothing else is copied with it.
  expect(remedy).toContain(' kubectl -n payments annotate serviceaccount api eks.amazonaws.com/role-arn- ');
  expect(remedy).toMatch(
    / pod-identity grant-access --cluster payments-prod .*--service-account payments\/api --annotation remove --deployed$/,
  );
});

describe('the pods that are expected after a rollback', () => {
  const before = (...identities: PodIdentity[]) => identities.map((identity) => anEvidence({ identity }));
  const back = (had: PodIdentity[], pods: Pod[], associations = [] as ReturnType<typeof anAssociation>[]): string =>
    judge(pods, [aWorkload()], asBefore(aSnapshot({ associations }), before(...had))).verdict;

  it('accept IRSA, regardless of the former identity', () => {
    expect([back(['irsa'], [aPod('irsa')]), back(['node-role'], [aPod('irsa')])]).toEqual(['verified', 'verified']);
    expect(back([], [aPod('irsa')])).toBe('verified');
  });
  it.each(['node-role', 'mixed', 'pod-identity'] as const)(
    'takes %s where a pod of the service account had it, and only there',
    (identity) => {
      expect(back(['irsa', identity], [aPod(identity)])).toBe('verified');
      expect(back(['irsa'], [aPod(identity)])).toBe('restart');
    },
  );
  it('accept Pod Identity if the snapshot has an association for the service account', () => {
    expect(back(['irsa'], [aPod('pod-identity')], [anAssociation()])).toBe('verified');
    expect(back(['irsa'], [aPod('pod-identity')], [anAssociation({ serviceAccount: 'another' })])).toBe('restart');
    expect(back(['irsa'], [aPod('node-role')], [anAssociation()])).toBe('restart');
  });
  it('are decided for each service account separately', () => {
    const both = aSnapshot({ planned: [planned, { ...planned, serviceAccount: 'second' }] });
    const had = before('node-role', 'not-applicable').map((one) => ({ ...one, serviceAccount: 'second' }));
    const { identities } = asBefore(both, had);
    const expected = { [SERVICE_ACCOUNT]: ['irsa', 'unknown'], second: ['irsa', 'unknown', 'node-role'] };
    expect(Object.fromEntries([...identities].map(([name, all]) => [name, [...all]]))).toEqual(expected);
  });
  it('needs no pods where there were none, and waits for them where there were', () =>
    expect([back([], []), back(['not-applicable'], []), back(['irsa'], [])]).toEqual(['verified', 'verified', 'wait']));
  it('waits for readiness all the same', () => expect(back(['irsa'], [aPod('irsa', { ready: false })])).toBe('wait'));
});
