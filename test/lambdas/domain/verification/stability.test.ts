/** The comparison of pods before and after the settling time. */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { BrokenPod } from '../../../../lambdas/domain/rollout/model.ts';
import type { PodEvidence } from '../../../../lambdas/domain/terms/evidence.ts';
import { NO_LENIENCY } from '../../../../lambdas/domain/rollout/settled.ts';
import { collectEvidence } from '../../../../lambdas/domain/verification/pod-identity.ts';
import {
  type Observations,
  type Stability,
  compareObservations,
  restartedBetween,
  usualRestarts,
} from '../../../../lambdas/domain/verification/stability.ts';
import { anEvidence, aNode, aPod, at, aWorkload, SERVICE_ACCOUNT } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const CRASHING: Partial<Pod> = { ready: false, waiting: ['CrashLoopBackOff'] };
const pod = (name: string, change: Partial<Pod> = {}): Pod => aPod('pod-identity', { name, restarts: 0, ...change });
const evidenceOf = (pods: Pod[]): PodEvidence[] => collectEvidence(pods, new Set([SERVICE_ACCOUNT]));
const aBrokenPod = (name: string): BrokenPod => ({
  namespace: 'kube-system',
  name,
  uid: `former-${name}`,
  serviceAccount: SERVICE_ACCOUNT,
  owner: { kind: 'Deployment', name: 'ebs-csi-controller' },
  trouble: 'crash-looping',
  text: 'its containers are crashing',
});

interface Case extends Partial<Omit<Observations, 'before' | 'now' | 'pods' | 'restartedEarlier'>> {
  earlier?: string[];
}
const compare = (before: Pod[], now: Pod[], { earlier = [], ...others }: Case = {}): Stability =>
  compareObservations({
    before: evidenceOf(before),
    now: evidenceOf(now),
    pods: now,
    workloads: [aWorkload({ desired: 3, ready: 3 })],
    right: new Set(now.map(({ uid }) => uid)),
    leniency: NO_LENIENCY,
    restartedEarlier: new Set(earlier.map((name) => `uid-of-${name}`)),
    ...others,
  });
/** Returns the pods that fall short, as `name why`, with `excused` where they are. */
const shortOf = ({ short }: Stability): string[] =>
  short.map((one) => `${one.pod.name} ${one.why}${one.excused ? ' excused' : ''}`);
const readyOf = ({ ready }: Stability): string[] => [...ready].map((uid) => uid.replace('uid-of-', '')).sort();

