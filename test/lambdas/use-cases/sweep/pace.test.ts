import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { MigrationError, type ErrorName } from '../../../../lambdas/domain/failures/errors.ts';
import { randomFrom } from '../../../../lambdas/domain/text/random.ts';
import { BACKOFF, backoff, MOST_ATTEMPTS, RESERVE } from '../../../../lambdas/runtime/retry.ts';
import { paceOf, Pacer } from '../../../../lambdas/use-cases/sweep/pace.ts';
import { VirtualClock } from '../../../../sandbox/clock/clock.ts';
import { FakeClock } from '../../fakes.ts';
import { expectError } from '../../matchers.ts';
import { forAllAsync } from '../../../for-all.ts';

const nameOf = (error: unknown): ErrorName => (error instanceof MigrationError ? error.name : 'ConnectionLost');

describe('a pacer', () => {
  it('begins at most so many calls in any window, however long each takes, and is not slower than it has to be', async () =>
    forAllAsync(
      undefined,
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      fc.array(fc.integer({ min: 0, max: 3000 }), { minLength: 1, maxLength: 80 }),
      fc.boolean(),
      async (rate, durations, used) => {
        const clock = new FakeClock();
        const began = clock.now();
        const pacer = new Pacer(rate, clock, { used });
        const starts: number[] = [];
        for (const duration of durations) {
          await pacer.turn();
          starts.push(clock.now());
          clock.advance(duration);
        }
        for (const start of starts)
          expect(
            starts.filter((one) => one >= start && one < start + pacer.windowMilliseconds).length,
          ).toBeLessThanOrEqual(pacer.most);
        // In the long run no more than the rate.
        const seconds = (starts.at(-1)! - began) / 1000;
        expect(starts.length).toBeLessThanOrEqual(pacer.most + seconds * rate + 1e-6);
        expect(starts[0]! - began).toBeGreaterThanOrEqual(used ? Math.floor(pacer.windowMilliseconds) : 0);
        // Each waits for the call before it, or for the window: at most a millisecond, to which it is rounded, for
        // each window.
        const busy = durations.slice(0, -1).reduce((sum, one) => sum + one, 0);
        const windows = Math.ceil(starts.length / pacer.most) + 1;
        expect(starts.at(-1)! - began).toBeLessThanOrEqual(busy + windows * (pacer.windowMilliseconds + 1));
      },
    ));

  it('makes up within a second for what other calls took of it', async () => {
    const clock = new FakeClock();
    const pacer = new Pacer(5, clock);
    const began = clock.now();
    for (let second = 0; second < 10; second += 1) {
      for (let call = 0; call < 5; call += 1) await pacer.turn();
      clock.advance(900);
    }
    expect(clock.now() - began).toBe(9900);
  });

  it('begins no more than that where several ask at once, and lets each have its turn', async () =>
    forAllAsync(
      30,
      fc.double({ min: 0.1, max: 100, noNaN: true }),
      fc.integer({ min: 2, max: 8 }),
      fc.integer({ min: 1, max: 20 }),
      async (rate, callers, calls) => {
        const clock = new VirtualClock(0);
        const pacer = new Pacer(rate, clock);
        const starts: { caller: number; at: number }[] = [];
        const call = async (caller: number): Promise<void> => {
          for (let made = 0; made < calls; made += 1) {
            await pacer.turn();
            starts.push({ caller, at: clock.now() });
          }
        };
        await clock.spawn(() => Promise.all(Array.from({ length: callers }, (_, caller) => call(caller))));
        for (const { at } of starts)
          expect(
            starts.filter((one) => one.at >= at && one.at < at + pacer.windowMilliseconds).length,
          ).toBeLessThanOrEqual(pacer.most);
        // A millisecond for each window, to which it is rounded.
        const windows = Math.ceil((callers * calls) / pacer.most) - 1;
        expect(starts.at(-1)?.at ?? 0).toBeLessThanOrEqual(windows * (pacer.windowMilliseconds + 1));
        // Each in its turn.
        const made = Array.from({ length: callers }, () => 0);
        for (const { caller } of starts) {
          made[caller] = (made[caller] ?? 0) + 1;
          expect(Math.max(...made) - Math.min(...made)).toBeLessThanOrEqual(1);
        }
      },
    ));

  it('waits on where a timer was early', async () => {
    const clock = new FakeClock();
    const early = {
      now: () => clock.now(),
      sleep: async (milliseconds: number) => clock.advance(Math.max(1, milliseconds - 3)),
    };
    const pacer = new Pacer(1, early);
    await pacer.turn();
    const first = clock.now();
    await pacer.turn();
    expect(clock.now() - first).toBe(1000);
  });
});

describe('a backoff', () => {
  it('is a random share of a bound that doubles, up to the cap', () => {
    expect([1, 2, 3, 4, 5, 6, 7].map((attempt) => backoff(attempt, 0.999_999_9))).toEqual([
      999, 1999, 3999, 7999, 15_999, 19_999, 19_999,
    ]);
    expect(backoff(3, 0)).toBe(0);
    expect(backoff(30, 0.5)).toBe(BACKOFF.cap / 2);
  });
  it('is the same for the same text, another for another, and within its bounds', () => {
    const series = (text: string): number[] => {
      const random = randomFrom(text);
      return Array.from({ length: 200 }, random);
    };
    expect(series('a')).toEqual(series('a'));
    expect(series('a')).not.toEqual(series('b'));
    expect(new Set(series('a')).size).toBe(200);
    for (const one of series('a')) expect(one >= 0 && one < 1).toBe(true);
  });
});

