import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pod, RolloutSettings, Workload, WorkloadKind } from '../../../../lambdas/domain/kubernetes/objects.ts';
import { forecastRollout, isOverdue } from '../../../../lambdas/domain/rollout/forecast.ts';
import { readinessOf, spread } from '../../../../lambdas/domain/rollout/readiness.ts';
import { resolveCount, shapeOf } from '../../../../lambdas/domain/rollout/shape.ts';
import { aPod, at, aWorkload } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const NAME = 'shop';
const workloadOf = (kind: WorkloadKind, desired: number, rollout: RolloutSettings = {}, more: Partial<Workload> = {}) =>
  aWorkload({ kind, name: NAME, desired, ready: desired, rollout, ...more });
/** Returns a pod of the workload that became ready this many seconds after its creation. */
const podOf = (kind: string, index: number, seconds: number, change: Partial<Pod> = {}): Pod =>
  aPod('irsa', {
    name: `${NAME}-${index}`,
    uid: `uid-${index}`,
    owner: { kind, name: NAME },
    createdAt: at(-100_000),
    readyAt: at(-100_000 + seconds),
    ...change,
  });
const podsOf = (kind: string, count: number, seconds: number): Pod[] =>
  Array.from({ length: count }, (_, index) => podOf(kind, index, seconds));
const forecast = (workload: Workload, pods: Pod[]) => forecastRollout([workload], pods);

it.each<[number | string | undefined, number, (exact: number) => number, number | string, number]>([
  [3, 10, Math.ceil, 1, 3],
  ['25%', 10, Math.ceil, 1, 3],
  ['25%', 10, Math.floor, 1, 2],
  ['10%', 200, Math.ceil, 1, 20],
  ['0%', 200, Math.ceil, 1, 0],
  [undefined, 200, Math.ceil, 1, 1],
  [undefined, 10, Math.floor, '25%', 2],
  ['many', 10, Math.floor, 1, 1],
  ['25% of all', 10, Math.floor, 1, 1],
  ['about 25%', 10, Math.floor, 1, 1],
])('resolveCount resolves %s of %i pods', (value, total, round, otherwise, expected) =>
  expect(resolveCount(value, total, round, otherwise)).toBe(expected),
);

describe('shapeOf', () => {
  const STILL = { maxSurge: 0, maxUnavailable: 0 };
  const SURGING = { maxUnavailable: 0, maxSurge: '10%' };
  const PAUSED = { heldBack: 'it is paused' };
  const held = workloadOf('Deployment', 3, {}, PAUSED);
  const partitioned = workloadOf('StatefulSet', 18, { maxUnavailable: '50%', partition: 4 });
  it.each<[string, Workload, object]>([
    ['a Deployment by default', workloadOf('Deployment', 10), { atOnce: 5, order: 'surge', toReplace: 10 }],
    ['a Deployment with neither surge nor unavailable pods', workloadOf('Deployment', 10, STILL), { atOnce: 1 }],
    ['a small Deployment', workloadOf('Deployment', 2), { atOnce: 1 }],
    ['one that recreates', workloadOf('Deployment', 10, {}, { recreates: true }), { atOnce: 10, order: 'recreate' }],
    ['a DaemonSet by default', workloadOf('DaemonSet', 200), { atOnce: 1, order: 'in-place' }],
    ['a DaemonSet with a percentage', workloadOf('DaemonSet', 195, { maxUnavailable: '10%' }), { atOnce: 20 }],
    ['a DaemonSet that surges', workloadOf('DaemonSet', 195, SURGING), { atOnce: 20, order: 'surge' }],
    ['a StatefulSet, regardless of maxUnavailable', partitioned, { atOnce: 1, order: 'sequential', toReplace: 14 }],
    ['a partition above all ordinals', workloadOf('StatefulSet', 3, { partition: 9 }), { toReplace: 0 }],
    ['a workload that is held back', held, { ...PAUSED, graceSeconds: 30, minReadySeconds: 0 }],
  ])('describes %s', (_, workload, expected) => expect(shapeOf(workload)).toMatchObject(expected));
});