describe('pods that are observed twice', () => {
  it('are stable if all of them stayed ready, whatever their restart counts were before', () => {
    const pods = [pod('a'), pod('b', { restarts: 7 }), pod('c')];
    const found = compare(pods, pods);
    expect(found).toMatchObject({ is: 'stable', short: [], causes: [], replaced: [] });
    expect(readyOf(found)).toEqual(['a', 'b', 'c']);
  });

  it.each<[string, Partial<Pod>, string]>([
    ['a restart', { restarts: 1 }, 'restarted'],
    ['a restart count that began again', { restarts: 0 }, 'restarted'],
    ['a restart that is not over', { restarts: 1, ...CRASHING }, 'restarted'],
    ['a container that waits for its first restart', { ...CRASHING }, 'restarted'],
    ['a pod that is not ready', { ready: false }, 'not-ready'],
  ])('are unstable after %s, and are not failing yet', (_, change, why) => {
    const restarts = change.restarts === 0 ? 3 : 0;
    const found = compare([pod('a'), pod('b', { restarts })], [pod('a'), pod('b', { restarts, ...change })]);
    expect(found).toMatchObject({ is: 'unstable', causes: [{ pod: { name: 'b' } }] });
    expect([shortOf(found), readyOf(found)]).toEqual([[`b ${why}`], ['a']]);
  });

  it('fail if a container waits for its next restart when the observation ends, and had restarts before', () => {
    const waiting = [pod('a'), pod('b', { restarts: 5, ...CRASHING })];
    const before = [pod('a'), pod('b', { restarts: 5 })];
    expect(compare(before, waiting, { earlier: ['b'] })).toMatchObject({ is: 'failing', causes: [{ grown: 0 }] });
    expect(compare(before, waiting).is).toBe('unstable');
  });

  it('fail if pods of a workload restart that had restarts before, whichever of its pods', () => {
    const now = [pod('a', { restarts: 1 }), pod('b', { restarts: 3 })];
    const before = [pod('a'), pod('b', { restarts: 3 })];
    expect(compare(before, now, { earlier: ['b'] })).toMatchObject({ is: 'failing', causes: [{ pod: { name: 'a' } }] });
    expect(compare(before, now, { earlier: ['of-another-workload'] }).is).toBe('unstable');
    expect(compare(now, now, { earlier: ['b'] }).is).toBe('stable');
  });

  it('are not called ready if they were not for a part of the time, which is no cause by itself', () => {
    const steady = pod('a', { readyAt: at(100) });
    const was = pod('b', { readyAt: at(100) });
    const flapping = pod('b', { readyAt: at(101) });
    const found = compare([steady, was], [steady, flapping]);
    expect([shortOf(found), found.is]).toEqual([['b interrupted'], 'stable']);
    expect(compare([was], [flapping])).toMatchObject({ is: 'unstable', causes: [], ready: new Set() });
  });

  it('are named if they failed and nothing replaces them', () => {
    const failed = { phase: 'Failed', ready: false };
    const job = { owner: { kind: 'Job', name: 'j' } };
    const before = [pod('a'), pod('b', job), pod('c', { owner: undefined }), pod('d'), pod('e', job)];
    const alone = pod('c', { owner: undefined, ...failed });
    const ended = pod('e', { ...job, phase: 'Succeeded', ready: false });
    const [b, f] = ['b', 'f'].map((name) => pod(name, { ...job, ...failed }));
    const found = compare(before, [pod('a'), b!, alone, pod('d', { ...failed, reason: 'Evicted' }), ended, f!]);
    expect([found.is, shortOf(found)]).toEqual(['stable', ['b failed excused', 'c failed excused']]);
  });

  it('do not fail for lack of memory, whichever pods it is', () => {
    const outOfMemory = { restarts: 1, outOfMemory: true } as const;
    const now = ['a', 'b'].map((name) => pod(name, outOfMemory));
    const found = compare([pod('a'), pod('b', { restarts: 1 })], now, { earlier: ['b'] });
    expect(found).toMatchObject({ is: 'unstable', causes: [{ pod: { name: 'a' } }] });
    expect(shortOf(found)).toEqual(['a restarted']);
  });

  it('do not fail for being unready a second time: that is for the rollout to wait for', () => {
    const now = [pod('a', { ready: false, restarts: 2 })];
    expect(compare(now, now, { earlier: ['a'] }).is).toBe('unstable');
  });

  it('leave out pods that joined, which are named and settle nothing again', () => {
    const found = compare([pod('a')], [pod('a'), pod('new'), pod('starting', { ready: false })]);
    expect([found.is, shortOf(found)]).toEqual(['stable', ['new joined', 'starting joined']]);
    expect(readyOf(found)).toEqual(['a']);
  });

  it('are unstable if a pod that joined has another identity, which a restart mends', () =>
    expect(compare([pod('a')], [pod('a'), pod('new')], { right: new Set(['uid-of-a']) })).toMatchObject({
      is: 'unstable',
      causes: [{ why: 'wrong' }],
    }));

  it('are unstable if no pod of a workload was there the whole time, and stable if one was', () => {
    expect(compare([pod('a')], [pod('b')])).toMatchObject({ is: 'unstable', replaced: [{ kind: 'Deployment' }] });
    expect(compare([pod('a'), pod('b')], [pod('b'), pod('c')]).is).toBe('stable');
    expect(compare([pod('a')], []).is).toBe('unstable');
  });

  it('leave out pods on nodes that are not ready', () => {
    const nodes = [aNode(), aNode({ name: 'lost', ready: false })];
    const b = pod('b', { ready: false, node: 'lost' });
    const now = [pod('a'), b, pod('c', { ...CRASHING, restarts: 2, node: 'lost' })];
    const found = compare([pod('a'), pod('b'), pod('c')], now, { nodes, earlier: ['c'] });
    expect([found.is, shortOf(found)]).toEqual(['stable', ['b unready-node', 'c unready-node']]);
    expect(compare([pod('a'), pod('b')], now.slice(0, 2)).is).toBe('unstable');
  });

  it('excuse as many pods of a workload as did not work before', () => {
    const leniency = { ...NO_LENIENCY, broken: [aBrokenPod('x')] };
    const before = [pod('a'), pod('b', { ready: false }), pod('c')];
    const one = [pod('a'), pod('b', { ready: false }), pod('c')];
    expect(compare(before, one, { leniency }).is).toBe('stable');
    expect(shortOf(compare(before, one, { leniency }))).toEqual(['b not-ready excused']);
    const two = [pod('a'), pod('b', { ready: false }), pod('c', { restarts: 1 })];
    expect(compare(before, two, { leniency, earlier: ['b'] }).is).toBe('unstable');
    expect(compare(before, two, { leniency, earlier: ['b', 'c'] }).is).toBe('failing');
  });

  it('never count pods of Jobs against the others, and show nothing if only these existed and have ended', () => {
    const owner = { kind: 'Job', name: 'nightly' };
    const now = [pod('a'), pod('job', { owner, restarts: 4, ready: false })];
    expect(compare([pod('a'), pod('job', { owner })], now, { earlier: ['job'] }).is).toBe('stable');
    expect(compare([pod('job', { owner })], [], { workloads: [] })).toMatchObject({ is: 'unobserved' });
  });

  it('excuse restarts at a rate that was usual before, and no more', () => {
    const hourly = anEvidence({ createdAt: at(-10 * 3600), restarts: 20, identity: 'irsa' });
    const pods = [0, 1, 2].map((index) => ({ ...hourly, uid: `f-${index}` }));
    const former = { pods, readAt: at(0), settleSeconds: 60 };
    const before = [pod('a'), pod('b'), pod('c')];
    const one = [pod('a', { restarts: 1 }), pod('b'), pod('c')];
    expect(compare(before, one, { former, earlier: ['a'] }).is).toBe('stable');
    expect(readyOf(compare(before, one, { former }))).toEqual(['b', 'c']);
    const all = ['a', 'b', 'c'].map((name) => pod(name, { restarts: 1 }));
    expect(compare(before, all, { former, earlier: ['a'] }).is).toBe('failing');
    const rare = { ...former, pods: [anEvidence({ createdAt: at(-86_400), restarts: 1 })] };
    expect(usualRestarts(SERVICE_ACCOUNT, 3, rare)).toBe(0);
    expect(usualRestarts('another', 3, former)).toBe(0);
  });
});

