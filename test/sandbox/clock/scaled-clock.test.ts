import * as fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { type SandboxClock, VirtualClock } from '../../../sandbox/clock/clock.ts';
import { ScaledClock } from '../../../sandbox/clock/scaled-clock.ts';
import { forAllAsync } from '../../for-all.ts';

const START = Date.parse('2026-01-15T09:00:00.000Z');
const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
const turns = async (count: number): Promise<void> => {
  for (let done = 0; done < count; done += 1) await turn();
};
const never = (): Promise<void> => new Promise<void>(() => undefined);
/** Keeps the processor busy, so that everything else is late. */
const burn = (milliseconds: number): void => {
  const until = performance.now() + milliseconds;
  while (performance.now() < until);
};

describe('with controlled real time', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'clearImmediate', 'performance'] });
  });
  afterEach(() => vi.useRealTimers());

  const open = (scale: number) => {
    const clock = new ScaledClock(scale, START);
    return { clock, elapsed: () => clock.now() - START };
  };
  const pass = (milliseconds: number): Promise<unknown> => vi.advanceTimersByTimeAsync(milliseconds);

  test('time passes at its scale while all threads wait', async () => {
    const { clock, elapsed } = open(1000);
    const slept = vi.fn<() => void>();
    void clock.spawn(() => clock.sleep(50_000)).then(slept);
    await pass(40);
    expect(slept).not.toHaveBeenCalled();
    expect(elapsed()).toBeGreaterThan(35_000);
    await pass(15);
    expect(slept).toHaveBeenCalledOnce();
  });

  test('time stands still while a thread works, and then continues from there', async () => {
    const { clock, elapsed } = open(1000);
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    const fired = vi.fn<() => void>();
    void clock.timer(29_000).elapsed.then(fired);
    const working = clock.spawn(() => work);
    await pass(3_000);
    expect([elapsed(), fired.mock.calls]).toEqual([0, []]);
    finish();
    await working;
    await pass(25);
    expect(fired).not.toHaveBeenCalled();
    await pass(10);
    expect(fired).toHaveBeenCalledOnce();
  });

  test('a single working thread stops time, and a thread that waits for several things counts as waiting', async () => {
    const { clock, elapsed } = open(1000);
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    // Four parks of one thread do not compensate for another thread that works.
    const waiting = clock.spawn(() => Promise.all([1000, 2000, 3000, 4000].map((each) => clock.sleep(each))));
    const working = clock.spawn(() => work);
    await pass(100);
    expect(elapsed()).toBe(0);
    finish();
    await working;
    await pass(10);
    await waiting;
    expect(elapsed()).toBeGreaterThanOrEqual(4000);
  });

  test('a caller that is not a thread neither stops nor advances time', async () => {
    const { clock, elapsed } = open(1000);
    const outside = clock.park(never());
    void outside;
    const { promise: work, resolve: finish } = Promise.withResolvers<void>();
    const working = clock.spawn(() => work);
    const slept = clock.sleep(1000);
    await pass(100);
    expect(elapsed()).toBe(0);
    finish();
    await working;
    await pass(5);
    await slept;
    expect(elapsed()).toBeGreaterThanOrEqual(1000);
  });

  test('a thread that hangs counts as parked after a minute, so that its timeout fires', async () => {
    const { clock, elapsed } = open(1);
    const late = vi.fn<() => void>();
    void clock.timer(30_000).elapsed.then(late);
    void clock.spawn(never);
    await pass(59_500);
    expect(elapsed()).toBe(0);
    await pass(29_000);
    expect(late).not.toHaveBeenCalled();
    await pass(2000);
    expect(late).toHaveBeenCalledOnce();
  });

  test('a thread that pauses in between does not hang, however long it works', async () => {
    const { clock, elapsed } = open(1000);
    const working = clock.spawn(async () => {
      for (let part = 0; part < 4; part += 1) {
        await new Promise((resolve) => setTimeout(resolve, 40_000));
        await clock.sleep(1000);
      }
    });
    await pass(161_000);
    await working;
    expect(elapsed()).toBeGreaterThanOrEqual(4000);
    expect(elapsed()).toBeLessThan(1_000_000);
  });

  test('the scale can be changed, from now on', async () => {
    const { clock, elapsed } = open(1000);
    const slept = vi.fn<() => void>();
    void clock.sleep(100_000).then(slept);
    await pass(50);
    clock.setScale(1);
    await pass(1000);
    expect(elapsed()).toBeGreaterThan(50_000);
    expect(elapsed()).toBeLessThan(52_000);
    clock.setScale(1000);
    await pass(50);
    expect(slept).toHaveBeenCalledOnce();
  });
});

