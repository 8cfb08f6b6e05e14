import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildReport, DID_NOT_END, NO_ADDONS, type ReportInput } from '../../../lambdas/domain/sweep/build-report.ts';
import {
  type ClusterInventory,
  type LocationInventory,
  type SweepItem,
  type SweepLocation,
  clusterInventory,
  sweepClass,
} from '../../../lambdas/domain/sweep/model.ts';
import { type ReportRow, sweepReport } from '../../../lambdas/domain/sweep/report.ts';
import { OUTCOMES } from '../../../lambdas/domain/terms/outcome.ts';
import { AGENT, AT, BEFORE, fleetInput, fleetReport, SWEEP, TRUST } from './sweep-report-fixtures.ts';
import { runs } from '../../runs.ts';
import { forAllIn } from '../../for-all.ts';

const nameOf = (row: Pick<ReportRow, 'account' | 'region' | 'cluster' | 'addon'>): string =>
  JSON.stringify([row.account, row.region, row.cluster, row.addon]);
const clusterOf = ({ account, region, cluster: name }: Pick<ReportRow, 'account' | 'region' | 'cluster'>): string =>
  JSON.stringify([account, region, name]);
const sum = (counts: Record<string, number>): number => Object.values(counts).reduce((all, count) => all + count, 0);

const KEPT = { id: 'unsupported-compute', message: 'On AWS Fargate.', remedy: 'Keep IRSA.', keepIrsa: true as const };

const LOCATIONS: SweepLocation[] = ['111122223333', '222233334444'].flatMap((account) =>
  ['eu-west-1', 'us-east-1'].map((region) => ({ account, region })),
);
const finding = fc.record({
  addon: fc.constantFrom('adot', 'aws-ebs-csi-driver', 'coredns', 'vpc-cni', 'x', '__proto__'),
  class: fc.constantFrom(...sweepClass.options),
  checks: fc.subarray([TRUST, AGENT, { ...TRUST, message: 'Another message of the same check.' }, KEPT]),
});
const cluster = fc.record({
  location: fc.constantFrom(...LOCATIONS),
  cluster: fc.constantFrom('a', 'b', 'prod-1', 'constructor'),
  // As an inventory has them: each add-on once, or the cluster as a whole.
  findings: fc.oneof(
    fc.uniqueArray(finding, { selector: ({ addon }) => addon, maxLength: 5 }),
    fc.constant([{ class: 'unreachable' as const, reason: 'It is being deleted.' }]),
  ),
  calls: fc.dictionary(fc.constantFrom('eks', 'iam', 'kubernetes'), fc.nat(50)),
});
const end = fc.record({
  state: fc.constantFrom('queued' as const, 'in-flight' as const, 'ended' as const),
  outcome: fc.option(fc.constantFrom(...OUTCOMES), { nil: undefined }),
  begun: fc.nat(5000),
  took: fc.nat(5000),
});

const timeAt = (seconds: number): string => new Date(Date.parse('2026-01-15T09:00:00Z') + seconds * 1000).toISOString();

/** Items of some of the add-ons that were found. */
function itemsOf(
  clusters: ClusterInventory[],
  ends: { state: SweepItem['state']; outcome: SweepItem['outcome']; begun: number; took: number }[],
): SweepItem[] {
  const found = clusters.flatMap(({ account, region, cluster: name, findings }) =>
    findings.flatMap(({ addon }) => (addon === undefined ? [] : [{ account, region, cluster: name, addon }])),
  );
  return found.slice(0, ends.length).flatMap((where, index) => {
    const { state, outcome, begun, took } = ends[index]!;
    const base = { ...where, migrationId: `01KF0E44M1${String(index).padStart(16, '0')}`, roles: [], state };
    if (state === 'queued') return [base];
    return [
      {
        ...base,
        begunAt: timeAt(begun),
        wave: 1,
        ...(state === 'ended' ? { endedAt: timeAt(begun + took), ...(outcome === undefined ? {} : { outcome }) } : {}),
      },
    ];
  });
}

