/** Random sweeps, and what must hold of each, whatever becomes of its migrations and its looks. */
import * as fc from 'fast-check';
import { expect } from 'vitest';
import { createDynamoSweeps } from '../../../../lambdas/adapters/dynamo-sweeps.ts';
import { MigrationError } from '../../../../lambdas/domain/failures/errors.ts';
import type { Outcome } from '../../../../lambdas/domain/terms/outcome.ts';
import type { SweepItem } from '../../../../lambdas/domain/sweep/model.ts';
import { newDynamoDb, TABLE } from '../../adapters/ledgers.ts';
import { anItem, aSweep, SWEEP_ID } from '../../domain/sweep-fixtures.ts';
import { FakeSweeps } from '../../fake-sweeps.ts';
import { type Breakable, runSweep, type Story } from './fleet.ts';

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

export function onFake(): Breakable {
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
      locations: fc.array(
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
      busy: fc.uniqueArray(fc.integer({ min: 1, max: 12 }), { maxLength: 4 }),
    })
    .map(({ limits, locations, crashes, commands, looks, busy }) => ({
      sweep: aSweep({ limits }),
      items: locations.map(({ account, region, cluster, role, outcome: end, seconds }, index) => ({
        item: anItem(index, {
          account: String(account).repeat(12),
          region: `eu-west-${region}`,
          cluster: `${account}-${region}-${cluster}`,
          roles: [`arn:aws:iam::${String(account).repeat(12)}:role/r${role}`],
        }),
        fate: busy.includes(cluster) ? { outcome: 'blocked', seconds, busy: true } : { outcome: end, seconds },
      })),
      crashes: new Map(crashes),
      commands: new Map(commands),
      looks,
    }));

/**
 * Asserts, in addition to what is checked at each start: every item has ended, each was begun once unless its add-on is
 * busy, and no stop came without its failures.
 */
async function holds(one: Story, { sweeps, breakAt }: Breakable): Promise<{ stops: number }> {
  const { sweep, started, stops } = await runSweep(one, { sweeps, breakAt });
  const expected = one.items.map(({ item }) => item.migrationId).sort();
  expect({ status: sweep.status, outcome: sweep.outcome }).toEqual({ status: 'ended', outcome: 'completed' });
  const free = one.items.filter(({ fate }) => !fate.busy).map(({ item }) => item.migrationId);
  expect(started.sort()).toEqual(free.sort());
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
  // A resume starts counting again.
  expect(stops > 0 || sweep.ended === expected.length, 'all counted as ended').toBe(true);
  return { stops };
}

/**
 * Checks that many random sweeps through crashes, commands and failures: over the fake ledger, or over DynamoDB's, where
 * they break off between any two writes. Resolves to the number of stops after which one was resumed.
 */
export async function checkSweeps(ledger: 'fake' | 'dynamo', numRuns: number): Promise<number> {
  let resumed = 0;
  const fake = ledger === 'fake';
  await fc.assert(
    fc.asyncProperty(
      story(fake ? 40 : 12),
      async (one) => void (resumed += (await holds(one, fake ? onFake() : await onDynamo())).stops),
    ),
    { numRuns, seed: fake ? 20_260_105 : 20_260_106, endOnFailure: true },
  );
  return resumed;
}
