/**
 * What must hold of every sweep, whatever becomes of its migrations and its looks: over the fake ledger, and over
 * DynamoDB's.
 */
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createDynamoSweeps } from '../../../lambdas/adapters/dynamo-sweeps.ts';
import { MigrationError } from '../../../lambdas/domain/errors.ts';
import type { Outcome } from '../../../lambdas/domain/model.ts';
import type { SweepItem } from '../../../lambdas/domain/sweep/model.ts';
import { newDynamoDb, TABLE } from '../adapters/ledgers.ts';
import { anItem, aSweep, SWEEP_ID } from '../domain/sweep-fixtures.ts';
import { FakeSweeps } from '../fake-sweeps.ts';
import { type Breakable, endedBefore, runSweep, type Story } from './sweep-fleet.ts';

type Crash = Parameters<Breakable['breakAt']>[0];
const crashed = (): MigrationError => new MigrationError('ConnectionLost', 'it broke off');

/** Counts calls down to the one that breaks off; all after it do too, as in a process that is gone. */
class Breaker {
  private left: Crash;
  breakAt = (crash: Crash): void => {
    this.left = crash && { ...crash };
  };
  async around<Answer>(call: () => Promise<Answer>): Promise<Answer> {
    const { left } = this;
    if (!left) return call();
    if (left.call > 0) {
      left.call -= 1;
      return call();
    }
    if (left.when === 'after') {
      left.when = 'before';
      await call();
    }
    throw crashed();
  }
}

function onFake(): Breakable {
  const breaker = new Breaker();
  const inner = new FakeSweeps();
  const sweeps = new Proxy(inner, {
    get: (target, key) => {
      const member: unknown = Reflect.get(target, key);
      return typeof member === 'function'
        ? (...args: unknown[]) => breaker.around(async () => Reflect.apply(member, target, args) as unknown)
        : member;
    },
  });
  return { sweeps, breakAt: breaker.breakAt };
}

/** Each call of DynamoDB may be the last: in between the writes of one move too. */
async function onDynamo(): Promise<Breakable> {
  const breaker = new Breaker();
  const client = await newDynamoDb();
  client.middlewareStack.add((next) => (args) => breaker.around(() => next(args)), {
    step: 'initialize',
    name: 'breaker',
  });
  return { sweeps: createDynamoSweeps({ client, tableName: TABLE }), breakAt: breaker.breakAt };
}

const outcome: fc.Arbitrary<Outcome | undefined> = fc.oneof(
  { weight: 8, arbitrary: fc.constantFrom<Outcome[]>('migrated', 'blocked', 'already-migrated') },
  { weight: 2, arbitrary: fc.constantFrom<(Outcome | undefined)[]>('rolled-back', 'needs-human', undefined) },
);

const story = (most: number): fc.Arbitrary<Story> =>
  fc
    .record({
      limits: fc.record({
        canary: fc.integer({ min: 1, max: 4 }),
        concurrency: fc.integer({ min: 1, max: 12 }),
        perAccount: fc.integer({ min: 1, max: 6 }),
        perRegion: fc.integer({ min: 1, max: 4 }),
        stopAfterFailures: fc.integer({ min: 1, max: 6 }),
        stopAtFailurePercent: fc.integer({ min: 1, max: 100 }),
      }),
      places: fc.array(
        fc.record({
          account: fc.integer({ min: 1, max: 3 }),
          region: fc.integer({ min: 1, max: 2 }),
          cluster: fc.integer({ min: 1, max: 12 }),
          role: fc.integer({ min: 1, max: 15 }),
          outcome,
          seconds: fc.integer({ min: 1, max: 400 }),
        }),
        { minLength: 0, maxLength: most },
      ),
      crashes: fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: 60 }),
          fc.record({
            call: fc.integer({ min: 0, max: 40 }),
            when: fc.constantFrom<('before' | 'after')[]>('before', 'after'),
          }),
        ),
        { maxLength: 12 },
      ),
      commands: fc.array(
        fc.tuple(
          fc.integer({ min: 0, max: 40 }),
          fc.constantFrom<('pause' | 'resume' | 'stop')[]>('pause', 'resume', 'stop'),
        ),
        { maxLength: 4 },
      ),
      looks: fc.integer({ min: 3, max: 60 }),
    })
    .map(({ limits, places, crashes, commands, looks }) => ({
      sweep: aSweep({ limits }),
      items: places.map(({ account, region, cluster, role, outcome: end, seconds }, index) => ({
        item: anItem(index, {
          account: String(account).repeat(12),
          region: `eu-west-${region}`,
          cluster: `${account}-${region}-${cluster}`,
          roles: [`arn:aws:iam::${String(account).repeat(12)}:role/r${role}`],
        }),
        fate: { outcome: end, seconds },
      })),
      crashes: new Map(crashes),
      commands: new Map(commands),
      looks,
    }));