const inputs = fc
  .record({
    clusters: fc.uniqueArray(cluster, {
      selector: ({ location, cluster: name }) => JSON.stringify([location, name]),
      maxLength: 12,
    }),
    known: fc.subarray(LOCATIONS),
    unreachable: fc.subarray(LOCATIONS),
    ends: fc.array(end, { maxLength: 30 }),
  })
  .map(({ clusters: given, known, unreachable, ends }): ReportInput => {
    const clusters = given.map(({ location, ...rest }) =>
      clusterInventory.parse({ ...location, ...rest, observedAt: AT }),
    );
    const locations = known.map((location): LocationInventory => ({
      ...location,
      clusters: 1,
      notSelected: 0,
      calls: { eks: 1 },
      ...(unreachable.includes(location) ? { unreachable: 'Not enabled.' } : {}),
    }));
    return { ...fleetInput(), clusters, locations, locationsRequested: LOCATIONS, items: itemsOf(clusters, ends) };
  });

const shuffled = <Input extends ReportInput>(input: Input): Input => ({
  ...input,
  clusters: input.clusters.toReversed(),
  locations: input.locations.toReversed(),
  items: input.items.toReversed(),
  locationsRequested: input.locationsRequested.toReversed(),
});

describe('buildReport, of any inventory', () => {
  const always = (property: (input: ReportInput) => void): void => forAllIn(runs(100, 300), inputs, property);

  it('has each finding in one row, and each item in one', () =>
    always((input) => {
      const { rows } = buildReport(input);
      for (const { account, region, cluster: name, version, findings } of input.clusters) {
        for (const found of findings) {
          const id = nameOf({ account, region, cluster: name, addon: found.addon });
          const of = rows.filter((row) => nameOf(row) === id);
          expect(of).toMatchObject([{ class: found.class, checks: found.checks }]);
          expect(of[0]?.kubernetes).toBe(version);
        }
      }
      expect(rows.flatMap(({ migrationId }) => migrationId ?? []).sort()).toEqual(
        input.items.map(({ migrationId }) => migrationId).sort(),
      );
      for (const { migrationId: id, cluster: name, addon, state } of input.items)
        expect(rows.find((row) => row.migrationId === id)).toMatchObject({ cluster: name, addon, state });
    }));
  it('has nothing twice', () =>
    always((input) => {
      const names = buildReport(input).rows.map(nameOf);
      expect(new Set(names).size).toBe(names.length);
    }));
  it('has each location and each cluster', () =>
    always((input) => {
      const { rows, locations } = buildReport(input);
      expect(locations.map(({ account, region }) => ({ account, region }))).toEqual(LOCATIONS);
      for (const { account, region, unreachable } of locations) {
        const whole = rows.filter((row) => clusterOf(row) === clusterOf({ account, region }));
        expect(whole.map(({ reason }) => reason)).toEqual(unreachable === undefined ? [] : [unreachable]);
      }
      for (const found of input.clusters) expect(rows.some((row) => clusterOf(row) === clusterOf(found))).toBe(true);
    }));
  it('has totals that are the sums of its rows', () =>
    always((input) => {
      const { rows, totals, blockers, keepIrsa, calls, cost } = buildReport(input);
      expect([sum(totals.byClass), Object.keys(totals.byClass)]).toEqual([rows.length, sweepClass.options]);
      for (const name of sweepClass.options)
        expect(totals.byClass[name]).toBe(rows.filter((row) => row.class === name).length);
      expect(totals.addons).toBe(rows.filter(({ addon }) => addon !== undefined).length);
      expect(totals.clusters).toBe(input.clusters.length);
      expect([totals.queued, totals.inFlight, sum(totals.byOutcome)]).toEqual(
        (['queued', 'in-flight', 'ended'] as const).map(
          (state) => input.items.filter((item) => item.state === state).length,
        ),
      );
      for (const [name, counted, flag] of [
        ['blocked', blockers, {}],
        ['keep-irsa', keepIrsa, { keepIrsa: true }],
      ] as const)
        for (const { id, addons, example } of counted) {
          const some = rows.filter((row) => row.class === name && row.checks.some((check) => check.id === id));
          expect(addons).toBe(some.length);
          expect(some[0]?.checks.find((check) => check.id === id)).toMatchObject({ message: example, ...flag });
        }
      const taken = [...input.locations, ...input.clusters].map((one) => sum(one.calls));
      expect(sum(calls.total)).toBe(taken.reduce((all, count) => all + count, 0));
      expect(cost?.dollars).toBeCloseTo(cost?.lines.reduce((all, { dollars }) => all + dollars, 0) ?? -1, 6);
    }));
  it('does not depend on the order of the input, and conforms to its schema', () =>
    always((input) => {
      const report = buildReport(input);
      expect(buildReport(shuffled(input))).toEqual(report);
      expect(sweepReport.parse(JSON.parse(JSON.stringify(report)))).toEqual(report);
    }));
});