it('restarts between observations are those of pods that were there before', () => {
  const seen = (uid: string, restarts: number) => anEvidence({ uid, restarts });
  const gone = (restarts: number) => anEvidence({ uid: 'x', restarts, excluded: 'gone' });
  const one = [seen('a', 1), anEvidence({ uid: 'b' }), gone(0)];
  const two = [seen('a', 1), seen('b', 1), seen('new', 5), gone(9)];
  expect([[...restartedBetween([one, two])], [...restartedBetween([one, two, two])]]).toEqual([['b'], ['b']]);
  expect([...restartedBetween([one])]).toEqual([]);
});

describe('whatever happens to the pods', () => {
  const OWNERS = [
    { kind: 'Deployment', name: 'ebs-csi-controller' },
    { kind: 'StatefulSet', name: 'ledger' },
    { kind: 'Job', name: 'nightly' },
  ];
  const workloads: Workload[] = [aWorkload(), aWorkload({ kind: 'StatefulSet', name: 'ledger' })];
  const nodes = [aNode(), aNode({ name: 'lost', ready: false })];
  const fate = fc.record({
    owner: fc.constantFrom(...OWNERS),
    grown: fc.constantFrom(0, 0, 0, 1, 4),
    ready: fc.constantFrom(true, true, true, false),
    crashing: fc.constantFrom(false, false, false, true),
    lost: fc.constantFrom(false, false, false, true),
    was: fc.constantFrom('there', 'there', 'there', 'unready', 'absent'),
    goes: fc.constantFrom(false, false, false, true),
    right: fc.constantFrom(true, true, true, true, false),
    earlier: fc.boolean(),
  });
  const world = fc.record({ fates: fc.array(fate, { maxLength: 6 }), broken: fc.nat(2), knowsNodes: fc.boolean() });
  type World = typeof world extends fc.Arbitrary<infer T> ? T : never;

  const run = ({ fates, broken, knowsNodes }: World) => {
    const made = fates.map((one, index) => ({ ...one, name: `p-${index}`, uid: `uid-of-p-${index}` }));
    const before = made
      .filter(({ was }) => was !== 'absent')
      .map(({ name, owner, was }) => pod(name, { owner, restarts: 1, ready: was === 'there' }));
    const now = made
      .filter(({ goes }) => !goes)
      .map(({ name, owner, grown, ready, crashing, lost }) =>
        pod(name, {
          owner,
          restarts: 1 + grown,
          ready: ready && !crashing && !lost,
          ...(crashing ? { waiting: ['CrashLoopBackOff'] } : {}),
          ...(lost ? { node: 'lost' } : {}),
        }),
      );
    const found = compare(before, now, {
      workloads,
      right: new Set(made.filter(({ right }) => right).map(({ uid }) => uid)),
      nodes: knowsNodes ? nodes : undefined,
      leniency: { ...NO_LENIENCY, broken: Array.from({ length: broken }, (_, index) => aBrokenPod(`x-${index}`)) },
      earlier: made.filter(({ earlier }) => earlier).map(({ name }) => name),
    });
    return { made, found };
  };

  it('a pod that restarted, was not ready, joined, or has another identity is never `ready`', () =>
    forAll(world, (given) => {
      const { made, found } = run(given);
      const stayed = made.filter(
        (one) =>
          one.grown === 0 && one.ready && !one.crashing && !one.lost && one.was === 'there' && one.right && !one.goes,
      );
      expect(found.ready).toEqual(new Set(stayed.map(({ uid }) => uid)));
    }));

  it('they fail only because of pods with the right identity that restarted on ready nodes, again', () =>
    forAll(world, (given) => {
      const { made, found } = run(given);
      if (found.is !== 'failing') return;
      for (const { pod: cause } of found.causes) {
        const one = made.find(({ uid }) => uid === cause.uid)!;
        expect(one).toMatchObject({ right: true, was: expect.stringMatching('there|unready') });
        expect(one.grown > 0 || (one.crashing && one.was === 'there')).toBe(true);
        expect(given.knowsNodes && one.lost).toBe(false);
        expect(one.owner.kind).not.toBe('Job');
        const siblings = made.filter(({ owner, goes, earlier }) => owner === one.owner && !goes && earlier);
        expect(siblings.length).toBeGreaterThan(one.owner.kind === 'Deployment' ? given.broken : 0);
      }
    }));

  it('pods that join with the right identity change nothing', () =>
    forAll(world, fc.array(fate, { maxLength: 3 }), (given, joining) => {
      const joined = joining.map((one) => ({ ...one, was: 'absent' as const, right: true, earlier: false }));
      const [alone, together] = [run(given), run({ ...given, fates: [...given.fates, ...joined] })];
      expect([together.found.is, readyOf(together.found)]).toEqual([alone.found.is, readyOf(alone.found)]);
    }));

  it('they are stable only if every workload has a pod that stayed ready, and nothing contradicts it', () =>
    forAll(world, (given) => {
      const { made, found } = run({ ...given, broken: 0 });
      if (found.is !== 'stable') return;
      const shown = made.filter(({ uid }) => found.ready.has(uid)).map(({ owner }) => owner.name);
      expect(shown).toEqual(expect.arrayContaining(workloads.map(({ name }) => name)));
      const contrary = found.short.filter(({ why, excused }) => why === 'wrong' || (why === 'restarted' && !excused));
      expect(contrary).toEqual([]);
    }));
});
