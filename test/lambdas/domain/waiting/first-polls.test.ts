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

describe('the first look', () => {
  it('comes shortly before the slowest workload is forecast to be done', () => {
    expect(firstPollsOf(lasting(30, 100))).toEqual({ updated: 90, created: 90, deleted: 20 });
  });
  it('comes as early as EKS may be done, where the pods are done sooner, or nothing is forecast', () => {
    for (const forecast of [lasting(1), lasting(), undefined])
      expect(firstPollsOf(forecast)).toEqual({ updated: 18, created: 27, deleted: 20 });
  });
  it('comes within minutes, however long it takes, and is a time that can be waited', () => {
    assert(
      property(integer({ min: 0, max: 1_000_000 }), (seconds) => {
        const looks = firstPolls.parse(firstPollsOf(lasting(seconds)));
        expect(Math.max(...Object.values(looks))).toBeLessThanOrEqual(LONGEST_UNSEEN);
      }),
    );
  });
});
