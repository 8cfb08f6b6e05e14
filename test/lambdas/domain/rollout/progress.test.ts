import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Node, Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { BrokenPod, Progress } from '../../../../lambdas/domain/rollout/model.ts';
import { blockedRollout, brokenOf, brokenPods, healthyPods } from '../../../../lambdas/domain/rollout/broken.ts';
import { allowanceSeconds, progressOf, seenOf } from '../../../../lambdas/domain/rollout/progress.ts';
import { isBeingReplaced, isSettled, NO_LENIENCY } from '../../../../lambdas/domain/rollout/settled.ts';
import { heldBackBy, hopelessPods, judgeStall, type Situation } from '../../../../lambdas/domain/rollout/stall.ts';
import { stuckBecause } from '../../../../lambdas/domain/rollout/stuck.ts';
import {
  durationText,
  failingText,
  paceText,
  stalledText,
  hopelessText,
} from '../../../../lambdas/domain/rollout/text.ts';
import { aNode, aPod, at, aWorkload, MIGRATION_ID, NOW } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const NAME = 'ebs-csi-controller';
const unready = (change: Partial<Pod> = {}): Pod => aPod('pod-identity', { ready: false, ...change });
const progressed = (change: Partial<Progress> = {}): Progress => ({
  of: 'pod-identity.0-1',
  startedAt: at(-5000),
  since: at(-1000),
  ready: 3,
  others: 5,
  newest: at(-1200),
  observed: 1,
  ...change,
});

it('seenOf counts pods that are ready with the right identity, and all other pods', () => {
  const pods = [
    { pod: aPod('pod-identity', { createdAt: at(-30) }), right: true },
    { pod: aPod('pod-identity', { createdAt: at(-10), ready: false }), right: true },
    { pod: aPod('pod-identity', { createdAt: at(-5), terminating: true }), right: true },
    { pod: aPod('irsa'), right: false },
  ];
  const workloads = [aWorkload({ observed: false }), aWorkload({ observed: true })];
  expect(seenOf(pods, workloads)).toEqual({ ready: 1, others: 2, newest: at(-30), observed: 1 });
});

describe('progressOf', () => {
  const { of, startedAt: _s, since: _a, ...same } = progressed();
  it.each<[string, object, boolean]>([
    ['nothing', {}, false],
    ['one more pod is ready', { ready: 4 }, true],
    ['one old pod fewer', { others: 4 }, true],
    ['a newer pod has become ready', { newest: at(-20) }, true],
    ['the controller has seen the new template', { observed: 2 }, true],
    ['a ready pod is unready again', { ready: 2 }, false],
    ['an old pod more', { others: 6 }, false],
  ])('with %s', (_, change, goesOn) => {
    const before = progressed();
    const after = progressOf(before, of, { ...same, ...change }, at(0));
    expect(after).toEqual(goesOn ? { ...before, ...change, since: at(0) } : before);
  });
  it('begins again with each round', () => {
    const again = { ...same, of: 'pod-identity.0-2', startedAt: at(0), since: at(0) };
    expect(progressOf(progressed(), 'pod-identity.0-2', same, at(0))).toEqual(again);
  });
  it('does not count pods that alternate between ready and not ready as progress', () =>
    forAll(fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 50 }), (counts) => {
      let progress = progressed();
      for (const ready of counts) progress = progressOf(progress, of, { ...same, ready }, at(0));
      expect(progress).toEqual(progressed());
    }));
});

describe('allowanceSeconds', () => {
  const graceful = aWorkload({ rollout: { minReadySeconds: 20, graceSeconds: 600 } });
  const slow = aPod('irsa', { createdAt: at(-1000), readyAt: at(-500) });
  it.each<[string, Workload[], Pod[], number]>([
    ['nothing at all', [], [], 600],
    ['quick pods', [aWorkload()], [aPod('irsa', { createdAt: at(-60), readyAt: at(-50) })], 600],
    ['a deadline of its own', [aWorkload({ rollout: { progressDeadlineSeconds: 1800 } })], [], 1800],
    ['slow pods with a long grace period', [graceful], [slow], 3 * (500 + 20 + 600)],
  ])('of %s', (_, workloads, pods, expected) => expect(allowanceSeconds(workloads, pods, undefined)).toBe(expected));
  it('includes what the plan observed of pods that are gone', () => {
    const one = { kind: 'Deployment', namespace: 'kube-system', name: NAME, longestStartSeconds: 900 } as const;
    const planned = { ...one, pods: 1, atOnce: 1, secondsEach: 900, seconds: 900 };
    expect(allowanceSeconds([aWorkload()], [], { workloads: [planned] })).toBe(3 * 930);
  });
});