/**
 * Beside what is checked at each start: all of it is over, each was begun once, and no stop came without its failures.
 */
async function holds(one: Story, { sweeps, breakAt }: Breakable): Promise<{ stops: number }> {
  const { sweep, started, stops } = await runSweep(one, { sweeps, breakAt });
  const expected = one.items.map(({ item }) => item.migrationId).sort();
  expect({ status: sweep.status, outcome: sweep.outcome }).toEqual({ status: 'ended', outcome: 'completed' });
  expect(started.sort()).toEqual(expected);
  const items: SweepItem[] = [];
  await sweeps.eachItem(SWEEP_ID, (page) => items.push(...page));
  expect(
    items
      .map(({ migrationId, state, outcome: end }) => ({ migrationId, state, outcome: end }))
      .sort((a, b) => (a.migrationId < b.migrationId ? -1 : 1)),
  ).toEqual(
    one.items
      .map(({ item, fate }) => ({ migrationId: item.migrationId, state: 'ended', outcome: fate.outcome }))
      .sort((a, b) => (a.migrationId < b.migrationId ? -1 : 1)),
  );
  // A resume counts anew.
  expect(stops > 0 || sweep.ended === expected.length, 'all counted as ended').toBe(true);
  return { stops };
}

describe('a sweep', () => {
  it('keeps its promises through crashes, commands and failures', async () => {
    let resumed = 0;
    await fc.assert(
      fc.asyncProperty(story(40), async (one) => void (resumed += (await holds(one, onFake())).stops)),
      { numRuns: 300, seed: 20_260_105, endOnFailure: true },
    );
    expect(resumed).toBeGreaterThan(100);
  });

  it('keeps them over DynamoDB, where it breaks off between any two writes', async () => {
    let resumed = 0;
    await fc.assert(
      fc.asyncProperty(story(12), async (one) => void (resumed += (await holds(one, await onDynamo())).stops)),
      { numRuns: 15, seed: 20_260_106, endOnFailure: true },
    );
    expect(resumed).toBeGreaterThan(5);
  });

  it('breaks no more at once than its wave, and no more in all than the threshold and that wave', async () => {
    for (const [canary, stopAfterFailures, broken] of [
      [1, 3, 3],
      [4, 3, 4],
      [2, 3, 6],
      [1, 1, 1],
    ] as const) {
      const items = Array.from({ length: 60 }, (_, index) => ({
        item: anItem(index),
        fate: { outcome: 'rolled-back', seconds: 90 } as const,
      }));
      const breakable = onFake();
      const sweep = aSweep({
        limits: {
          canary,
          concurrency: 20,
          perAccount: 100,
          perRegion: 100,
          stopAfterFailures,
          stopAtFailurePercent: 100,
        },
      });
      let atStop: number | undefined;
      const update = breakable.sweeps.update.bind(breakable.sweeps);
      breakable.sweeps.update = async (id, change) => {
        if (change.status === 'ended') atStop ??= (await breakable.sweeps.tally(id)).ended['rolled-back'];
        await update(id, change);
      };
      await runSweep({ sweep, items, crashes: new Map(), commands: new Map(), looks: 1000 }, breakable);
      expect(atStop, `of a canary of ${canary}, stopping after ${stopAfterFailures}`).toBe(broken);
    }
  });
});

describe('the waves that are checked against', () => {
  it('are the canary, then twice as many each, then one for one', () => {
    const before = Array.from({ length: 14 }, (_, start) => endedBefore(start, { canary: 1, concurrency: 6 }));
    expect(before).toEqual([0, 1, 1, 3, 3, 3, 3, 7, 7, 7, 7, 7, 7, 8]);
  });
});
