/**
 * A fleet in three accounts and two regions: read by an inventory, migrated in waves with failures, stopped, resumed,
 * and read again.
 */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { silentProgress } from '../../cli/progress.ts';
import { rollBackAndFollow } from '../../cli/service/rollback.ts';
import { locationInventory, type Sweep, type SweepItem } from '../../lambdas/domain/sweep/model.ts';
import type { SweepLimits } from '../../lambdas/domain/sweep/request.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { FaultInput } from '../../sandbox/calls/faults.ts';
import {
  asKnown,
  expectBrokenWithin,
  expectCaps,
  expectStopped,
  expectWaves,
  mostWithin,
  Watch,
} from './sweep-watch.ts';
import {
  type Begun,
  classesExpected,
  classesIn,
  type FleetWorld,
  keyOf,
  openFleet,
  type Session,
  type Swept,
} from './sweep-world.ts';

const CALLS_PER_SECOND = 5;

type Failure = (input: Record<string, unknown>, rollbackFails: FaultInput['kind']) => FaultInput[];

/** Causes a persistent failure of that add-on's migration; the first failure also prevents its rollback. */
const FAILURES: Failure[] = [
  (input, kind) => [
    { operation: 'UpdateAddon', kind: 'abort-after', input },
    { operation: 'UpdateAddon', kind, input, call: 2, times: 'all' },
  ],
  (input) => [{ step: 'update-addon', operation: 'UpdateAddon', kind: 'access-denied', input, times: 'all' }],
  (input) => [{ operation: 'UpdateAddon', kind: 'abort-after', input }],
];
const inputOf = ({ cluster, addon }: Session): Record<string, unknown> => ({ clusterName: cluster, addonName: addon });

/** One part of the story: what was started in it, and the state of the sweep at its end. */
interface Part extends Swept {
  items: SweepItem[];
  record: Sweep;
  /** The figures of this part alone. */
  begun: Begun[];
  samples: Watch['samples'];
  crowded: string[];
  /** Number of the last call before the part. */
  before: number;
}

export interface Fleet {
  /** A multiple of six: each region of each account has the same number. */
  clusters: number;
  limits: SweepLimits;
  /** One of this many migrations of ready add-ons fails. */
  failingOneIn: number;
  /** The most calls of an inventory; a question asked once for a location has more weight in a small fleet. */
  calls: { eksByCluster: number; eksByAddon: number; byAddon: number };
  /** How a rollback fails: at once if `not-found`, or after half a day of waiting if `access-denied`. */
  rollbackFails: FaultInput['kind'];
}