describe('stuckBecause', () => {
  const ending = (change: Partial<Pod> = {}): Pod =>
    aPod('irsa', { terminating: true, deletionDue: at(-600), ready: false, ...change });
  it.each<[string, Pod, Node[] | undefined, RegExp | undefined]>([
    ['its node does not answer', ending(), [aNode({ ready: false })], /node node-1 does not answer.*still be running/],
    ['its node is gone', ending(), [aNode({ name: 'other' })], /node node-1 is gone/],
    ['it never had a node', ending({ node: undefined }), [], /it was never scheduled to a node/],
    ['its node works', ending(), [aNode()], undefined],
    ['nodes may not be read', ending(), undefined, undefined],
    ['its grace period has just ended', ending({ deletionDue: at(-30) }), [aNode({ ready: false })], undefined],
    ['it is not ending', aPod('irsa'), [aNode({ ready: false })], undefined],
  ])('where %s', (_, pod, nodes, expected) =>
    expect(stuckBecause(pod, nodes, NOW) ?? 'nothing').toMatch(expected ?? /^nothing$/),
  );
});

describe('brokenPods', () => {
  const find = (pod: Pod, nodes: Node[] = [aNode()]) => brokenPods([pod], [aWorkload()], { nodes, now: NOW });
  const pending = { ready: false, phase: 'Pending' };
  const looping = { ready: false, createdAt: at(-10), restarts: 4, waiting: ['CrashLoopBackOff'] };
  it.each<[string, Partial<Pod>, string | undefined, RegExp?]>([
    ['works', {}, undefined],
    ['has started a moment ago', { ready: false, createdAt: at(-60) }, undefined],
    ['has ended', { ready: false, phase: 'Failed', reason: 'Evicted' }, undefined],
    ['is ending in time', { terminating: true, deletionDue: at(10) }, undefined],
    ['has no node', { ready: false, phase: 'Pending', node: undefined }, 'pending', /not scheduled to a node since/],
    ['cannot pull its image', { ...pending, waiting: ['ImagePullBackOff'] }, 'pending', /ImagePullBackOff/],
    ['crashes soon after its creation', looping, 'crash-looping', /4 restarts, CrashLoopBackOff/],
    ['is not ready', { ready: false }, 'not-ready', /not ready since/],
    ['is not ready for a moment', { ready: false, unreadySince: at(-20) }, undefined],
    ['is not ready for long', { ready: false, unreadySince: at(-200) }, 'not-ready', new RegExp(`since ${at(-200)}`)],
    ['restarted long ago', { ready: false, unreadySince: at(-20), restarts: 1, lastExitAt: at(-900) }, undefined],
  ])('of a pod that %s', (_, change, trouble, text = /./) => {
    const found = find(aPod('irsa', change));
    expect(found.map((one) => one.trouble)).toEqual(trouble === undefined ? [] : [trouble]);
    for (const one of found) expect(one.text).toMatch(text);
  });
  it('reports a lost node', () => {
    const lost = [aNode({ ready: false })];
    const owner = { kind: 'Deployment', name: NAME };
    const found = find(aPod('irsa', { terminating: true, deletionDue: at(-900) }), lost);
    expect(found).toMatchObject([{ trouble: 'terminating', owner }]);
    expect(find(aPod('irsa', { ready: false }), lost)[0]!.text).toContain('its node node-1 is not ready');
  });
  it('allows slow pods as long as their siblings took', () => {
    const like = aPod('irsa', { name: 'like', createdAt: at(-9000), readyAt: at(-8500) });
    const podsOf = (age: number) => [like, aPod('irsa', { ready: false, createdAt: at(-age) })];
    const of = (age: number) => brokenPods(podsOf(age), [aWorkload()], { nodes: [aNode()], now: NOW }).length;
    expect([of(900), of(1100)]).toEqual([0, 1]);
  });
  it('leaves the other pods for the verification', () => {
    const pods = [aPod('irsa', { name: 'good' }), aPod('irsa', { name: 'bad', ready: false })];
    const broken = brokenPods(pods, [aWorkload()], { nodes: [aNode()], now: NOW });
    expect(healthyPods(pods, broken).map(({ name }) => name)).toEqual(['good']);
  });
});

const brokenOne = (trouble: BrokenPod['trouble'], kind = 'Deployment', uid = 'u'): BrokenPod => ({
  namespace: 'kube-system',
  name: `pod-${uid}`,
  uid,
  serviceAccount: 'sa',
  owner: { kind, name: NAME },
  trouble,
  text: 'broken',
});

