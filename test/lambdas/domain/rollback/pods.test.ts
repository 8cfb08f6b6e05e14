import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  judgeRollback,
  mayRemoveAssociations,
  type Replacement,
  replaceNext,
  sortPods,
} from '../../../../lambdas/domain/rollback/pods.ts';
import { sureSessionSeconds } from '../../../../lambdas/domain/rollback/sessions.ts';
import { collectEvidence } from '../../../../lambdas/domain/verification/pod-identity.ts';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { PodIdentity } from '../../../../lambdas/domain/terms/evidence.ts';
import { NO_LENIENCY } from '../../../../lambdas/domain/rollout/settled.ts';
import type { ExpectedPods } from '../../../../lambdas/domain/verification/pods.ts';
import { unreplacedPods } from '../../../../lambdas/domain/verification/unreplaced.ts';
import { aPod, at, NAMESPACE, SERVICE_ACCOUNT, someWorkloads } from '../../fixtures.ts';
import { forAll, forAllIn } from '../../../for-all.ts';

const HOUR = 3600;
const MINUTE = 60;

describe('sureSessionSeconds', () => {
  it.each<[string, number, number]>([
    ['a new pod has a whole session', 0, 6 * HOUR],
    ['an older one what is left of it', 2 * HOUR, 4 * HOUR],
    ['until its SDK asks for the next', 6 * HOUR - 6 * MINUTE, 6 * MINUTE],
    ['which the agent may have had for three hours', 6 * HOUR - 5 * MINUTE, 3 * HOUR],
    ['and less of it later', 8 * HOUR, 55 * MINUTE],
    ['of later ones nobody knows the age: SDKs ask five minutes before the end', 100 * HOUR, 5 * MINUTE],
  ])('%s', (_, age, sure) => expect(sureSessionSeconds(age)).toBe(sure));

  it('is a lower bound for every pod of that age, whenever its agent has refreshed', () => {
    // What an SDK holds: fetched at once, then each time that five minutes are left, of an age that the agent chooses.
    const ages = fc.array(fc.integer({ min: 0, max: 3 * HOUR }), { minLength: 12, maxLength: 12 });
    forAllIn(2000, fc.integer({ min: 0, max: 30 * HOUR }), ages, (age, given) => {
      let end = 6 * HOUR;
      for (const old of given) {
        if (end - age > 5 * MINUTE) break;
        end = end - 5 * MINUTE + 6 * HOUR - old;
      }
      expect(sureSessionSeconds(age)).toBeLessThanOrEqual(Math.max(end - age, 5 * MINUTE));
    });
  });
});

const [deployment] = someWorkloads();
const SETTLED = { desired: 2, ready: 2, settled: true };
const workload = (change: Partial<Workload> = {}): Workload => ({ ...deployment!, ...SETTLED, ...change });
const REMOVED = at(0);
const pod = (name: string, identity: Exclude<PodIdentity, 'not-applicable'>, change: Partial<Pod> = {}): Pod =>
  aPod(identity, { name, createdAt: at(-HOUR), ...change });
const expected: ExpectedPods = { identities: new Map([[SERVICE_ACCOUNT, new Set(['irsa'])]]), mayBeNone: false };

describe('mayRemoveAssociations', () => {
  const many = (count: number, change: Partial<Pod> = {}): Pod[] =>
    Array.from({ length: count }, (_, n) => pod(`p-${n}`, 'pod-identity', { readyAt: at(-HOUR + 30), ...change }));
  const decide = (pods: Pod[], desired: number): ReturnType<typeof mayRemoveAssociations> =>
    mayRemoveAssociations({
      pods,
      workloads: [workload({ kind: 'StatefulSet', desired })],
      leaving: new Set(pods.map(({ uid }) => uid)),
      now: Date.parse(at(0)),
    });
  const owner = { kind: 'StatefulSet', name: deployment!.name };
  const owned = (pods: Pod[]): Pod[] => pods.map((one) => ({ ...one, owner }));

  it('allows the removal if all pods are replaced before the first session can end, and asks otherwise', () => {
    expect(decide(owned(many(18)), 18)).toEqual({ do: 'go' });
    // Of the same pods a week later nobody knows more than five minutes.
    const old = { createdAt: at(-7 * 24 * HOUR), readyAt: at(-7 * 24 * HOUR + 30) };
    const slow = { sureSeconds: 5 * MINUTE, pod: 'p-0' };
    expect(decide(owned(many(18, old)), 18)).toMatchObject({ do: 'ask', slow, unreplaced: [] });
    expect(decide(owned(many(2, old)), 2)).toEqual({ do: 'go' });
  });

  it('does not ask for pods that have nothing to lose, nor because of an assumed forecast', () => {
    const old = { createdAt: at(-7 * 24 * HOUR), readyAt: at(-7 * 24 * HOUR + 30) };
    expect(decide(owned(many(18, { ...old, ready: false })), 18)).toEqual({ do: 'go' });
    expect(decide(owned(many(18, { ...old, terminating: true })), 18)).toEqual({ do: 'go' });
    const { readyAt: _, ...unknown } = many(1, old)[0]!;
    expect(decide(owned([unknown]), 18)).toEqual({ do: 'go' });
  });
});

