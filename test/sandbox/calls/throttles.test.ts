import { array, assert, double, integer, property, record } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Throttles, type ThrottleInput } from '../../../sandbox/calls/throttles.ts';

const eks = { service: 'eks', account: '111122223333', region: 'eu-west-1' };
const limit = (change: Partial<ThrottleInput> = {}): ThrottleInput => ({
  service: 'eks',
  callsPerSecond: 5,
  ...change,
});
/** Returns how many of the calls at those times are accepted. */
const taken = (throttles: Throttles, times: readonly number[], call = eks): number =>
  times.filter((at) => throttles.take(call, at)).length;
const every = (milliseconds: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => index * milliseconds);

describe('throttles', () => {
  it('accept the calls of a burst at once, and no more', () => {
    expect(taken(new Throttles([limit({ burst: 10 })]), every(0, 30))).toBe(10);
    expect(taken(new Throttles([limit()]), every(0, 30))).toBe(1);
  });

  it('accept calls at exactly the allowed rate', () => {
    for (const callsPerSecond of [0.1, 3, 5, 7, 1000])
      expect(taken(new Throttles([limit({ callsPerSecond })]), every(1000 / callsPerSecond, 1000))).toBe(1000);
  });

  it('take no token for a refused call: excessive calls still get the full rate', () => {
    // A minute with a call every 10 ms.
    expect(taken(new Throttles([limit()]), every(10, 6000))).toBe(300);
  });

  it('keep a bucket for each account and region, and separate ones for those that they name', () => {
    const all = new Throttles([limit()]);
    expect(
      [eks, { ...eks, region: 'us-east-1' }, { ...eks, account: '444455556666' }, eks].map((call) => all.take(call, 0)),
    ).toEqual([true, true, true, false]);
    const one = new Throttles([limit({ account: '444455556666', region: 'us-east-1' })]);
    expect(taken(one, every(0, 5))).toBe(5);
    expect(taken(one, every(0, 5), { ...eks, account: '444455556666', region: 'us-east-1' })).toBe(1);
    expect(taken(one, every(0, 5), { ...eks, service: 'sts' })).toBe(5);
  });

  it('apply together: a call that one throttle refuses counts against none', () => {
    const both = new Throttles([limit({ burst: 3 }), limit({ account: eks.account, burst: 1 })]);
    expect([taken(both, every(0, 5)), taken(both, [200])]).toEqual([1, 1]);
    both.clear();
    expect(taken(both, every(0, 5))).toBe(5);
  });

  it('accept no more in any interval than burst and rate allow, with any arrival times', () => {
    const arbitrary = record({
      callsPerSecond: double({ min: 0.1, max: 50, noNaN: true }),
      burst: integer({ min: 1, max: 20 }),
      gaps: array(integer({ min: 0, max: 3000 }), { maxLength: 200 }),
    });
    assert(
      property(arbitrary, ({ callsPerSecond, burst, gaps }) => {
        const throttles = new Throttles([limit({ callsPerSecond, burst })]);
        let now = 0;
        const times = gaps.flatMap((gap) => {
          now += gap;
          return throttles.take(eks, now) ? [now] : [];
        });
        // For each interval between two calls: the excess of accepted calls.
        const excess = times.flatMap((from, first) =>
          times.slice(first).map((to, later) => later + 1 - burst - ((to - from) * callsPerSecond) / 1000),
        );
        expect(Math.max(0, ...excess)).toBeLessThan(1e-3);
      }),
      { numRuns: 30 },
    );
  });

  it('are refused if they are invalid', () => {
    expect(() => new Throttles([limit({ callsPerSecond: 0 })])).toThrow('Too small');
    expect(() => new Throttles([{ service: 'iam', region: 'eu-west-1', callsPerSecond: 1 }])).toThrow(
      'must be omitted for iam, which has no regions',
    );
  });
});
