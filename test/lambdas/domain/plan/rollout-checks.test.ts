/** What a plan says about how its workloads will replace their pods, and about pods that do not work beforehand. */
import { describe, expect, it } from 'vitest';
import type { Pod, Workload } from '../../../../lambdas/domain/kubernetes/objects.ts';
import type { Check } from '../../../../lambdas/domain/terms/check.ts';
import { type MigrationRequestInput, MOST_DURATION_MINUTES } from '../../../../lambdas/domain/request/request.ts';
import type { Attempt } from '../../../../lambdas/domain/record/plan.ts';
import type { AddonFacts } from '../../../../lambdas/domain/plan/facts.ts';
import { planRollout } from '../../../../lambdas/domain/plan/rollout-checks.ts';
import { aNodePod, aPod, aWorkload, planned } from '../../eks-fixtures.ts';
import { aRequest, IN_PLACE, RECREATE, RECREATE_PRESERVING, someFacts, at } from '../../fixtures.ts';
import { said } from '../../matchers.ts';

const NAME = 'ebs-csi-controller';
const workload = (kind: Workload['kind'], desired: number, change: Partial<Workload> = {}): Workload =>
  aWorkload({ kind, desired, ready: desired, ...change });
/** Pods of that workload, each ready so many seconds after it was created. */
const podsOf = (kind: Workload['kind'], count: number, seconds = 30): Pod[] =>
  Array.from({ length: count }, (_, index) =>
    aPod('irsa', { name: `${NAME}-${index}`, owner: { kind, name: NAME }, readyAt: at(-3600 + seconds) }),
  );
type Request = Partial<MigrationRequestInput>;
type Change = Partial<AddonFacts>;
const plan = (workloads: Workload[], pods?: Pod[], request: Request = {}, attempt = IN_PLACE, change: Change = {}) =>
  planRollout(someFacts({ request: aRequest(request), workloads, pods, readAt: at(0), ...change }), [planned], attempt);
const checkOf = ({ checks }: { checks: Check[] }, id: string) => checks.find((check) => check.id === id);