it.each<[Partial<Workload>, BrokenPod['trouble'], number, boolean]>([
  [{ kind: 'StatefulSet', desired: 9 }, 'terminating', 1, true],
  [{ kind: 'StatefulSet', desired: 9 }, 'not-ready', 1, true],
  [{ kind: 'StatefulSet', desired: 9 }, 'not-ready', 0, false],
  [{ kind: 'DaemonSet', desired: 150 }, 'terminating', 1, true],
  [{ kind: 'DaemonSet', desired: 150, rollout: { maxUnavailable: '10%' } }, 'terminating', 14, false],
  [{ kind: 'DaemonSet', desired: 150, rollout: { maxUnavailable: '10%' } }, 'not-ready', 15, true],
  [{ kind: 'Deployment', desired: 10 }, 'terminating', 5, false],
  [{ kind: 'Deployment', desired: 10 }, 'not-ready', 2, false],
  [{ kind: 'Deployment', desired: 10 }, 'not-ready', 3, true],
  [{ kind: 'Deployment', desired: 10, recreates: true }, 'not-ready', 3, false],
])('blockedRollout %o with %s pods: %i', (change, trouble, count, blocked) => {
  const workload = aWorkload(change);
  const broken = Array.from({ length: count }, (_, index) => brokenOne(trouble, workload.kind, `u-${index}`));
  expect(blockedRollout(workload, brokenOf(workload, broken)) !== undefined).toBe(blocked);
});

describe('isSettled', () => {
  const rolling = (kind: Workload['kind'], counts: Partial<Workload>): Workload =>
    aWorkload({ kind, settled: false, observed: true, desired: 10, total: 10, ...counts });
  const pod = (kind: string): Pod => aPod('irsa', { uid: 'u', terminating: true, owner: { kind, name: NAME } });
  const stuck = { ...NO_LENIENCY, stuck: new Map([['u', 'away']]) };
  const none = NO_LENIENCY as typeof stuck;
  const broken = { ...NO_LENIENCY, broken: [brokenOne('not-ready')] } as never;
  it.each<[string, Workload, typeof stuck, boolean]>([
    ['a DaemonSet except for a pod on a lost node', rolling('DaemonSet', { updated: 9, ready: 9 }), stuck, true],
    ['a DaemonSet with one more missing', rolling('DaemonSet', { updated: 9, ready: 8 }), stuck, false],
    ['a DaemonSet without any leniency', rolling('DaemonSet', { updated: 9, ready: 9 }), none, false],
    ['a Deployment, whose place another takes', rolling('Deployment', { updated: 9, ready: 9 }), stuck, false],
    ['a Deployment with one unready before', rolling('Deployment', { updated: 10, ready: 9 }), broken, true],
    ['the same with an old pod left', rolling('Deployment', { updated: 10, ready: 9, total: 11 }), broken, false],
    ['an unseen template', rolling('DaemonSet', { updated: 10, ready: 9, observed: false }), stuck, false],
  ])('%s', (_, workload, leniency, expected) =>
    expect(isSettled(workload, [pod(workload.kind)], leniency)).toBe(expected),
  );
});

describe('isBeingReplaced', () => {
  const [old, older, recent] = [-3000, -4000, -10].map((age) => aPod('irsa', { name: `${age}`, createdAt: at(age) }));
  it('goes by the template of the pods, since an old one may be created again after the first new one', () => {
    const of = (hash: string, age: number): Pod =>
      aPod('irsa', { name: `${hash}${age}`, createdAt: at(-age), labels: { 'pod-template-hash': hash } });
    const all = [of('a', 900), of('a', 800), of('b', 60), of('a', 10)];
    const found = all.map((pod) => isBeingReplaced(pod, aWorkload({ observed: true, updated: 1, total: 4 }), all));
    expect(found).toEqual([true, true, false, true]);
  });
  it.each<[string, Pod, Partial<Workload>, boolean]>([
    ['an old pod whose successor is not created', old!, { updated: 0, total: 3 }, true],
    ['an old pod of a rollout', old!, { updated: 1, total: 3 }, true],
    ['the newest pod', recent!, { updated: 1, total: 3 }, false],
    ['a pod of a complete rollout', old!, { updated: 3, total: 3 }, false],
    ['a pod of a template that the controller has not seen', old!, { updated: 3, total: 3, observed: false }, true],
    ['a pod of a workload whose counts are not known', old!, {}, false],
  ])('%s', (_, pod, counts, expected) =>
    expect(isBeingReplaced(pod, aWorkload({ observed: true, ...counts }), [old!, older!, recent!])).toBe(expected),
  );
});