describe('readinessOf', () => {
  it('measures the seconds from creation to ready', () => {
    const pods = [10, 30, 20].map((seconds, index) => podOf('Deployment', index, seconds));
    expect(readinessOf(pods)).toEqual({ samples: [10, 20, 30], median: 20, longest: 30, assumed: false });
  });
  it.each<[string, Partial<Pod>]>([
    ['is not ready', { readyAt: undefined }],
    ['had a restart', { restarts: 2 }],
    ['was unready since', { readyAt: at(-1000) }],
    ['is terminating', { terminating: true }],
  ])('is an assumption if the only pod %s', (_, change) => {
    const assumption = { samples: [], median: 60, longest: 60, assumed: true };
    expect(readinessOf([podOf('Deployment', 0, 10, change)])).toEqual(assumption);
  });
  it('ignores pods that were unready for a while since', () => {
    const pods = [...podsOf('Deployment', 15, 60), podOf('Deployment', 20, 2400), podOf('Deployment', 21, 3000)];
    expect(readinessOf(pods)).toMatchObject({ median: 60, longest: 60 });
  });
  it('keeps uneven starts', () => {
    const pods = [10, 40, 90, 160, 300].map((seconds, index) => podOf('Deployment', index, seconds));
    expect(readinessOf(pods).samples).toEqual([10, 40, 90, 160, 300]);
  });
  it('spreads them evenly over any number of pods', () =>
    forAll(
      fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 20 }),
      fc.integer({ min: 200, max: 500 }),
      (seconds, count) => {
        const readiness = readinessOf(seconds.map((one, index) => podOf('Deployment', index, one)));
        const mean = (all: number[]): number => all.reduce((sum, one) => sum + one, 0) / all.length;
        const wanted = mean(readiness.samples);
        expect(Math.abs(mean(spread(readiness, count)) - wanted)).toBeLessThanOrEqual(wanted * 0.1 + 1);
      },
    ));
});