describe('on a slow machine', () => {
  test('time passes no timer that has not fired', async () => {
    const clock = new ScaledClock(1000, START);
    const seen: number[] = [];
    const { timers, began } = await clock.spawn(async () => ({
      began: clock.now(),
      timers: [500, 1000, 1500].map((each) => clock.timer(each).elapsed.then(() => seen.push(clock.now()))),
    }));
    await turn();
    burn(20);
    expect(clock.now() - began).toBe(500);
    await Promise.all(timers);
    expect(seen.map((at) => at - began)).toEqual([500, 1000, 1500]);
  });

  test('no time passes between one thread and the next', async () => {
    const clock = new ScaledClock(1_000_000, START);
    const times = await clock.spawn(async () => {
      const before = clock.now();
      const within = await clock.park(
        clock.spawn(async () => {
          burn(5);
          await turns(5);
          return clock.now();
        }),
      );
      return [within - before, clock.now() - before];
    });
    expect(times).toEqual([0, 0]);
  });

  type Step = { sleep: number } | { work: number };
  const step = fc.oneof(
    fc.record({ sleep: fc.nat({ max: 2000 }) }),
    fc.record({ work: fc.integer({ min: 1, max: 4 }) }),
  );

  /** The times that each thread saw, in order. */
  const run = async (clock: SandboxClock, threads: Step[][]): Promise<string[]> => {
    const seen: string[] = [];
    await clock.spawn(async () => {
      const began = clock.now();
      const all = threads.map((steps, thread) =>
        clock.spawn(async () => {
          for (const each of steps) {
            if ('sleep' in each) await clock.sleep(each.sleep);
            else await turns(each.work);
            seen.push(`${clock.now() - began} ${thread}`);
          }
        }),
      );
      await clock.park(Promise.all(all));
    });
    return seen.toSorted();
  };

  test('threads see the same times as on a virtual clock, even on a busy machine', () =>
    forAllAsync(20, fc.array(fc.array(step, { maxLength: 6 }), { maxLength: 5 }), async (threads) => {
      const noise = setInterval(() => burn(1), 4);
      try {
        expect(await run(new ScaledClock(100_000, START), threads)).toEqual(
          await run(new VirtualClock(START), threads),
        );
      } finally {
        clearInterval(noise);
      }
    }));
});

describe('timers', () => {
  test('fire in the background too, without keeping the process alive', async () => {
    const clock = new ScaledClock(1000, START);
    const before = process.getActiveResourcesInfo().length;
    const inBackground = clock.timer(2000, { background: true });
    const timer = clock.timer(50_000_000);
    expect(process.getActiveResourcesInfo()).toHaveLength(before + 1);
    timer.cancel();
    expect(process.getActiveResourcesInfo()).toHaveLength(before);
    await clock.sleep(5000);
    await inBackground.elapsed;
    expect(clock.now() - START).toBeGreaterThanOrEqual(5000);
  });

  test("do not fire at once if they exceed the machine's longest timeout", async () => {
    const clock = new ScaledClock(1, START);
    let fired = false;
    const timer = clock.timer(40 * 86_400_000, { background: true });
    void timer.elapsed.then(() => (fired = true));
    await clock.sleep(20);
    timer.cancel();
    expect(fired).toBe(false);
  });
});
