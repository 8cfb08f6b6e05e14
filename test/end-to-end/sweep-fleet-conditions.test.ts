/** A fleet of which parts cannot be read: each part reports why, and the sweep continues with the rest. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { isSpokeRole, spokeRoleArn } from '../../lambdas/domain/access/spokes.ts';
import type { ReportRow } from '../../lambdas/domain/sweep/report.ts';
import { classesExpected, classesIn, type FleetWorld, inFleet, keyOf, openFleet, type Swept } from './sweep-world.ts';
import { matching } from '../lambdas/matchers.ts';

type Where = Pick<ReportRow, 'account' | 'region'>;

describe('a fleet with an account without the roles, a disabled region, and a throttled one', () => {
  let world: FleetWorld;
  let swept: Swept;
  let rows: ReportRow[];
  beforeAll(async () => {
    world = await openFleet({ clusters: 42, seed: 12, addons: 4, faults: true });
    swept = await world.run(() => world.sweep({ limits: { canary: 4, perAccount: 10, perRegion: 10 } }));
    ({ rows } = swept.report);
  });
  afterAll(() => world.backend.close());

  const faultOf = ({ account, region }: Where) =>
    world.faulty.find((location) => location.account === account && (location.region ?? region) === region)?.fault;
  const ofLocations = (): ReportRow[] => rows.filter(({ cluster }) => cluster === undefined);
  const reasonsOf = (fault: ReturnType<typeof faultOf>): string[] =>
    ofLocations()
      .filter((row) => faultOf(row) === fault)
      .map(({ reason = '' }) => reason);

  it('is swept to the end', () => {
    expect(swept.standing).toMatchObject({ status: 'ended', outcome: 'incomplete' });
    expect(world.sweepExecutions().map(({ status }) => status)).toEqual(['SUCCEEDED']);
    // Three accounts, three regions.
    expect(swept.report.totals.locations).toBe(9);
  });

  it('reports why each location cannot be read, in a separate row', () => {
    expect(
      ofLocations()
        .map((row) => [row.class, faultOf(row)])
        .filter(([found, fault]) => found !== 'unreachable' || fault === undefined),
    ).toEqual([]);
    const { account = '' } = world.faulty.find(({ fault }) => fault === 'spoke-absent') ?? {};
    expect(reasonsOf('spoke-absent')).toHaveLength(3);
    for (const reason of reasonsOf('spoke-absent')) {
      expect(reason).toContain(spokeRoleArn(account, 'read'));
      expect(reason).toContain('docs/accounts.md');
    }
    expect(reasonsOf('region-disabled')).toEqual([
      matching(/eu-south-1|UnrecognizedClient|security token|RegionDisabled/),
    ]);
    expect(reasonsOf('throttled')).toEqual([matching(/^3 clusters in a row .* ThrottlingException: Rate exceeded/)]);
  });

  it('names each cluster of the region that was throttled after it was listed, and stops calling it after three', () => {
    const ofClusters = rows.filter((row) => faultOf(row) !== undefined && row.cluster !== undefined);
    expect(ofClusters.map(({ account, region, cluster = '' }) => [account, region, cluster].join(' '))).toEqual(
      [
        ...new Set(
          world.expected
            .filter((one) => faultOf(one) === 'throttled')
            .map(({ account, region, cluster }) => [account, region, cluster].join(' ')),
        ),
      ].sort(),
    );
    expect(ofClusters.filter((row) => row.class !== 'unreachable' || !/Rate exceeded/.test(row.reason ?? ''))).toEqual(
      [],
    );
    const refused = world.callsOf('take-inventory').filter(({ error }) => error === 'ThrottlingException');
    expect(new Set(refused.map(({ input }) => JSON.stringify(input))).size).toBe(3);
    expect(refused).toHaveLength(3 * 8);
  });

  it('reports clusters that are being deleted, and clusters whose API server does not answer', () => {
    const of = (state: string): ReportRow[] =>
      rows.filter(
        (row) =>
          faultOf(row) === undefined &&
          world.expected.some(
            (one) => keyOf(one) === keyOf(row) && one.clusterState === state && one.class === 'unreachable',
          ),
      );
    expect(of('deleting').length).toBeGreaterThan(0);
    for (const { cluster, reason } of of('deleting')) expect(reason).toBe(`Cluster ${cluster ?? ''} is DELETING.`);
    expect(of('unreachable').length).toBeGreaterThan(0);
    for (const { reason } of of('unreachable')) expect(reason).toMatch(/time|answer|ConnectionLost/i);
  });

  it('has everything else in its class, and migrates what is ready there', () => {
    const reachable = world.expected.filter((one) => faultOf(one) === undefined);
    const read = rows.filter((row) => faultOf(row) === undefined);
    expect(classesIn({ rows: read })).toEqual(classesExpected(reachable));
    expect(read).toHaveLength(reachable.length);
    const ready = reachable.filter((one) => one.class === 'ready');
    expect(ready.length).toBeGreaterThan(5);
    expect(swept.standing.tally).toEqual({ queued: 0, inFlight: 0, ended: { migrated: ready.length } });
    expect(world.begun().map(keyOf).sort()).toEqual(ready.map(keyOf).sort());
  });

  it('calls other accounts only by the roles there, and an account without them hardly at all', () => {
    const [home] = world.scenario.accounts;
    const there = world.sandbox.world.log.calls.filter(
      ({ step, service, account }) =>
        step !== undefined && ['eks', 'iam', 'kubernetes'].includes(service) && account !== home?.id,
    );
    expect(there.length).toBeGreaterThan(50);
    expect(there.filter(({ caller }) => !isSpokeRole(caller))).toEqual([]);
    const without = world.faulty.find(({ fault }) => fault === 'spoke-absent')?.account;
    expect(there.filter(({ account }) => account === without)).toEqual([]);
    const refused = world.sandbox.world.log.calls.filter(
      ({ operation, input }) => operation === 'AssumeRole' && JSON.stringify(input).includes(`::${without ?? ''}:`),
    );
    // Each location asks at most once; those that are read at the same time share the answer.
    expect(refused.length).toBeLessThanOrEqual(3);
    expect(new Set(refused.map(({ status }) => status))).toEqual(new Set([403]));
  });
});

describe('a fleet in which one region accepts two calls a second', () => {
  it('is read to the end without a gap, and what cannot be done there for lack of calls is left, or rolled back, and reported', async () =>
    inFleet(
      {
        clusters: 16,
        seed: 5,
        accounts: 2,
        addons: 3,
        change: ({ throttles, accounts: [account] }) =>
          void throttles.push({
            service: 'eks',
            account: account?.id,
            region: 'eu-west-1',
            callsPerSecond: 2,
            burst: 2,
          }),
      },
      async (world) => {
        const isThrottled = ({ account, region }: Where): boolean =>
          account === world.scenario.accounts[0]?.id && region === 'eu-west-1';
        const { standing, report } = await world.sweep({ limits: { canary: 4 } });
        const throttled = world.sandbox.world.log.calls.filter(
          ({ error, service }) => service === 'eks' && error === 'ThrottlingException',
        );
        // The inventory asks for 5 calls a second, and refusals slow it down.
        const ofPoll = throttled.filter(({ step }) => step === 'take-inventory').length;
        expect(ofPoll).toBeGreaterThan(0);
        expect(ofPoll).toBeLessThan(30);
        expect([throttled.filter((call) => !isThrottled(call)), standing.outcome]).toEqual([[], 'incomplete']);
        expect(classesIn(report)).toEqual(classesExpected(world.expected));
        expect(report.rows).toHaveLength(world.expected.length);

        const ready = report.rows.filter((row) => row.class === 'ready');
        expect(ready.filter(isThrottled).length).toBeGreaterThan(0);
        expect(ready.map(({ outcome }) => outcome)).toEqual(ready.map(() => 'migrated'));
      },
    ));
});