const paced = (remaining = 900_000, callsPerSecond = 5) => {
  const clock = new FakeClock();
  const end = clock.now() + remaining;
  return {
    clock,
    pace: paceOf({ callsPerSecond, clock, random: () => 0.999_999_9, remainingTime: () => end - clock.now() }),
  };
};
/** Fails so often, with that. */
const failing = (times: number, error: ErrorName = 'Throttled') => {
  let calls = 0;
  return {
    calls: () => calls,
    call: async (): Promise<string> => {
      calls += 1;
      if (calls <= times) throw new MigrationError(error, `attempt ${calls}`);
      return 'answer';
    },
  };
};

describe('a pace', () => {
  it.each(['Throttled', 'ServiceUnavailable', 'ConnectionLost'] as const)('counts repeats after %s', async (name) => {
    const { pace, clock } = paced();
    const { call, calls } = failing(3, name);
    expect([await pace.around('eks', call, nameOf), calls(), pace.calls()]).toEqual(['answer', 4, { eks: 4 }]);
    expect(clock.slept).toEqual([999, 1999, 3999]);
  });

  it('gives up after so many attempts, with what the last one was refused with', async () => {
    const { pace } = paced();
    const { call, calls } = failing(100);
    await expect(pace.around('iam', call, nameOf)).rejects.toThrow(`attempt ${MOST_ATTEMPTS}`);
    expect(calls()).toBe(MOST_ATTEMPTS);
    expect(pace.calls()).toEqual({ iam: MOST_ATTEMPTS });
  });

  it.each(['AccessDenied', 'NotFound', 'InvalidRequest', 'Busy'] as const)('is not repeated after %s', async (name) => {
    const { pace } = paced();
    const { call, calls } = failing(1, name);
    await expectError(pace.around('eks', call, nameOf), name);
    expect(calls()).toBe(1);
  });

  it('does not ask an API server again, nor hold its calls back', async () => {
    const { pace, clock } = paced(900_000, 0.1);
    await expectError(pace.around('kubernetes', failing(1).call, nameOf), 'Throttled');
    for (let call = 0; call < 10; call += 1) await pace.around('iam', async () => 'answer', nameOf);
    expect([clock.slept, pace.calls()]).toEqual([[], { kubernetes: 1, iam: 10 }]);
  });

  it('throws what is no error of AWS as it is', async () => {
    const { pace } = paced();
    const defect = new TypeError('x is not a function');
    await expect(
      pace.around(
        'eks',
        () => Promise.reject(defect),
        () => 'InvalidRequest',
      ),
    ).rejects.toBe(defect);
  });

  it('never waits into the time that is kept for writing', async () => {
    const { pace, clock } = paced(RESERVE + 20_000);
    const began = clock.now();
    await expectError(pace.around('eks', failing(100).call, nameOf), 'OutOfTime');
    expect(clock.now() - began).toBeLessThanOrEqual(20_000);
    expect(clock.now() - began).toBeGreaterThan(10_000);
  });

  it('has what a call wants beforehand before its turn, so that it leaves when it is begun', async () => {
    const { pace, clock } = paced();
    const left: number[] = [];
    const call = async (): Promise<void> => void left.push(clock.now());
    for (let index = 0; index < 12; index += 1)
      await pace.around('eks', call, nameOf, async () => (index === 0 ? clock.sleep(400) : undefined));
    for (const at of left) expect(left.filter((one) => one >= at && one < at + 1000).length).toBeLessThanOrEqual(5);
    expect(pace.calls()).toEqual({ eks: 12 });
  });

  it('asks again for what a call wants beforehand, as for the call, and makes none without it', async () => {
    const { pace } = paced();
    const [session, refused] = [failing(2), failing(1, 'AccessDenied')];
    const call = failing(0);
    expect(await pace.around('eks', call.call, nameOf, session.call)).toBe('answer');
    await expectError(pace.around('eks', call.call, nameOf, refused.call), 'AccessDenied');
    expect([[session.calls(), refused.calls(), call.calls()], pace.calls()]).toEqual([[3, 1, 1], { eks: 1 }]);
  });

  it('counts others of it apart, and has them share its turns', async () => {
    const { pace, clock } = paced(900_000, 1);
    const [one, other] = [pace.another(), pace.another()];
    const began = clock.now();
    for (const each of [pace, one, other, other]) await each.around('eks', async () => 'answer', nameOf);
    expect([pace, one, other].map((each) => each.calls())).toEqual([{ eks: 1 }, { eks: 1 }, { eks: 2 }]);
    expect(clock.now() - began).toBe(3000);
  });

  it('ends a wait that others have made too long', async () => {
    const clock = new VirtualClock(0);
    const end = RESERVE + 25_000;
    const pace = paceOf({ callsPerSecond: 0.1, clock, random: () => 0, remainingTime: () => end - clock.now() });
    const ends = await clock.spawn(() =>
      Promise.allSettled(
        Array.from({ length: 5 }, () => pace.another().around('eks', async () => clock.now(), nameOf)),
      ),
    );
    expect(ends.map((each) => (each.status === 'fulfilled' ? each.value : (each.reason as Error).name))).toEqual([
      0,
      10_000,
      20_000,
      'OutOfTime',
      'OutOfTime',
    ]);
    expect(clock.now()).toBeLessThanOrEqual(end - RESERVE);
  });

  it('does not begin a call whose turn comes too late', async () => {
    const { pace } = paced(RESERVE + 5000, 0.1);
    await pace.around('eks', async () => 'answer', nameOf);
    const late = failing(0);
    await expectError(pace.around('eks', late.call, nameOf), 'OutOfTime');
    expect([late.calls(), pace.calls()]).toEqual([0, { eks: 1 }]);
  });
});