describe('forecastRollout', () => {
  it.each<[string, WorkloadKind, number, RolloutSettings, start: number, seconds: number, atMost: number]>([
    // 18 × (55 + 2), 18 × (55 + 30)
    ['a StatefulSet of 18 pods', 'StatefulSet', 18, {}, 55, 1026, 1530],
    // 10 waves × (10 + 2), 10 × (10 + 30)
    ['a DaemonSet on 200 nodes, a tenth at once', 'DaemonSet', 200, { maxUnavailable: '10%' }, 10, 120, 400],
    ['a DaemonSet of 150 pods, one by one', 'DaemonSet', 150, {}, 3, 750, 4950],
    // 2 waves × 20 + 2: 25 % more and 25 % fewer at once
    ['a Deployment of 10', 'Deployment', 10, {}, 20, 42, 70],
    ['slow ends', 'StatefulSet', 3, { minReadySeconds: 30, graceSeconds: 600 }, 10, 126, 1920],
    ['a pod that ends at once', 'StatefulSet', 3, { graceSeconds: 0 }, 10, 30, 30],
    ['a partition', 'StatefulSet', 18, { partition: 17 }, 55, 57, 85],
  ])('forecasts %s', (_, kind, count, settings, start, seconds, atMostSeconds) => {
    const found = forecast(workloadOf(kind, count, settings), podsOf(kind, count, start));
    expect(found).toMatchObject({ seconds, atMostSeconds, assumed: false });
  });
  it('forecasts strategy Recreate', () => {
    const found = forecast(workloadOf('Deployment', 10, {}, { recreates: true }), podsOf('Deployment', 10, 20));
    expect(found).toMatchObject({ seconds: 22, atMostSeconds: 50, assumed: false });
  });

  it('ends with the slowest workload, which it lists first', () => {
    const slow = workloadOf('StatefulSet', 5, {}, { name: 'slow' });
    const owner = { kind: 'StatefulSet', name: 'slow' };
    const ofSlow = [0, 1].map((index) => podOf('StatefulSet', index, 50, { owner }));
    const found = forecastRollout([workloadOf('Deployment', 2), slow], [...podsOf('Deployment', 2, 5), ...ofSlow]);
    expect([found.seconds, found.workloads.map(({ name }) => name)]).toEqual([260, ['slow', NAME]]);
  });
  it('is marked as assumed if there are no samples', () =>
    expect(forecast(workloadOf('StatefulSet', 3), [])).toMatchObject({ seconds: 186, assumed: true }));
  it('has all pods at once if the workload is created again, except for a StatefulSet', () => {
    const secondsOf = (kind: WorkloadKind, count: number) =>
      forecastRollout([workloadOf(kind, count)], podsOf(kind, count, 10), { asNewPods: true }).seconds;
    expect([secondsOf('DaemonSet', 150), secondsOf('StatefulSet', 3)]).toEqual([12, 36]);
  });
  it('takes no time without pods', () => {
    const none = { seconds: 0, atMostSeconds: 0, assumed: false, workloads: [] };
    expect(forecast(workloadOf('Deployment', 0), [])).toEqual(none);
  });
  it('names pods that cannot end', () => {
    const pods = podsOf('StatefulSet', 3, 5);
    const found = forecastRollout([workloadOf('StatefulSet', 3)], pods, { stuck: new Set(['uid-1', 'uid-77']) });
    expect(found.workloads[0]?.stuck).toEqual([`${NAME}-1`]);
  });

  const percentage = fc.nat(100).map((one) => `${one}%`);
  const anyWorkload = fc
    .record({
      kind: fc.constantFrom<WorkloadKind>('Deployment', 'DaemonSet', 'StatefulSet'),
      desired: fc.integer({ min: 1, max: 300 }),
      maxUnavailable: fc.oneof(fc.nat(50), percentage),
      minReadySeconds: fc.integer({ min: 0, max: 60 }),
      graceSeconds: fc.integer({ min: 0, max: 120 }),
    })
    .map(({ kind, desired, ...settings }) => workloadOf(kind, desired, settings));
  const anyStarts = fc.array(fc.integer({ min: 1, max: 600 }), { minLength: 1, maxLength: 30 });
  const podsWith = (workload: Workload, starts: number[]): Pod[] =>
    starts.map((seconds, index) => podOf(workload.kind, index, seconds));

  it('is never longer than one pod after the other, nor shorter than all slots together', () =>
    forAll(anyWorkload, anyStarts, (workload, starts) => {
      const pods = podsWith(workload, starts);
      const [found] = forecast(workload, pods).workloads;
      const { minReadySeconds, graceSeconds, atOnce, toReplace } = shapeOf(workload);
      const { longest, samples } = readinessOf(pods);
      const end = Math.min(2, graceSeconds);
      expect(found!.seconds).toBeLessThanOrEqual(toReplace * (longest + minReadySeconds + end) + 1);
      const least = Math.ceil(toReplace / atOnce) * ((samples[0] ?? 0) + minReadySeconds);
      expect(found!.seconds + 1).toBeGreaterThanOrEqual(least);
      expect(found!.atMostSeconds + 1).toBeGreaterThanOrEqual(found!.seconds);
    }));
  it('grows with the number of pods if no more of them are replaced at once', () =>
    forAll(fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 300 }), (desired, seconds) => {
      const pods = podsOf('StatefulSet', 3, seconds);
      const of = (count: number) => forecast(workloadOf('StatefulSet', count), pods).seconds;
      expect(of(desired + 1)).toBeGreaterThan(of(desired));
    }));
});

it.each<[number, number | undefined, boolean]>([
  [60_000, undefined, false],
  [60_000, 1, false],
  [60_001, 1, true],
])('isOverdue after %i ms with a limit of %s minutes: %s', (passed, limit, expected) =>
  expect(isOverdue(1_000_000, 1_000_000 + passed, limit)).toBe(expected),
);
