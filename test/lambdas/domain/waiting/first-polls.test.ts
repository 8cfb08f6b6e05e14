import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstPolls, firstPollsOf, LONGEST_UNSEEN } from '../../../../lambdas/domain/waiting/first-polls.ts';

const lasting = (...seconds: number[]) => ({
  workloads: seconds.map((each) => ({
    kind: 'Deployment' as const,
    namespace: 'kube-system',
    name: 'driver',
    pods: 1,
    atOnce: 1,
    secondsEach: each,
    seconds: each,
    longestStartSeconds: each,
  })),
});

describe('the first poll', () => {
  it('comes shortly before the forecast end of the slowest workload', () =>
    expect(firstPollsOf(lasting(30, 100))).toEqual({ updated: 90, created: 90, deleted: 20 }));
  it('comes as early as EKS can complete, if the pods complete sooner, or without a forecast', () => {
    for (const forecast of [lasting(1), lasting(), undefined])
      expect(firstPollsOf(forecast)).toEqual({ updated: 18, created: 27, deleted: 20 });
  });
  it('comes within minutes even for long forecasts, and is a valid wait', () =>
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (seconds) => {
        const looks = firstPolls.parse(firstPollsOf(lasting(seconds)));
        expect(Math.max(...Object.values(looks))).toBeLessThanOrEqual(LONGEST_UNSEEN);
      }),
    ));
});
