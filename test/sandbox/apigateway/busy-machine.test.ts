import { expect, test } from 'vitest';
import { ScaledClock } from '../../../sandbox/clock/scaled-clock.ts';
import { echoed, openSession } from './fixture.ts';

test('a function that keeps the machine busy for longer than 29 seconds of a scaled clock does not time out', async () => {
  const times: number[] = [];
  const { call } = openSession({
    clock: (world) => new ScaledClock(1000, world.schedule.now()),
    handler: async (event, clock) => {
      times.push(clock.now());
      const until = performance.now() + 100;
      while (performance.now() < until);
      // The machine's timers that have become due fire before the function returns.
      for (let turn = 0; turn < 3; turn += 1) await new Promise(setImmediate);
      await clock.sleep(100);
      times.push(clock.now());
      return echoed(event);
    },
  });
  expect([await call('GET', '/migrations'), times[1]! - times[0]!]).toMatchObject([{ status: 200 }, 100]);
});