describe('pods that no rollout replaces', () => {
  const of = (kind: string, change: Partial<Pod> = {}): Pod =>
    pod('task', 'pod-identity', { owner: { kind, name: 'task' }, ...change });
  const { owner: _, ...bare } = pod('task', 'pod-identity');

  it.each<[string, Pod, number | undefined]>([
    ["a Job's pod", of('Job'), 5 * HOUR],
    ['one of a custom resource', of('SparkApplication'), 5 * HOUR],
    ['one without an owner', bare, 5 * HOUR],
    ['one of unknown age of session', of('Job', { createdAt: at(-100 * HOUR) }), 5 * MINUTE],
    ['one that has not started', of('Job', { ready: false, phase: 'Pending' }), 0],
    ['one that ends after its session', of('Job', { endsBy: at(5 * HOUR + 1) }), 5 * HOUR],
    ['none that ends before it', of('Job', { endsBy: at(5 * HOUR) }), undefined],
    ['none that fails', of('Job', { ready: false, restarts: 3 }), undefined],
    ['none that terminates', of('Job', { terminating: true }), undefined],
    ['none of a workload', pod('task', 'pod-identity'), undefined],
  ])('make the removal ask: %s', (__, task, sureSeconds) => {
    const facts = { pods: [task], workloads: [workload()], leaving: new Set([task.uid]), now: Date.parse(at(0)) };
    const asks = { do: 'ask', unreplaced: [{ pod: task, sureSeconds }] };
    expect(mayRemoveAssociations(facts)).toEqual(sureSeconds === undefined ? { do: 'go' } : asks);
  });

  it.each<[string, Pod[], Workload[], string]>([
    ['others are replaced first', [of('Job'), old], [workload()], 'restart'],
    ['others that are rolling out are waited for', [of('Job'), witness], [workload({ settled: false })], 'wait'],
    ['nothing waits for them in the end', [of('Job'), bare, witness], [workload()], 'verified'],
    ['nor where only they run', [of('Job')], [workload({ desired: 0 })], 'verified'],
  ])('hold back no rollback: %s', (__, pods, workloads, verdict) => {
    const observed = looked(pods, workloads);
    expect(judgeRollback(observed).verdict).toBe(verdict);
    expect(observed.unreplaced).toEqual(pods.filter(({ name }) => name === 'task'));
  });
});

const looked = (pods: Pod[], workloads: Workload[] = [workload()], since: string | null = REMOVED) => {
  const evidence = collectEvidence(pods, new Set([SERVICE_ACCOUNT]));
  const sorted = sortPods(evidence, pods, expected);
  const unreplaced = unreplacedPods(sorted.wrong, workloads);
  return { evidence, pods, sorted, unreplaced, workloads, expected, since: since ?? undefined };
};
const next = (...from: Parameters<typeof looked>): [string[], string[], boolean] => {
  const { restart, evict, isWitnessed }: Replacement = replaceNext(looked(...from));
  return [restart.map(({ name }) => name), evict.map(({ pod: { name } }) => name), isWitnessed];
};
const NAME = deployment!.name;
const old = pod('old', 'pod-identity');
const older = pod('older', 'pod-identity', { createdAt: at(-2 * HOUR) });
const straggler = pod('straggler', 'pod-identity', { createdAt: at(9) });
const witness = pod('witness', 'irsa', { createdAt: at(30) });