describe('the duration', () => {
  it.each<[string, Attempt, number]>([
    ['in place', IN_PLACE, 30],
    ['recreate', RECREATE_PRESERVING, 90],
  ])('is that of the rollout, plus the time for EKS and the settling time: %s', (_, attempt, additional) => {
    const { forecast } = plan([workload('StatefulSet', 10)], podsOf('StatefulSet', 10), {}, attempt);
    // Ten pods one after the other: 30 seconds to get ready, two to end.
    expect(forecast).toMatchObject({
      seconds: 320 + additional + 60,
      settleSeconds: 60,
      assumed: false,
      workloads: [{ pods: 10, seconds: 320 }],
    });
  });

  it('passes without a limit, and says what it goes by, and the most where that is far more', () => {
    const seen = plan([workload('StatefulSet', 10)], podsOf('StatefulSet', 10));
    expect(checkOf(seen, 'duration')).toMatchObject({
      status: 'pass',
      message:
        'About 7 minutes, at most 12 minutes with the slowest pods and full grace periods: StatefulSet ebs-csi-controller replaces 10 pods one after the other, 32 seconds each. Based on the time that the running pods took to become ready. The pods are then observed for 60 seconds, which is included.',
    });
    const quick = workload('StatefulSet', 10, { rollout: { graceSeconds: 2 } });
    expect(checkOf(plan([quick], podsOf('StatefulSet', 10)), 'duration')?.message).not.toContain('at most');
  });

  it('passes within the limit', () => {
    const found = plan([workload('StatefulSet', 10)], podsOf('StatefulSet', 10), { maxDurationMinutes: 7 });
    expect(checkOf(found, 'duration')).toMatchObject({ status: 'pass' });
  });

  it('contains no settling time if the pods are not observed, and a longer one for slow probes', () => {
    const slow = workload('StatefulSet', 10, { rollout: { minReadySeconds: 0 } });
    const [container] = slow.containers;
    const probed = { ...slow, containers: [{ ...container!, liveness: { periodSeconds: 30, failureThreshold: 5 } }] };
    const forecastFor = (one: Workload, request: Partial<MigrationRequestInput> = {}) =>
      plan([one], podsOf('StatefulSet', 10), request).forecast!;
    expect(forecastFor(slow, { verification: 'injected' })).not.toHaveProperty('settleSeconds');
    expect(forecastFor(slow, { verification: 'injected' }).seconds).toBe(350);
    expect(forecastFor(probed)).toMatchObject({ settleSeconds: 150, seconds: 500 });
  });
  it.each<[string, number, Pod[], Check['status'], RegExp]>([
    ['over the limit', 5, podsOf('StatefulSet', 10), 'fail', /^Allow more \(--max-duration-minutes 7\), or replace/],
    ['over the limit by a guess', 5, [], 'warn', /^Check whether it really takes that long; if it does/],
  ])('%s', (_, maxDurationMinutes, pods, status, remedy) =>
    expect(checkOf(plan([workload('StatefulSet', 10)], pods, { maxDurationMinutes }), 'duration')).toMatchObject(
      said(status, 'The request allows 5 minutes (maxDurationMinutes).', remedy),
    ),
  );

  it('blocks where it is longer than any migration is waited for, unless that is a guess', () => {
    const days = workload('StatefulSet', Math.ceil((MOST_DURATION_MINUTES * 60) / 32) + 1);
    const durationOf = (...given: Parameters<typeof plan>) => checkOf(plan(...given), 'duration');
    const tooLong = said('fail', 'A migration may take at most 7 days.');
    expect(durationOf([days], podsOf('StatefulSet', 10))).toMatchObject(tooLong);
    const guessed = workload('StatefulSet', MOST_DURATION_MINUTES + 1);
    expect(durationOf([guessed], [])).toMatchObject(said('pass', 'so this is a guess'));
  });

  it('is of the workloads of planned service accounts that have pods alone', () => {
    const others = [
      workload('StatefulSet', 100, { name: 'shop', serviceAccount: 'shop' }),
      workload('StatefulSet', 0, { name: 'off' }),
    ];
    expect(plan(others, [aNodePod()]).checks).toEqual([]);
    const { forecast } = plan([...others, workload('Deployment', 1)], podsOf('Deployment', 1));
    expect(forecast?.workloads).toMatchObject([{ name: NAME }]);
  });

  it('is not known where no pod could be seen: it is a warning where there is a limit', () => {
    expect(plan([], undefined)).toEqual({ checks: [] });
    expect(plan([], undefined, { maxDurationMinutes: 60 }).checks).toMatchObject([{ id: 'duration', status: 'warn' }]);
  });
});

