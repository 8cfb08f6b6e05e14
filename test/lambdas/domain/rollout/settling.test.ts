import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  LEAST_SETTLE_SECONDS,
  MOST_SETTLE_SECONDS,
  settleSeconds,
} from '../../../../lambdas/domain/rollout/settling.ts';
import { aContainer, aWorkload } from '../../fixtures.ts';
import { forAll } from '../../../for-all.ts';

const probed = (periodSeconds: number, failureThreshold: number) =>
  aContainer({ liveness: { periodSeconds, failureThreshold } });

describe('the settling time', () => {
  it.each([
    ['without a workload', [], 60],
    ['without probes', [aWorkload()], 60],
    ['with a quick probe', [aWorkload({ containers: [probed(10, 3)] })], 60],
    ['with a slow probe', [aWorkload({ containers: [aContainer(), probed(30, 5)] })], 150],
    ['with pods that must be ready for long', [aWorkload({ rollout: { minReadySeconds: 90 } }), aWorkload()], 90],
    ['with a probe of an hour', [aWorkload({ containers: [probed(600, 6)] })], 300],
  ])('is long enough %s', (_, workloads, seconds) => expect(settleSeconds(workloads)).toBe(seconds));

  const workloads = fc.array(
    fc.record({
      ready: fc.nat(1000),
      period: fc.integer({ min: 1, max: 600 }),
      threshold: fc.integer({ min: 1, max: 20 }),
    }),
    { maxLength: 5 },
  );
  it('is between its limits, and the longest that any workload needs', () =>
    forAll(workloads, (found) => {
      const all = found.map(({ ready, period, threshold }) =>
        aWorkload({ rollout: { minReadySeconds: ready }, containers: [probed(period, threshold)] }),
      );
      const seconds = settleSeconds(all);
      expect(seconds).toBeGreaterThanOrEqual(LEAST_SETTLE_SECONDS);
      expect(seconds).toBeLessThanOrEqual(MOST_SETTLE_SECONDS);
      expect(seconds).toBe(Math.max(LEAST_SETTLE_SECONDS, ...all.map((one) => settleSeconds([one]))));
      for (const { ready, period, threshold } of found)
        expect(seconds).toBeGreaterThanOrEqual(Math.min(MOST_SETTLE_SECONDS, Math.max(ready, period * threshold)));
    }));
});