/** Defines the tests of a fleet of that size. */
export const describeFleet = ({ clusters, limits, failingOneIn, calls: atMost, rollbackFails }: Fleet): void => {
  let world: FleetWorld;
  let failing: Session[];
  let stopped: Part;
  let resumed: Part;
  let again: Part;
  let last: Part;

  const play = (work: () => Promise<Swept>): Promise<Part> =>
    world.run(async () => {
      const [before, from, watch] = [world.calls, world.backend.clock.now(), new Watch(world)];
      const swept = await work();
      await watch.stop();
      const { sweepId } = swept.standing;
      return {
        ...swept,
        items: await world.items(sweepId),
        record: await world.record(sweepId),
        begun: world.begun(from),
        samples: watch.samples,
        crowded: watch.crowded,
        before,
      };
    });

  const executionsOf = (sweepId: string) => world.sweepExecutions().filter(({ name }) => name.startsWith(sweepId));
  const outcomesOf = ({ items }: Part): Record<string, number> => {
    const counts: Record<string, number> = {};
    for (const { outcome = 'none' } of items.filter(({ state }) => state === 'ended'))
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    return counts;
  };
  const leftTo = (part: Part): SweepItem[] => part.items.filter(({ outcome }) => outcome === 'needs-human');
  const failedIn = (part: Part): SweepItem[] =>
    part.items.filter(({ outcome }) => outcome === 'needs-human' || outcome === 'rolled-back');

  beforeAll(async () => {
    world = await openFleet({
      clusters,
      seed: 7,
      addons: 4,
      change: ({ faults }, expected) => {
        failing = expected.filter((one, index) => one.class === 'ready' && index % failingOneIn === 0);
        for (const [index, one] of failing.entries())
          faults.push(
            ...(FAILURES[index % FAILURES.length]?.(inputOf(one), rollbackFails) ?? []).map((fault) => ({
              call: 1,
              times: 1,
              ...fault,
            })),
          );
        // EKS is busy for a moment in the middle of the sweep.
        faults.push({ service: 'eks', step: 'await-active', kind: 'throttled', call: 20, times: 4 });
      },
    });
    const everything = { limits, callsPerSecond: CALLS_PER_SECOND };
    stopped = await play(() => world.sweep(everything));
    const { sweepId } = stopped.standing;
    // A person finds the cause.
    world.sandbox.world.faults.clear();
    resumed = await play(async () => {
      for (const { migrationId } of leftTo(stopped))
        await rollBackAndFollow(world.backend, { migrationId }, silentProgress);
      await world.sweeps.command(sweepId, { command: 'resume', reason: 'the cause is gone' });
      return world.follow(sweepId);
    });
    // A migration that was rolled back is left for another sweep.
    again = await play(() =>
      world.sweep({
        ...everything,
        selection: { clusters: [...new Set(failedIn(resumed).map(({ cluster }) => cluster))] },
      }),
    );
    last = await play(() => world.sweep(everything));
  });
  afterAll(() => world.backend.close());

  describe('the inventory of a fleet', () => {
    const rowsOfCsv = (csv: string): string[] =>
      // None of the first seven columns contains a quote or a separator.
      csv
        .trimEnd()
        .split('\r\n')
        .slice(1)
        .map((line) => {
          const [account = '', region = '', cluster = '', , addon = '', , found = ''] = line.slice(1, -1).split('","');
          return `${keyOf({ account, region, cluster, addon })} ${found}`;
        });

    it('has each add-on of the scenario in one row, in the class of its state, and no other row', () => {
      const { report, csv } = stopped;
      expect(classesIn(report)).toEqual(classesExpected(world.expected));
      expect(report.rows).toHaveLength(world.expected.length);
      expect(report.totals).toMatchObject({ locations: 6, clusters, addons: world.expected.length });
      expect(rowsOfCsv(csv)).toEqual(report.rows.map((row) => `${keyOf(row)} ${row.class}`));
      // Each row reports what blocks, or why it could not be read.
      expect(report.rows.filter((row) => row.class === 'blocked' && row.checks.length === 0)).toEqual([]);
      expect(
        report.rows.filter(
          (row) => row.class === 'unreachable' && !/ is DELETING\.$|API server|Could not /.test(row.reason ?? ''),
        ),
      ).toEqual([]);
      expect(
        report.locations
          .map((location) => locationInventory.parse(location))
          .map(({ clusters: found, unreachable }) => [found, unreachable]),
      ).toEqual(report.locations.map(() => [clusters / 6, undefined]));
    });

    it('queues each ready add-on once', () =>
      expect(stopped.items.map(keyOf).sort()).toEqual(
        world.expected
          .filter((one) => one.class === 'ready')
          .map(keyOf)
          .sort(),
      ));

    /** Of the first sweep's inventory alone. */
    const reads = (): Call[] => world.callsOf('take-inventory', stopped.before).filter(({ n }) => n < resumed.before);

    it('only reads', () => {
      expect(
        reads().filter(({ mutating, service }) => mutating && !['dynamodb', 's3', 'sts'].includes(service)),
      ).toEqual([]);
      expect(world.callsOf('begin-sweep').filter(({ service }) => !['dynamodb', 's3'].includes(service))).toEqual([]);
    });

    it('asks each question once, and makes few calls for a cluster and an add-on', () => {
      const { report } = stopped;
      const ofTarget = reads().filter(({ service }) => ['eks', 'iam', 'kubernetes'].includes(service));
      const count = (service: string): number => ofTarget.filter((call) => call.service === service).length;
      // A call that never reached an API server is not in the log: one for each server that does not answer and has an
      // add-on with a role.
      const silent = new Set(
        world.expected
          .filter(
            ({ clusterState, class: found }) =>
              clusterState === 'unreachable' && (found === 'unreachable' || found === 'blocked'),
          )
          .map(({ cluster }) => cluster),
      ).size;
      expect(report.calls.total).toEqual({
        eks: count('eks'),
        iam: count('iam'),
        kubernetes: count('kubernetes') + silent,
      });
      // Each location is a separate invocation here; what one has learned of a role, another one asks again.
      const asked = ofTarget.map(
        ({ invocation = '', cluster = '', operation, input }) =>
          `${invocation} ${cluster} ${operation} ${JSON.stringify(input)}`,
      );
      expect(asked.filter((one, index) => asked.indexOf(one) !== index)).toEqual([]);
      const of = (operation: string): number => ofTarget.filter((call) => call.operation === operation).length;
      const deleting = world.expected.filter(({ clusterState }) => clusterState === 'deleting').length;
      expect([of('ListClusters'), of('DescribeCluster'), of('ListAddons'), of('DescribeAddon')]).toEqual([
        6,
        clusters,
        clusters,
        world.expected.length - deleting,
      ]);
      // docs/sweeps.md: 11 calls of EKS for a cluster with five add-ons, one of which has a role, and one call less for
      // each add-on less.
      expect(count('eks') / clusters).toBeLessThanOrEqual(atMost.eksByCluster);
      expect(count('eks') / world.expected.length).toBeLessThanOrEqual(atMost.eksByAddon);
      expect(ofTarget.length / world.expected.length).toBeLessThanOrEqual(atMost.byAddon);
    });

    it('makes no more calls of EKS in any second than allowed, in each region of each account', () => {
      const locations = Map.groupBy(
        reads().filter(({ service }) => service === 'eks'),
        ({ account, region }) => `${account} ${region}`,
      );
      expect(locations.size).toBe(6);
      const most = [...locations].map(([location, calls]) => ({
        location,
        most: mostWithin(
          calls.map(({ at }) => Date.parse(at)),
          1000,
        ),
      }));
      expect(most.filter((one) => one.most > CALLS_PER_SECOND)).toEqual([]);
    });
  });

  describe('the waves of a sweep', () => {
    it('begin with the canary alone, and double in size up to the concurrency', () => {
      for (const part of [stopped, resumed]) expectWaves(asKnown(part.begun, part.items), limits);
      const [first, second, third] = stopped.begun;
      const ended = Math.min(
        ...stopped.items.flatMap(({ endedAt }) => (endedAt === undefined ? [] : [Date.parse(endedAt)])),
      );
      expect([first?.at, second?.at].every((at) => at !== undefined && at < ended)).toBe(true);
      expect(third?.at).toBeGreaterThan(ended);
    });

    it('respect one migration in a cluster, one with a role, and the limits of accounts and regions', () => {
      for (const part of [stopped, resumed, again]) expectCaps(asKnown(part.begun, part.items), part.items, limits);
      // These limits were reached.
      const known = asKnown(resumed.begun, resumed.items);
      expect(Math.max(...known.map(({ at }) => known.filter((one) => one.at <= at && one.until > at).length))).toBe(
        limits.concurrency,
      );
    });

    it('never break more at once than the wave allows, and only what is in flight', () => {
      const firstWave = Math.min(
        ...resumed.items.flatMap(({ migrationId, wave }) =>
          resumed.begun.some(({ id }) => id === migrationId) && wave !== undefined ? [wave] : [],
        ),
      );
      const most = [
        expectBrokenWithin(stopped.samples, { items: stopped.items, limits, left: leftTo(stopped) }),
        expectBrokenWithin(resumed.samples, { items: resumed.items, limits, left: leftTo(stopped), firstWave }),
      ];
      expect(Math.max(...most)).toBeGreaterThan(limits.canary);
      expect([stopped, resumed, again].flatMap(({ crowded }) => crowded)).toEqual([]);
    });
  });

  describe('a sweep in which migrations fail', () => {
    it('stops at the threshold, lets those in flight end, and reports what is left', () => {
      const { standing, report, begun, items, record } = stopped;
      const failed = failedIn(stopped);
      expect(new Set(failed.map(({ outcome }) => outcome))).toEqual(new Set(['rolled-back', 'needs-human']));
      expect(failed.length).toBeGreaterThanOrEqual(limits.stopAfterFailures);
      expect(failed.filter((item) => !failing.some((one) => keyOf(one) === keyOf(item)))).toEqual([]);
      expectStopped(begun, items, limits);
      expect(standing).toMatchObject({
        status: 'ended',
        outcome: 'stopped',
        cause: { name: 'SweepStopped' },
        tally: { inFlight: 0 },
      });
      expect(record.failed.length).toBe(failed.length);
      const [execution] = executionsOf(standing.sweepId).filter(({ status }) => status === 'FAILED');
      expect(execution).toMatchObject({ error: 'SweepStopped' });
      const left = items.filter(({ state }) => state === 'queued');
      expect(left.length).toBeGreaterThan(items.length / 4);
      expect(report.totals).toMatchObject({ queued: left.length, inFlight: 0, byOutcome: outcomesOf(stopped) });
      expect(
        report.rows
          .filter(({ state }) => state === 'queued')
          .map(keyOf)
          .sort(),
      ).toEqual(left.map(keyOf).sort());
      expect(execution?.cause).toContain('failed migrations');
    });

    it('is resumed once the cause is gone, finishes the rest, and starts none again', () => {
      const { standing, report, items, begun } = resumed;
      expect(standing).toMatchObject({ status: 'ended', outcome: 'incomplete', tally: { queued: 0, inFlight: 0 } });
      const [failed, left] = [failedIn(stopped), stopped.items.filter(({ state }) => state === 'queued')];
      expect(outcomesOf(resumed)).toEqual({ ...outcomesOf(stopped), migrated: items.length - failed.length });
      expect(begun.map(({ id }) => id).sort()).toEqual(left.map(({ migrationId }) => migrationId).sort());
      // Each item has one execution, under its id, in both parts together.
      expect([...stopped.begun, ...begun].map(({ id }) => id).sort()).toEqual(
        items.map(({ migrationId }) => migrationId).sort(),
      );
      expect(report.rows.filter((row) => row.class === 'ready' && row.outcome === 'migrated')).toHaveLength(
        items.length - failed.length,
      );
      // Migrations that continued in another execution, because a denied rollback waits for hours, succeeded too.
      const statuses = executionsOf(standing.sweepId).map(({ status }) => status);
      expect([statuses.filter((one) => one === 'FAILED').length, statuses.at(-1)]).toEqual([1, 'SUCCEEDED']);
    });

    it('leaves what was rolled back to another sweep, and the sweep after that finds nothing to change', () => {
      const failed = failedIn(stopped);
      expect(again.standing).toMatchObject({ outcome: 'completed', tally: { ended: { migrated: failed.length } } });
      expect(again.items.map(keyOf).sort()).toEqual(failed.map(keyOf).sort());

      expect(last.standing).toMatchObject({ outcome: 'incomplete', tally: { queued: 0, inFlight: 0, ended: {} } });
      expect([last.begun, world.changes(last.before)]).toEqual([[], []]);
      const classes = classesExpected(world.expected);
      expect(classesIn(last.report)).toEqual(
        Object.fromEntries(
          Object.entries(classes).map(([key, found]) => [key, found === 'ready' ? 'on-pod-identity' : found]),
        ),
      );
      expect(last.report.trend).toMatchObject({
        sweepId: stopped.standing.sweepId,
        byClass: stopped.report.totals.byClass,
      });
    });

    it('is permitted to make all its calls', () => expect(world.sandbox.authorizer.denials).toEqual([]));
  });
};
