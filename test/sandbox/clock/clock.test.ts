import { describe, expect, test } from 'vitest';
import { VirtualClock, VirtualDeadlock } from '../../../sandbox/clock/clock.ts';
import { timeText } from '../../../sandbox/clock/time-text.ts';

const START = Date.parse('2026-01-15T09:00:00.000Z');
const open = () => {
  const clock = new VirtualClock(START, { stuckAfter: { turns: 50, milliseconds: 0 } });
  const seconds = () => (clock.now() - START) / 1000;
  return { clock, seconds };
};

test.each([START, START + 9, START + 59_999.5, START + 60_010, START - 1, -1, 253_402_300_800_000])(
  'the text of %d is that of Date',
  (time) => expect(timeText(time)).toBe(new Date(time).toISOString()),
);

describe('a background timer of a virtual clock', () => {
  test('fires on the way to another timer, at its own time', async () => {
    const { clock, seconds } = open();
    const ticks: number[] = [];
    const tick = (): void => {
      void clock.timer(10_000, { background: true }).elapsed.then(() => {
        ticks.push(seconds());
        return tick();
      });
    };
    tick();
    await clock.spawn(() => clock.sleep(35_000));
    expect([ticks, seconds()]).toEqual([[10, 20, 30], 35]);
  });

  test('does not advance time beyond the last other timer', async () => {
    const { clock, seconds } = open();
    let ticks = 0;
    const tick = (): void => void clock.timer(1000, { background: true }).elapsed.then(() => ((ticks += 1), tick()));
    tick();
    await clock.spawn(() => clock.sleep(500));
    expect([ticks, seconds()]).toEqual([0, 0.5]);
  });

  test('does not wake a thread that waits for nothing else', async () => {
    const { clock, seconds } = open();
    const { elapsed } = clock.timer(1000, { background: true });
    await expect(clock.spawn(() => clock.park(elapsed))).rejects.toBeInstanceOf(VirtualDeadlock);
    expect(seconds()).toBe(0);
  });

  test('keeps its order among timers of the same time', async () => {
    const { clock } = open();
    const order: string[] = [];
    const first = clock.timer(1000, { background: true }).elapsed.then(() => order.push('background, made first'));
    const slept = clock.spawn(() => clock.sleep(1000)).then(() => order.push('another'));
    const second = clock.timer(1000, { background: true }).elapsed.then(() => order.push('background, made last'));
    await Promise.all([first, slept]);
    await clock.spawn(() => clock.sleep(1));
    await second;
    expect(order).toEqual(['background, made first', 'another', 'background, made last']);
  });

  test('can start work that takes time', async () => {
    const { clock, seconds } = open();
    const done: number[] = [];
    void clock
      .timer(1000, { background: true })
      .elapsed.then(() => clock.spawn(() => clock.sleep(500)))
      .then(() => done.push(seconds()));
    await clock.spawn(() => clock.sleep(5000));
    expect(done).toEqual([1.5]);
  });

  test('can be cancelled', async () => {
    const { clock } = open();
    let fired = false;
    const timer = clock.timer(1000, { background: true });
    void timer.elapsed.then(() => (fired = true));
    timer.cancel();
    await clock.spawn(() => clock.sleep(2000));
    expect(fired).toBe(false);
  });
});

describe('a thread that waits for the outside', () => {
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn += 1) await new Promise(setImmediate);
  };

  test('makes time stand still if no timer is left, for any length of time', async () => {
    const { clock, seconds } = open();
    const { promise, resolve } = Promise.withResolvers<string>();
    const waiting = clock.spawn(() => clock.park(promise, { outside: true }));
    // A thread that waits for this one is not a deadlock either.
    const behind = clock.spawn(() => clock.park(waiting));
    await turns(500);
    expect(seconds()).toBe(0);
    resolve('news');
    expect([await Promise.all([waiting, behind]), seconds()]).toEqual([['news', 'news'], 0]);
  });

  test('does not keep time from advancing to a timer, even one created while the clock was idle', async () => {
    const { clock, seconds } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = clock.spawn(() => clock.park(promise, { outside: true }));
    await clock.spawn(() => clock.sleep(5000));
    await turns(500);
    // Created outside of any thread.
    await clock.timer(2000).elapsed;
    expect(seconds()).toBe(7);
    resolve();
    await waiting;
  });

  test('continues like any other: a deadlock afterwards is detected', async () => {
    const { clock } = open();
    const forever = clock.spawn(() => clock.park(new Promise<void>(() => undefined)));
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = clock.spawn(() => clock.park(promise, { outside: true }));
    await turns(500);
    resolve();
    await waiting;
    await expect(forever).rejects.toBeInstanceOf(VirtualDeadlock);
  });

  test('does not keep the machine busy meanwhile', async () => {
    const { clock } = open();
    const { promise, resolve } = Promise.withResolvers<void>();
    const waiting = clock.spawn(() => clock.park(promise, { outside: true }));
    await turns(500);
    expect(process.getActiveResourcesInfo().filter((kind) => kind === 'Immediate')).toEqual([]);
    resolve();
    await waiting;
  });
});

describe('a virtual clock with something outside', () => {
  test('stands still while the outside is busy', async () => {
    let asked = 0;
    const outside = { isBusy: () => (asked += 1) < 5, nextEvent: () => undefined, happen: () => {} };
    const clock = new VirtualClock(START, { outside });
    await clock.spawn(() => clock.sleep(1000));
    expect(clock.now()).toBe(START + 1000);
    expect(asked).toBeGreaterThanOrEqual(5);
  });

  test('stops at each event on the way to a timer, and does not go beyond the timer', async () => {
    const events = [10, 20, 60].map((seconds) => START + seconds * 1000);
    const seen: number[] = [];
    const outside = {
      isBusy: () => false,
      nextEvent: () => events[0],
      happen: (at: number) => {
        while (events[0] !== undefined && events[0] <= at) seen.push(events.shift()!);
      },
    };
    const clock = new VirtualClock(START, { outside });
    await clock.spawn(() => clock.sleep(30_000));
    expect(seen.map((at) => (at - START) / 1000)).toEqual([10, 20]);
    expect(clock.now()).toBe(START + 30_000);
  });
});
