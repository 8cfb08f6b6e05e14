import { describe, expect, it } from 'vitest';
import type { SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import type { SweepRequestInput } from '../../../lambdas/domain/sweep/request.ts';
import { countsAsFailed, decideWave, endOf, type WaveInput, needsQueue } from '../../../lambdas/domain/sweep/waves.ts';
import { OUTCOMES } from '../../../lambdas/domain/terms/outcome.ts';
import { aMigration, at, endedAs } from '../fixtures.ts';
import { anItem, aSweep } from './sweep-fixtures.ts';

const queue = (count: number, item: (number: number) => Partial<SweepItem> = () => ({})): SweepItem[] =>
  Array.from({ length: count }, (_, index) => anItem(index, item(index)));
const flying = (count: number): SweepItem[] =>
  queue(count).map((item) => ({ ...item, state: 'in-flight', begunAt: at(0), wave: 1 }));
const look = (
  limits: SweepRequestInput['limits'],
  more: Partial<WaveInput> & { record?: Partial<WaveInput['sweep']> } = {},
): WaveInput => {
  const { record, ...rest } = more;
  return {
    sweep: { ...aSweep({ limits: { perAccount: 100, perRegion: 100, ...limits } }), ...record },
    inFlight: [],
    queued: queue(100),
    windowOpen: true,
    ...rest,
  };
};
const ids = (items: SweepItem[]): string[] => items.map(({ migrationId }) => migrationId);

const decide = (...given: Parameters<typeof look>) => decideWave(look(...given));
const aWave = (number: number, size: number, endedBefore: number, begun = size) => {
  return { number, size, begun, endedBefore };
};

describe('waves', () => {
  it('begin with the canary, in the order of the queue', () =>
    expect(decide({ canary: 3 })).toEqual({ status: 'running', wave: aWave(1, 3, 0), begin: queue(3), done: false }));

  it('start no next wave until all migrations of the current wave have ended', () => {
    const wave = aWave(1, 3, 0);
    const nothing = { status: 'running', wave, begin: [], done: false };
    expect(decide({ canary: 3 }, { inFlight: flying(1), record: { wave, ended: 2 } })).toEqual(nothing);
  });

  it('complete a wave that was partly started', () => {
    const wave = aWave(1, 3, 4);
    const decided = decide({ canary: 3 }, { inFlight: flying(1), record: { wave, ended: 5 } });
    expect(decided.begin).toHaveLength(1);
    expect(decided.wave).toEqual(wave);
  });

  it('double, up to the concurrency', () => {
    const sizes = [1, 2, 4, 8];
    const limits = { canary: 1, concurrency: 10 };
    const after = (size: number) => decide(limits, { record: { wave: aWave(9, size, 7), ended: 7 + size } }).wave;
    expect(sizes.map(after)).toEqual([2, 4, 8, 10].map((size, index) => aWave(10, size, 7 + sizes[index]!)));
  });

  it('roll once they are as large as the concurrency: a migration starts whenever another has ended', () => {
    const rolling = aWave(4, 10, 15);
    const begun = (now: number): number =>
      decide({ concurrency: 10 }, { inFlight: flying(now), record: { wave: rolling, ended: 40 } }).begin.length;
    expect([begun(7), begun(10)]).toEqual([3, 0]);
  });

  it('are no larger than the concurrency, however large the canary', () =>
    expect(decide({ canary: 50, concurrency: 10 }).begin).toHaveLength(10));

  it('wait for the migrations in flight after a sweep was resumed', () => {
    const wave = { number: 3, size: 2, begun: 0 };
    const nothing = { status: 'running', wave, begin: [], done: false };
    expect(decide({ canary: 2 }, { inFlight: flying(1), record: { wave } })).toEqual(nothing);
    expect(decide({ canary: 2 }, { record: { wave, ended: 1 } })).toMatchObject({ wave: aWave(3, 2, 1) });
  });

  it('are over when nothing is in flight and nothing waits', () => {
    expect(decide({}, { queued: [] })).toMatchObject({ begin: [], done: true });
    expect(decide({}, { queued: [], inFlight: flying(1), record: { wave: aWave(1, 1, 0) } }).done).toBe(false);
  });
});

describe('caps', () => {
  const wide = { canary: 50, concurrency: 50 };
  it('are one in a cluster', () => {
    const items = queue(6, (number) => ({ cluster: `cluster-${number % 2}` }));
    expect(decide(wide, { queued: items }).begin).toEqual(items.slice(0, 2));
  });
  const REGIONS = ['eu-west-1', 'us-east-1', 'us-west-2'];
  it('do not confuse clusters with the same name', () => {
    const queued = queue(3, (number) => ({ cluster: 'same', region: REGIONS[number]! }));
    expect(decide(wide, { queued }).begin).toHaveLength(3);
  });
  it('allow one migration per role', () => {
    const role = (name: string): string => `arn:aws:iam::111122223333:role/${name}`;
    const items = ['ab', 'bc', 'c', 'aa', ''].map((names, index) => anItem(index, { roles: Array.from(names, role) }));
    expect(ids(decide(wide, { queued: items }).begin)).toEqual(ids([items[0]!, items[2]!, items[4]!]));
    const inFlight = [anItem(9, { roles: [role('c')], state: 'in-flight' })];
    const { begin } = decide(wide, { queued: items, inFlight, record: { wave: aWave(1, 50, 0, 1) } });
    expect(ids(begin)).toEqual(ids([items[0]!, items[4]!]));
  });
  it('limit migrations per account and per region, including those in flight', () => {
    const locations = queue(40, (number) => ({
      account: number % 2 ? '111122223333' : '444455556666',
      region: number % 4 < 2 ? 'eu-west-1' : 'us-east-1',
    }));
    const counts = (limits: SweepRequestInput['limits'], by: (item: SweepItem) => string): number[] =>
      Object.values(Object.groupBy(decide({ ...wide, ...limits }, { queued: locations }).begin, by)).map(
        (all) => all!.length,
      );
    expect(counts({ perAccount: 3 }, ({ account }) => account)).toEqual([3, 3]);
    expect(counts({ perRegion: 2 }, ({ account, region }) => `${account} ${region}`)).toEqual([2, 2, 2, 2]);
  });
  it('follow the room of a location whose calls wait, and do not limit other locations', () => {
    const locations = queue(12, (number) => ({ region: REGIONS[number % 3]! }));
    const { account } = locations[0]!;
    const rooms = new Map(Object.entries({ [`${account} eu-west-1`]: 2, [`${account} us-east-1`]: 0 }));
    const { begin } = decide(wide, { queued: locations, rooms });
    const counts = [...Map.groupBy(begin, ({ region }) => region)].map(([region, all]) => [region, all.length]);
    expect(Object.fromEntries(counts)).toEqual({ 'eu-west-1': 2, 'us-west-2': 4 });
    // The map is not used up.
    expect(rooms.get(`${account} eu-west-1`)).toBe(2);
  });
  it('that leave no room leave the sweep running', () => {
    const [item] = queue(1);
    const rooms = new Map([[`${item!.account} ${item!.region}`, 0]]);
    expect(decide(wide, { queued: [item!], rooms })).toMatchObject({ status: 'running', begin: [], done: false });
  });
  it('start no migration twice that is both queued and in flight after a crash', () => {
    const [both, ...others] = queue(3);
    const inFlight: SweepItem[] = [{ ...both!, state: 'in-flight' }];
    const record = { wave: aWave(1, 2, 0, 1) };
    const decided = decide({ canary: 2 }, { queued: [both!, ...others], inFlight, record });
    expect(ids(decided.begin)).toEqual(ids(others.slice(0, 1)));
  });
});

describe('a stop', () => {
  const failed = (count: number): string[] => ids(queue(count));
  it('follows a number of failures, and its message has the numbers', () => {
    expect(decide({ stopAfterFailures: 3 }, { inFlight: flying(2), record: { failed: failed(3), ended: 9 } })).toEqual({
      status: 'stopping',
      cause: {
        name: 'SweepStopped',
        message:
          '3 failed migrations of 9 that have ended: it stops after 3. No more migrations were started. Check the failed migrations, then resume the sweep.',
      },
      begin: [],
      done: false,
    });
    expect(decide({ stopAfterFailures: 3 }, { record: { failed: failed(2), ended: 9 } }).status).toBe('running');
  });
  it('follows a percentage of failures, once `concurrency` migrations have ended', () => {
    const limits = { concurrency: 10, stopAfterFailures: 1000, stopAtFailurePercent: 20 };
    const status = (count: number, ended: number) =>
      decide(limits, { record: { failed: failed(count), ended } }).status;
    expect([status(9, 9), status(2, 10), status(1, 10), status(2, 11), status(3, 15)]).toEqual(
      'running stopping running running stopping'.split(' '),
    );
  });
  it('keeps its first cause, and is done when nothing is in flight, even if items are queued', () => {
    const cause = { name: 'SweepStopped', message: 'why' };
    const command = { command: 'resume', at: at(0) } as const;
    const decided = decide({}, { record: { status: 'stopping', cause, command } });
    expect(decided).toMatchObject({ status: 'stopping', cause, begin: [], done: true });
  });
  it('on request names the requester, the time and the reason', () => {
    const command = { command: 'stop', at: at(0), by: 'ada', reason: 'lunch' } as const;
    const cause = { message: `Stopped by ada at ${at(0)}: lunch.` };
    expect(decide({}, { record: { command } })).toMatchObject({ status: 'stopping', begin: [], done: true, cause });
  });
  it('counts failures, and migrations without a known outcome', () =>
    expect([...OUTCOMES, undefined].filter(countsAsFailed)).toEqual(['rolled-back', 'needs-human', undefined]));
});

describe('a pause, and a window that is closed', () => {
  it('start nothing, open no wave, and are done when nothing is left', () => {
    const paused = look({}, { record: { command: { command: 'pause', at: at(0) } } });
    expect(decideWave(paused)).toEqual({ status: 'paused', begin: [], done: false });
    expect(decide({}, { windowOpen: false })).toEqual({ status: 'running', begin: [], done: false });
    expect(decideWave({ ...paused, queued: [] }).done).toBe(true);
  });
  it('continue where they were', () => {
    const wave = aWave(2, 2, 1);
    const over = { wave, ended: 3 };
    expect(decide({}, { windowOpen: false, record: over }).wave).toEqual(wave);
    const command = { command: 'resume', at: at(0) } as const;
    expect(decide({}, { record: { ...over, command } }).wave).toMatchObject({ number: 3, size: 4, begun: 4 });
  });
});

it('the queue is read if something could be started, or if nothing is in flight', () => {
  const full = look({ canary: 2 }, { inFlight: flying(2), record: { wave: aWave(1, 2, 0) } });
  expect([
    needsQueue(full),
    needsQueue({ ...full, inFlight: [] }),
    needsQueue(look({ canary: 2 })),
    needsQueue(look({}, { windowOpen: false, inFlight: flying(1) })),
  ]).toEqual([false, true, true, false]);
});

it('the end of a migration is the outcome in its record, once it has one', () => {
  const failure = { name: 'AddonFailed', message: 'x' };
  expect([endOf(undefined), endOf(aMigration())]).toEqual([undefined, undefined]);
  const end = { outcome: 'rolled-back', endedAt: at(9), failure };
  expect(endOf(aMigration({ ...endedAs('rolled-back', 9), failure }))).toEqual(end);
  const verified = { outcome: 'migrated', verified: 'ready', endedAt: at(9) } as const;
  expect(endOf(aMigration({ status: 'ended', ...verified }))).toEqual(verified);
});