describe('replaceNext', () => {
  it.each<[string, Parameters<typeof looked>, ReturnType<typeof next>]>([
    ['one pod goes ahead, the oldest', [[old, older]], [[], ['older'], false]],
    ['or one that is of no use', [[pod('broken', 'pod-identity', { ready: false }), older]], [[], ['broken'], false]],
    ['or admitted since, without credentials', [[straggler, older]], [[], ['straggler'], false]],
    ['the rest follows a new one with what it had', [[witness, old]], [[NAME], [], true]],
    ['one that had it all along shows nothing', [[pod('kept', 'irsa'), old]], [[], ['old'], false]],
    ['of a single one the workload is restarted', [[old], [workload({ desired: 1 })]], [[NAME], [], false]],
    ['but not where that one has none already', [[straggler], [workload({ desired: 1 })]], [[], ['straggler'], false]],
    ['where nothing went, all at once', [[old, older], [workload()], null], [[NAME], [], true]],
    ['nothing of those that are right', [[witness]], [[], [], true]],
  ])('%s', (_, from, result) => expect(next(...from)).toEqual(result));

  it('replaces a pod of one of several workloads of a service account first', () => {
    const other = workload({ name: 'other' });
    const ofOther = pod('of-other', 'pod-identity', { owner: { kind: 'Deployment', name: 'other' } });
    expect(next([old, ofOther], [workload(), other])).toEqual([[], ['old'], false]);
    expect(next([witness, old, ofOther], [workload(), other])).toEqual([[NAME, 'other'], [], true]);
  });

  it('evicts the failing pods of a StatefulSet, for which its rollout would wait', () => {
    const owner = { kind: 'StatefulSet', name: 'ledger' } as const;
    const set = workload({ kind: 'StatefulSet', name: 'ledger' });
    const [works, fails] = [pod('ledger-0', 'pod-identity', { owner }), pod('ledger-1', 'pod-identity', { owner })];
    const failing = { ...fails, ready: false };
    expect(next([works, failing], [set], null)).toEqual([['ledger'], ['ledger-1'], true]);
    expect(next([failing], [set], null)).toEqual([[], ['ledger-1'], true]);
    expect(next([{ ...failing, terminating: true }], [set], null)).toEqual([[], [], true]);
    // Nor does it replace its single pod before a new one has shown anything.
    expect(next([failing], [{ ...set, desired: 1 }])).toEqual([[], ['ledger-1'], false]);
    expect(next([works], [{ ...set, desired: 1 }])).toEqual([['ledger'], [], false]);
    // A Deployment replaces its failing pods itself.
    expect(next([{ ...old, ready: false }], [workload()], null)).toEqual([[NAME], [], true]);
  });

  it('never replaces more than one pod without a witness, and never a pod with the expected identity', () => {
    const some = fc.record({
      identity: fc.constantFrom('irsa' as const, 'pod-identity' as const),
      seconds: fc.integer({ min: -HOUR, max: HOUR }),
      ready: fc.boolean(),
    });
    forAll(fc.array(some, { minLength: 1, maxLength: 8 }), fc.integer({ min: 1, max: 8 }), (drawn, desired) => {
      const pods = drawn.map(({ identity, seconds, ready }, n) =>
        pod(`p-${n}`, identity, { createdAt: at(seconds), ready }),
      );
      const isThere = drawn.some(({ identity, seconds }) => identity === 'irsa' && seconds > 0);
      const { restart, evict, isWitnessed } = replaceNext(looked(pods, [workload({ desired })]));
      const wrong = drawn.filter(({ identity }) => identity === 'pod-identity').length;
      expect(isWitnessed).toBe(wrong === 0 || isThere);
      expect(evict.length + (isThere || desired === 1 ? 0 : restart.length)).toBeLessThanOrEqual(1);
      for (const { pod: one } of evict) expect(drawn[Number(one.name.slice(2))]?.identity).toBe('pod-identity');
    });
  });
});

describe('judgeRollback', () => {
  const verdict = (...from: Parameters<typeof looked>): string => judgeRollback(looked(...from)).verdict;
  const rolling = workload({ settled: false, ready: 1 });
  const failing = { ...old, ready: false };
  const second = { ...witness, name: 'w2', uid: 'w2', ready: false };

  it.each<[string, Parameters<typeof looked>, string]>([
    ['pods that are back are verified', [[pod('a', 'irsa'), pod('b', 'irsa')]], 'verified'],
    ['a rollout is waited for', [[old, { ...witness, ready: false }], [rolling]], 'wait'],
    ['but not that of a pod without credentials', [[old, { ...straggler, ready: false }], [rolling]], 'restart'],
    ['a straggler of before the rollout is under way out', [[straggler, witness, second], [rolling]], 'wait'],
    ['pods that fail with the new identity are replaced', [[failing, older], [rolling]], 'restart'],
    ['but not while a rollout replaces them', [[failing, witness], [{ ...rolling, updated: 1, total: 2 }]], 'wait'],
    ['but for those that are going already', [[failing, { ...older, terminating: true }], [rolling]], 'wait'],
  ])('%s', (_, from, result) => expect(verdict(...from)).toBe(result));

  it.each<['StatefulSet' | 'Deployment', boolean, string]>([
    ['StatefulSet', true, 'restart'],
    ['StatefulSet', false, 'wait'],
    ['Deployment', false, 'wait'],
  ])(
    'lets a hopeless pod of a StatefulSet not wait for others that end: %s, hopeless: %s',
    (kind, isHopeless, result) => {
      const owner = { kind, name: 'ledger' };
      const [fails, ends] = [failing, { ...witness, terminating: true }].map((one) => ({ ...one, owner }));
      const observed = looked([fails!, ends!], [{ ...rolling, kind, name: 'ledger' }]);
      const leniency = { ...NO_LENIENCY, hopeless: new Set(isHopeless ? [failing.uid] : []) };
      expect(judgeRollback({ ...observed, leniency }).verdict).toBe(result);
    },
  );

  it('names the workloads and the pods', () =>
    expect(judgeRollback(looked([{ ...old, ready: false }, older], [rolling]))).toMatchObject({
      workloads: [{ kind: 'Deployment', namespace: NAMESPACE, name: NAME }],
      pods: [{ name: 'old' }, { name: 'older' }],
    }));
});