describe('pods that do not work before', () => {
  const crashing = (index: number, kind: Workload['kind'] = 'Deployment'): Pod =>
    aPod('irsa', {
      name: `${NAME}-broken-${index}`,
      owner: { kind, name: NAME },
      ready: false,
      restarts: 3,
      waiting: ['CrashLoopBackOff'],
    });
  const broken = (...given: Parameters<typeof plan>): Check | undefined => checkOf(plan(...given), 'pods-before');

  it('are none: nothing is said, but for what is left over or on its way out', () => {
    const two = workload('Deployment', 2);
    expect(broken([two], podsOf('Deployment', 2))).toBeUndefined();
    const evicted = aPod('irsa', { name: 'old', phase: 'Failed', ready: false, reason: 'Evicted' });
    const ending = aPod('irsa', { name: 'ending', terminating: true, deletionDue: at(20) });
    expect(broken([two], [...podsOf('Deployment', 2), evicted, ending])).toEqual({
      id: 'pods-before',
      status: 'pass',
      message: `All pods that count are ready or starting. Ended, and not counted: old (Evicted). Terminating, and not counted: ending (gone by ${at(20)}).`,
    });
  });

  it('are a warning where the rollout gets past them', () => {
    const found = plan([workload('Deployment', 8)], [...podsOf('Deployment', 7), crashing(0)]);
    const why = /^1 of 8 pods do not work before anything is changed: ebs-csi-.* restarts/;
    const remedy = 'kubectl -n kube-system get pods -o wide';
    expect(checkOf(found, 'pods-before')).toMatchObject(said('warn', why, remedy));
    expect(found.brokenPods).toMatchObject([{ name: `${NAME}-broken-0`, trouble: 'crash-looping' }]);
  });

  const missing = (kind: string, already: number): string =>
    `${kind} ebs-csi-controller allows 1 of 4 pods to be unavailable (maxUnavailable), and ${already} already are`;
  const oneOf = (kind: Workload['kind']): Pod[] => [...podsOf(kind, 3), crashing(0, kind)];
  const twoOf = [...podsOf('Deployment', 2), crashing(0), crashing(1)];
  const NONE_WORKS =
    'No pod of service account ebs-csi-controller-sa works, so nothing would show that the change did no harm';
  it.each<[string, Workload, Pod[], string]>([
    ['no other pod of the service account works', workload('Deployment', 1), [crashing(0)], NONE_WORKS],
    ['more of a Deployment are broken than it may miss', workload('Deployment', 4), twoOf, missing('Deployment', 2)],
    ['as many of a DaemonSet as it may miss', workload('DaemonSet', 4), oneOf('DaemonSet'), missing('DaemonSet', 1)],
    ['a StatefulSet waits', workload('StatefulSet', 4), oneOf('StatefulSet'), 'one pod after the other, and waits'],
  ])('block where %s, unless the request goes by the EKS API', (_, one, pods, why) => {
    expect(broken([one], pods)).toMatchObject(
      said('fail', why, /^Get these pods to work first, or remove them .*[Tt]hen plan again\.$/),
    );
    expect(broken([one], pods, { verification: 'api' })).toMatchObject({ status: 'warn' });
  });

  it('are a warning where a DaemonSet or a Deployment may miss one more', () => {
    const two = { rollout: { maxUnavailable: 2 } };
    for (const kind of ['DaemonSet', 'Deployment'] as const)
      expect(broken([workload(kind, 4, two)], [...podsOf(kind, 3), crashing(0, kind)])?.status).toBe('warn');
    const surging = { rollout: { maxSurge: 2, maxUnavailable: 0 } };
    expect(
      broken([workload('DaemonSet', 4, surging)], [...podsOf('DaemonSet', 3), crashing(0, 'DaemonSet')])?.status,
    ).toBe('warn');
  });

  it('do not block a Deployment whose software is removed and created again, but a StatefulSet', () => {
    const pods = (kind: Workload['kind']): Pod[] => [...podsOf(kind, 2), crashing(0, kind), crashing(1, kind)];
    const status = (kind: Workload['kind'], attempt: Attempt): Check['status'] | undefined =>
      broken([workload(kind, 4)], pods(kind), {}, attempt)?.status;
    expect([status('Deployment', RECREATE), status('Deployment', RECREATE_PRESERVING)]).toEqual(['warn', 'fail']);
    expect(status('StatefulSet', RECREATE)).toBe('fail');
  });

  it('are found by their nodes too, and not where nobody says when the pods were read', () => {
    const lost = aPod('irsa', { name: 'lost', terminating: true, deletionDue: at(-600), node: 'gone' });
    const pods = [...podsOf('Deployment', 8), lost];
    expect(broken([workload('Deployment', 8)], pods)?.message).toContain('its node gone is gone');
    for (const change of [{ nodes: undefined }, { nodes: { error: 'forbidden' } }, { readAt: undefined }])
      expect(broken([workload('Deployment', 8)], pods, {}, IN_PLACE, change)?.message ?? '').not.toContain('is gone');
  });
});