describe('judgeStall', () => {
  const situation = (pods: Pod[], change: Partial<Situation> = {}): Situation => ({
    workloads: [aWorkload({ settled: false, desired: 2 })],
    pods,
    right: new Set(pods.map(({ uid }) => uid)),
    nodes: [aNode()],
    leniency: NO_LENIENCY,
    progress: progressed(),
    allowanceSeconds: 600,
    now: NOW,
    ...change,
  });
  const good = aPod('pod-identity', { name: 'good', readyAt: at(-900) });
  const crashing = unready({ restarts: 9, waiting: ['CrashLoopBackOff'] });
  const before = { ...NO_LENIENCY, broken: [brokenOne('crash-looping')] };

  it.each<[string, Pod, Partial<Situation>, string]>([
    ['crash with the new identity', crashing, {}, 'failing'],
    ['never get ready with it', unready(), {}, 'failing'],
    ['crash, while others still progress', crashing, { progress: progressed({ since: at(-599) }) }, 'progressing'],
    ['are younger than the allowance', unready({ createdAt: at(-500) }), {}, 'held'],
    ['have another identity', crashing, { right: new Set() }, 'held'],
    ['were not ready before either', crashing, { leniency: before }, 'held'],
    ['have no node', unready({ node: undefined, phase: 'Pending' }), {}, 'held'],
    ['cannot pull their image', unready({ phase: 'Pending', waiting: ['ImagePullBackOff'] }), {}, 'held'],
    ['have a container that is not made', unready({ waiting: ['CreateContainerConfigError'] }), {}, 'held'],
    ['are not started by their node', unready({ phase: 'Pending' }), {}, 'held'],
    ['are on a node that is down', crashing, { nodes: [aNode({ ready: false })] }, 'held'],
    ['belong to a Job', unready({ owner: { kind: 'Job', name: 'nightly' } }), {}, 'held'],
    ['are terminating', unready({ terminating: true }), {}, 'held'],
    ['are on a node that is gone', crashing, { nodes: [] }, 'held'],
    ['are old, and unready for a moment', unready({ unreadySince: at(-20) }), {}, 'held'],
    ['are old, and restarted once', unready({ unreadySince: at(-20), restarts: 1, lastExitAt: at(-20) }), {}, 'held'],
    ['are ready between crashes', unready({ unreadySince: at(-20), restarts: 5, lastExitAt: at(-20) }), {}, 'failing'],
  ])('pods that %s', (_, pod, change, expected) =>
    expect(judgeStall(situation([good, pod], change)).is).toBe(expected),
  );

  it('reports pods that nothing replaces and that keep the wrong identity', () => {
    const hopeless = { ...NO_LENIENCY, hopeless: new Set([crashing.uid]) };
    const found = situation([crashing], { right: new Set(), leniency: hopeless });
    expect(judgeStall(found)).toEqual({ is: 'hopeless', pods: [crashing] });
    expect(hopelessText([crashing], at(0))).toMatch(/: kubectl -n kube-system delete pod ebs-csi-controller-1$/);
  });
  const blip = { ready: false, unreadySince: at(-20), restarts: 1 };
  const ofSet = (change: Partial<Pod>): Pod => unready({ owner: { kind: 'StatefulSet', name: NAME }, ...change });
  const [set, rolling] = [{ kind: 'StatefulSet' as const }, { observed: true, updated: 1, total: 2 }];
  it.each<[string, Pod, boolean, Partial<Workload>?, Pod[]?]>([
    ['crashes soon after its creation', unready({ restarts: 2, createdAt: at(-5) }), true],
    ['has crashed once', unready({ restarts: 1, createdAt: at(-5) }), false],
    ['is unready for long', unready(), true],
    ['is only starting', unready({ createdAt: at(-30) }), false],
    ['has no node', unready({ node: undefined }), false],
    ['is ready', aPod('irsa'), false],
    ['is weeks old, and unready for a moment', unready({ unreadySince: at(-20) }), false],
    ['restarted long ago, and is unready for a moment', unready({ ...blip, lastExitAt: at(-900) }), false],
    ['keeps crashing now', unready({ ...blip, restarts: 2, lastExitAt: at(-21) }), true],
    ['is replaced by the rollout', unready({ ...blip, restarts: 2, lastExitAt: at(-21) }), false, rolling, [good]],
    ['is on a node that is down', unready(), false, {}, []],
    ['is of a Job', unready({ owner: { kind: 'Job', name: 'nightly' } }), false],
    ['is of a StatefulSet and restarts once', ofSet({ ...blip, lastExitAt: at(-21) }), false, set],
    ['is of a StatefulSet and keeps crashing', ofSet({ ...blip, waiting: ['CrashLoopBackOff'] }), true, set],
  ])('has no hope for a pod with the wrong identity that %s: %s', (_, pod, expected, change = {}, others) => {
    const workloads = [aWorkload({ settled: false, desired: 2, ...change })];
    const nodes = others?.length === 0 ? [aNode({ ready: false })] : [aNode()];
    // The others are newer.
    const pods = [pod, ...(others ?? []).map((one) => ({ ...one, createdAt: at(-5) }))];
    expect(hopelessPods(situation(pods, { right: new Set(), workloads, nodes }))).toEqual(expected ? [pod] : []);
    expect(hopelessPods(situation([pod], { workloads }))).toEqual([]);
  });

  const another = { kind: 'Deployment', name: 'x' };
  it.each<[string, Partial<Workload>, Pod[], RegExp | undefined]>([
    ['a paused one', { heldBack: 'it is paused' }, [good], /it is paused.*kubectl -n kube-system rollout resume/],
    ['an OnDelete StatefulSet', { kind: 'StatefulSet', heldBack: 'its update strategy is OnDelete' }, [], /one by one/],
    ['no node', {}, [good, unready({ node: undefined })], /ebs-csi-controller-1 is not scheduled to a node \(kubectl/],
    ['an image', {}, [good, unready({ waiting: ['ErrImagePull'] })], /not started: ErrImagePull/],
    ['a quota', {}, [good], /only 1 of 2 pods exist.*quota/],
    ['pods that only take long', {}, [good, unready()], undefined],
    ['a pod of another workload', {}, [good, unready(), unready({ owner: another, node: undefined })], undefined],
  ])('names the reason: %s', (_, change, pods, expected) => {
    const workload = aWorkload({ settled: false, desired: 2, ...change });
    expect(heldBackBy(situation(pods, { workloads: [workload] })) ?? 'nothing').toMatch(expected ?? /^nothing$/);
  });
  it('names a lost node, and does not claim that its pod is dead', () => {
    const lost = aPod('irsa', { uid: 'u', terminating: true, owner: { kind: 'StatefulSet', name: NAME } });
    const why = heldBackBy(
      situation([lost], {
        workloads: [aWorkload({ kind: 'StatefulSet', settled: false, desired: 2 })],
        leniency: { ...NO_LENIENCY, stuck: new Map([['u', 'terminating; its node is gone']]) },
      }),
    );
    expect(why).toMatch(
      /its node is gone \(to continue the rollout, once the node is known to be off: kubectl .* --force/,
    );
  });
});

describe('texts', () => {
  it.each([
    [45, '45 seconds'],
    [1, '1 second'],
    [1080, '18 minutes'],
    [7500, '2 hours 5 minutes'],
    [7200, '2 hours'],
    [3 * 86_400 + 4 * 3600, '3 days 4 hours'],
  ])('durationText(%i)', (seconds, text) => expect(durationText(seconds)).toBe(text));
  it.each([
    [18, 1, 'StatefulSet ledger replaces 18 pods one after the other, 57 seconds each'],
    [200, 20, 'StatefulSet ledger replaces 200 pods 20 at a time, 57 seconds each'],
    [1, 1, 'StatefulSet ledger replaces its pod in 57 seconds'],
  ])('paceText of %i pods, %i at once', (pods, atOnce, text) => {
    const ref = { kind: 'StatefulSet', namespace: 'n', name: 'ledger' };
    const one = { ...ref, secondsEach: 57, seconds: 1, longestStartSeconds: 1 };
    expect(paceText({ ...one, kind: 'StatefulSet', pods, atOnce })).toBe(text);
  });
  it('ends with what to do next', () => {
    expect(failingText([unready({ restarts: 3 })], at(0), 'pod-identity')).toMatch(
      /^A pod fails with Pod Identity.*3 restarts.*Read the logs where you keep them or, until the rollback replaces the pod, with: kubectl -n kube-system logs ebs-csi-controller-1 --all-containers --previous --ignore-errors$/,
    );
    const stalled = { open: 'a pod is not ready', since: at(0), why: undefined, migrationId: MIGRATION_ID };
    expect(stalledText({ ...stalled, towards: 'pod-identity' })).toMatch(
      new RegExp(`no cause was found.*To roll back instead: pod-identity cancel ${MIGRATION_ID} --deployed$`),
    );
    expect(stalledText({ ...stalled, towards: 'before' })).not.toContain('cancel');
  });
});