describe('buildReport', () => {
  const report = fleetReport();

  it('shows which location did not complete, which is disabled, which cluster is deleted and which has no add-ons', () => {
    const whole = report.rows
      .filter(({ addon }) => addon === undefined)
      .map(({ account, region, cluster: name, class: found, reason }) => [account, region, name, found, reason]);
    const DISABLED = 'Region us-east-1 is not enabled in account 333344445555.';
    const DELETING = 'The cluster is being deleted (status DELETING).';
    expect(whole).toEqual([
      ['111122223333', 'eu-west-1', 'data-platform-prod-3', 'unreachable', DELETING],
      ['111122223333', 'us-east-1', 'reliability-dev-2', 'not-concerned', NO_ADDONS],
      ['333344445555', 'eu-west-1', undefined, 'unreachable', DID_NOT_END],
      ['333344445555', 'us-east-1', undefined, 'unreachable', DISABLED],
    ]);
    expect(report.locations.at(-2)).toEqual({
      account: '333344445555',
      region: 'eu-west-1',
      clusters: 4,
      notSelected: 0,
      unreachable: DID_NOT_END,
      calls: {},
    });
  });
  it('joins findings and outcomes', () => {
    const back = report.rows.find(({ outcome }) => outcome === 'rolled-back');
    expect(back).toEqual({
      account: '111122223333',
      region: 'eu-west-1',
      cluster: 'checkout-dev-4',
      kubernetes: '1.30',
      addon: 'vpc-cni',
      version: 'v1.4.1-eksbuild.2',
      class: 'ready',
      checks: [],
      migrationId: '01KF0E44M10000000000000003',
      state: 'ended',
      outcome: 'rolled-back',
      verified: 'injected',
      begunAt: '2026-01-15T09:11:00.000Z',
      endedAt: '2026-01-15T09:11:59.000Z',
      seconds: 59,
      wave: 1,
      failure: {
        name: 'PodsOnWrongIdentity',
        message: '2 pods kept the old identity after two restarts: kube-system/ebs-csi-controller-a and -b.',
      },
    });
  });
  it('names the migration that holds an add-on, and no migration if none was started for it', () => {
    const input = fleetInput();
    const [item] = input.items;
    const failure = { name: 'SubjectBusy', message: 'Nothing was started.' };
    const blocked: SweepItem = { ...item!, state: 'ended', outcome: 'blocked', heldBy: SWEEP, failure };
    const rowOf = (one: SweepItem): unknown => buildReport({ ...input, items: [one] }).rows.find((row) => row.heldBy);
    expect(rowOf(blocked)).toMatchObject({ heldBy: SWEEP, migrationId: item!.migrationId, outcome: 'blocked' });
    expect(rowOf({ ...blocked, refused: true })).toMatchObject({ heldBy: SWEEP, outcome: 'blocked' });
    expect(rowOf({ ...blocked, refused: true })).not.toHaveProperty('migrationId');
  });
  it('lists the most frequent blocking check first', () => {
    expect(report.blockers.map(({ id, addons }) => `${id} ${addons}`)).toEqual(['role-trust 10', 'agent 5']);
    expect(report.blockers[1]).toEqual({ id: 'agent', addons: 5, example: AGENT.message, remedy: AGENT.remedy });
  });
  it('has the durations only of migrations that changed something', () => {
    const input = fleetInput();
    const took = (seconds: number, outcome: SweepItem['outcome'], index: number): SweepItem => ({
      ...input.items[index]!,
      state: 'ended',
      begunAt: timeAt(0),
      endedAt: timeAt(seconds),
      outcome,
    });
    const durationsOf = (items: SweepItem[]) => buildReport({ ...input, items }).durations;
    const changed = [took(10, 'migrated', 0), took(90, 'rolled-back', 1), took(31, 'needs-human', 2)];
    expect(durationsOf([...changed, took(1, 'blocked', 3)])).toEqual({ count: 3, least: 10, median: 31, most: 90 });
    const two = durationsOf([took(10, 'migrated', 0), took(21, 'migrated', 1)]);
    expect(two).toEqual({ count: 2, least: 10, median: 15.5, most: 21 });
    expect(durationsOf([took(1, 'planned', 0)])).toBeUndefined();
    // A clock that went back says nothing of how long it took.
    expect(durationsOf([took(-5, 'migrated', 0)])).toBeUndefined();
  });
  it('counts a migration that ended without an outcome', () => {
    const input = fleetInput();
    const [first] = input.items;
    const { outcome: _, ...lost } = first!;
    const items: SweepItem[] = [{ ...lost, state: 'ended', endedAt: AT }];
    expect(buildReport({ ...input, items }).totals.byOutcome).toEqual({ none: 1 });
  });
  it('keeps an add-on that was queued and is no longer in an inventory', () => {
    const input = fleetInput();
    const migrationId = '01KF0E44M1ZZZZZZZZZZZZZZZZ';
    const { rows } = buildReport({
      ...input,
      items: [...input.items, { ...input.items[0]!, cluster: 'was-here', migrationId }],
    });
    const row = rows.find(({ cluster: name }) => name === 'was-here');
    expect(row).toMatchObject({ class: 'unreachable', migrationId, outcome: 'migrated' });
  });
  it('compares with the previous sweep, and not with itself', () => {
    const input = fleetInput();
    const earlier = { ...buildReport(fleetInput({ clusters: 2 })), sweepId: BEFORE };
    const { byClass, addons } = earlier.totals;
    expect(buildReport({ ...input, previous: earlier }).trend).toEqual({ sweepId: BEFORE, at: AT, byClass, addons });
    expect(buildReport({ ...input, previous: buildReport(input) }).trend).toBeUndefined();
    expect(buildReport(input).trend).toBeUndefined();
  });
  it('has a higher estimate for more work', () => {
    const costOf = (options: Parameters<typeof fleetInput>[0]) => buildReport(fleetInput(options)).cost!.dollars;
    expect(costOf({ mode: 'inventory' })).toBeLessThan(costOf({ mode: 'plan' }));
    expect(costOf({ mode: 'plan' })).toBeLessThan(costOf({ mode: 'migrate' }));
    expect(costOf({ clusters: 4 })).toBeLessThan(costOf({ clusters: 8 }));
  });
  const location = { account: '111122223333', region: 'eu-west-1' };
  const inventory = { ...fleetInput({ mode: 'inventory' }), locationsRequested: [location], items: [] };

  it('has the calls per cluster and per add-on, to two decimals, and 0 without any', () => {
    const locations = [{ ...location, clusters: 3, notSelected: 0, calls: { eks: 1 } }];
    const clusters = ['a', 'b', 'c'].map((name) =>
      clusterInventory.parse({
        ...location,
        cluster: name,
        observedAt: AT,
        findings: [{ class: 'ready', addon: 'adot' }, ...(name === 'a' ? [{ class: 'ready', addon: 'vpc-cni' }] : [])],
        calls: { eks: 7, iam: 2 },
      }),
    );
    const { calls } = buildReport({ ...inventory, locations, clusters });
    expect(calls).toEqual({ total: { eks: 22, iam: 6 }, perCluster: 9.33, perAddon: 7 });
    expect(buildReport({ ...inventory, locations, clusters: [] }).calls).toMatchObject({ perCluster: 0, perAddon: 0 });
  });
  it('has the costs of an inventory that were computed manually', () => {
    const locations = [{ ...location, clusters: 1, notSelected: 0, calls: { eks: 1 } }];
    const one = { ...location, cluster: 'a', observedAt: AT, findings: [], calls: { eks: 19, iam: 5 } };
    const { cost } = buildReport({ ...inventory, locations, clusters: [clusterInventory.parse(one)] });
    // 20 calls of EKS at 5 a second are 4 s, in addition to three invocations of a second each, in half a GB.
    const lambda = { lambdaInvocations: 3, lambdaGbSeconds: 4 };
    expect(cost).toMatchObject({ ...lambda, transitions: 9, s3Requests: 15, dynamoDbUnits: 0 });
    expect(cost?.dollars).toBeCloseTo(
      (9 * 0.025) / 1000 + (3 * 0.2) / 1e6 + 4 * 0.0000133334 + (11 * 0.005) / 1000 + (4 * 0.0004) / 1000,
      6,
    );
  });
});
