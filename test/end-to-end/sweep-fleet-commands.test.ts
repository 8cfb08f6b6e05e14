/** Sweeps of a small fleet that are paused, that wait for a change window, and that several executions work on. */
import { describe, expect, it } from 'vitest';
import { sweepLimits } from '../../lambdas/domain/sweep/request.ts';
import { POLLS_PER_EXECUTION } from '../../lambdas/domain/sweep/executions.ts';
import { asKnown, expectCaps } from './sweep-watch.ts';
import { type FleetWorld, inFleet, keyOf } from './sweep-world.ts';

const FLEET = { clusters: 6, seed: 5, accounts: 2, regions: ['eu-west-1'], addons: 4 };
const LIMITS = sweepLimits.parse({ canary: 1, concurrency: 2, perAccount: 2, perRegion: 2 });
const MINUTE = 60_000;

const readyIn = ({ expected }: FleetWorld): string[] =>
  expected
    .filter((one) => one.class === 'ready')
    .map(keyOf)
    .sort();
const expectAllMigratedOnce = (world: FleetWorld, { standing }: Awaited<ReturnType<FleetWorld['follow']>>): void => {
  expect(readyIn(world).length).toBeGreaterThan(4);
  expect(standing).toMatchObject({
    outcome: 'completed',
    tally: { queued: 0, inFlight: 0, ended: { migrated: readyIn(world).length } },
  });
  expect(world.begun().map(keyOf).sort()).toEqual(readyIn(world));
};

it('a sweep that is paused lets what is in flight end, starts nothing until it is resumed, and then continues', async () =>
  inFleet(FLEET, async (world) => {
    const { clock } = world.backend;
    const sweepId = await world.start({ limits: LIMITS });
    await world.until(sweepId, ({ wave }) => wave !== undefined && wave.size === LIMITS.concurrency && wave.begun > 0);
    await world.sweeps.command(sweepId, { command: 'pause', reason: 'a release goes out' });
    const pausedAt = clock.now();
    // The tick that was under way may have started some.
    await clock.sleep(MINUTE);
    const before = world.begun();
    await clock.sleep(30 * MINUTE);
    expect(world.begun().map(({ id }) => id)).toEqual(before.map(({ id }) => id));
    const paused = await world.record(sweepId);
    const { tally } = await world.sweeps.show(sweepId);
    expect(paused).toMatchObject({ status: 'paused', command: { command: 'pause', reason: 'a release goes out' } });
    expect(tally).toMatchObject({ inFlight: 0, ended: { migrated: before.length } });
    expect(tally.queued).toBe(readyIn(world).length - before.length);

    await world.sweeps.command(sweepId, { command: 'resume' });
    const swept = await world.follow(sweepId);
    expectAllMigratedOnce(world, swept);
    expect(world.begun().filter(({ at }) => at > pausedAt + MINUTE && at < pausedAt + 30 * MINUTE)).toEqual([]);
    expect(world.sweepExecutions()).toHaveLength(1);
  }));

it('a sweep with a change window starts nothing outside of it, nor do its migrations, and continues in the next one', async () => {
  // Each takes some minutes, so that a window has room for only a few.
  await inFleet({ ...FLEET, change: ({ knobs }) => void (knobs.addonUpdateSeconds = 240) }, async (world) => {
    // A quarter of an hour in each half hour; it is 09:00.
    const [opens, minutes, every] = [10, 15, 30];
    const isOpen = (at: number): boolean => {
      const past = (at / MINUTE) % every;
      return past >= opens && past < opens + minutes;
    };
    const changeWindow = { schedule: `${opens},${opens + every} * * * *`, durationMinutes: minutes, timeZone: 'UTC' };
    const swept = await world.sweep({ limits: { ...LIMITS, concurrency: 1 }, options: { changeWindow } });
    expectAllMigratedOnce(world, swept);
    expect(
      world
        .begun()
        .filter(({ at }) => !isOpen(at))
        .map(({ at }) => new Date(at).toISOString()),
    ).toEqual([]);
    // Each checks the window itself again before it changes anything.
    const first = new Map(
      world
        .changes()
        .toReversed()
        .map((call) => [call.execution, Date.parse(call.at)]),
    );
    expect(first.size).toBe(readyIn(world).length);
    expect([...first.values()].filter((at) => !isOpen(at))).toEqual([]);
    // It took more than one window.
    expect(new Set(world.begun().map(({ at }) => Math.floor(at / (every * MINUTE)))).size).toBeGreaterThan(1);
  });
});

describe('a sweep whose executions have few ticks', () => {
  it('is passed from one to the next, never worked on by two, and has the same result', async () => {
    const ticks = POLLS_PER_EXECUTION - 2;
    await inFleet({ ...FLEET, ticks }, async (world) => {
      const swept = await world.sweep({ limits: LIMITS });
      expectAllMigratedOnce(world, swept);
      expectCaps(
        asKnown(world.begun(), await world.items(swept.standing.sweepId)),
        await world.items(swept.standing.sweepId),
        LIMITS,
      );
      const executions = world.sweepExecutions();
      const { sweepId, executions: count } = await world.record(swept.standing.sweepId);
      expect(executions.length).toBeGreaterThan(3);
      expect(executions.map(({ name }) => name)).toEqual(
        executions.map((_, index) => (index === 0 ? sweepId : `${sweepId}-${index + 1}`)),
      );
      expect([count, new Set(executions.map(({ status }) => status))]).toEqual([
        executions.length,
        new Set(['SUCCEEDED']),
      ]);
      // Nothing is read twice.
      expect(new Set(world.callsOf('take-inventory').map(({ execution }) => execution)).size).toBe(2);
      for (const [index, next] of executions.slice(1).entries())
        expect(
          world
            .callsOf('dispatch-sweep')
            .filter(
              ({ execution, at }) => execution === executions[index]?.arn && Date.parse(at) > next.startedAt + 1000,
            ),
        ).toEqual([]);
    });
  });
});
