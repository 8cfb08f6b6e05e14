import { assert, constantFrom, integer, property, record, uniqueArray } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { generateFleet, type FleetOptions } from '../../cli/fleet/generate.ts';
import { sweepClass } from '../../lambdas/domain/sweep/model.ts';
import { parseScenario, ScenarioError } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { words } from './fixtures.ts';
import { runProgram } from './run-program.ts';

const parsed = (options: FleetOptions): Scenario => parseScenario(generateFleet(options).scenario, 'fleet');
const addonsOf = ({ accounts }: Scenario): string[] =>
  accounts.flatMap(({ id, clusters }) =>
    clusters.flatMap(({ region, name, addons }) => addons.map((addon) => `${id} ${region} ${name} ${addon.name}`)),
  );

const REGIONS = ['eu-west-1', 'us-east-1', 'ap-southeast-2', 'eu-central-1'];
const arbitrary = record({
  clusters: integer({ min: 1, max: 40 }),
  seed: integer({ min: 0, max: 4_294_967_295 }),
  accounts: integer({ min: 1, max: 5 }),
  regions: uniqueArray(constantFrom(...REGIONS), { minLength: 1 }),
  addons: integer({ min: 2, max: 12 }),
});

describe('a fleet', () => {
  it('is determined by its options', () => {
    expect(generateFleet({ clusters: 30, seed: 1 })).toEqual(generateFleet({ clusters: 30, seed: 1 }));
    expect(generateFleet({ clusters: 30, seed: 1 }).scenario.accounts).not.toEqual(
      generateFleet({ clusters: 30, seed: 2 }).scenario.accounts,
    );
  });

  it('is a scenario in which each add-on is expected in one class', () =>
    assert(
      property(arbitrary, (options) => {
        const { scenario, expected } = generateFleet(options);
        const { accounts, home } = parseScenario(scenario, 'fleet');
        expect(
          expected.map(({ account, region, cluster, addon }) => `${account} ${region} ${cluster} ${addon}`).sort(),
        ).toEqual(addonsOf(parseScenario(scenario, 'fleet')).sort());
        const clusters = accounts.flatMap((account) => account.clusters);
        expect([accounts.length, clusters.length, new Set(clusters.map(({ name }) => name)).size]).toEqual([
          options.accounts,
          options.clusters,
          options.clusters,
        ]);
        expect(Math.max(...clusters.map(({ addons }) => addons.length))).toBeLessThanOrEqual(options.addons);
        expect(home).toEqual({ account: accounts[0]!.id, region: options.regions[0] });
        expect(options.regions).toEqual(expect.arrayContaining([...new Set(clusters.map(({ region }) => region))]));
      }),
      { numRuns: 40 },
    ));

  it('uses the names of its partition', () => {
    const { scenario } = generateFleet({ clusters: 20, seed: 1, regions: ['cn-north-1'] });
    const text = JSON.stringify(scenario);
    expect(text).not.toMatch(/arn:aws:|cn-north-1\.amazonaws\.com\/id/);
    expect(text).toMatch(/oidc\.eks\.cn-north-1\.amazonaws\.com\.cn\/id\//);
    expect(parseScenario(text, 'fleet')).toBeDefined();
  });

  it('spreads its clusters evenly over accounts and regions', () => {
    const { accounts } = parsed({ clusters: 240, seed: 1 });
    const counts = accounts.flatMap(({ clusters }) =>
      ['eu-west-1', 'us-east-1'].map((region) => clusters.filter((cluster) => cluster.region === region).length),
    );
    expect(counts).toEqual([40, 40, 40, 40, 40, 40]);
  });

  it('has every class, and every state of a cluster, with twenty clusters or more', () => {
    for (const seed of [1, 2, 3, 4, 5]) {
      const { expected } = generateFleet({ clusters: 20, seed });
      expect(new Set(expected.map((one) => one.class))).toEqual(new Set(sweepClass.options));
      expect(new Set(expected.map(({ clusterState }) => clusterState))).toEqual(
        new Set(words`ordinary auto-mode no-agent fargate-only no-access tagged-out deleting unreachable`),
      );
    }
  });

  it('has every state of an add-on in a fleet of a hundred clusters', () => {
    const states = new Set(generateFleet({ clusters: 100, seed: 3 }).expected.map(({ state }) => state));
    expect(states).toEqual(
      new Set(words`
        on-pod-identity ready left-over-association shared-role no-trust trust-denies wrong-provider too-old
        unsupported foreign-association degraded tagged-out node-role not-concerned
      `),
    );
  });

  it("has trust policies within IAM's limit, also for shared roles", () => {
    const { accounts } = parsed({ clusters: 120, seed: 4 });
    const lengths = accounts.flatMap(({ roles }) => roles.map(({ trustPolicy }) => JSON.stringify(trustPolicy).length));
    expect(Math.max(...lengths)).toBeLessThanOrEqual(2048);
    const shared = accounts.flatMap(({ roles }) => roles.filter(({ arn }) => arn.includes('/shared-addons-')));
    expect(shared.length).toBeGreaterThan(3);
  });

  it('has as many add-ons as a measurement needs: ten thousand in 2,500 clusters', () =>
    expect(generateFleet({ clusters: 2500, seed: 1, addons: 4 }).expected).toHaveLength(10_000));
});

describe('a fleet with faults', () => {
  it('has a region that is not enabled, one that throttles nearly all calls, and an account without the roles', () => {
    const { scenario, faulty, expected } = generateFleet({ clusters: 60, seed: 1, faults: true });
    const [, second, third] = scenario.accounts;
    expect(faulty).toEqual([
      { account: second!.id, region: 'eu-south-1', fault: 'region-disabled' },
      { account: second!.id, region: 'us-east-1', fault: 'throttled' },
      { account: third!.id, fault: 'spoke-absent' },
    ]);
    expect([second!.disabledRegions, scenario.throttles]).toEqual([
      ['eu-south-1'],
      [{ service: 'eks', account: second!.id, region: 'us-east-1', callsPerSecond: 0.0001 }],
    ]);
    expect(third).toMatchObject({ spoke: 'absent' });
    const found = (account: string, region: string): string[] => [
      ...new Set(expected.filter((one) => one.account === account && one.region === region).map((one) => one.class)),
    ];
    expect([found(second!.id, 'us-east-1'), found(third!.id, 'eu-west-1'), found(third!.id, 'us-east-1')]).toEqual([
      ['unreachable'],
      ['unreachable'],
      ['unreachable'],
    ]);
    expect(found(second!.id, 'eu-west-1').length).toBeGreaterThan(1);
  });

  it('is a scenario, except for fields that scenarios do not support yet', () => {
    const { scenario } = generateFleet({ clusters: 60, seed: 1, faults: true });
    let problems: unknown[] = [];
    try {
      parseScenario(scenario, 'fleet');
    } catch (error) {
      problems = (error as ScenarioError).problems.map(({ path }) => path);
    }
    expect([[], [['accounts', 2, 'spoke']]]).toContainEqual(problems);
  });

  it('requires three accounts', () =>
    expect(() => generateFleet({ clusters: 6, seed: 1, accounts: 2, faults: true })).toThrow(
      'A fleet with faults needs 3 accounts.',
    ));
});

describe('generate-fleet', () => {
  const run = (...argv: string[]) => runProgram('generate-fleet', ...argv);

  it('writes the scenario to stdout, and a summary to stderr', async () => {
    const { code, out, err } = await run(
      ...words`--clusters 20 --seed 5 --accounts 2 --regions eu-west-1,eu-central-1 --addons 4`,
    );
    expect(code).toBe(0);
    const options = { clusters: 20, seed: 5, accounts: 2, regions: ['eu-west-1', 'eu-central-1'], addons: 4 };
    expect(parseScenario(out, 'out')).toEqual(parsed(options));
    expect(err).toMatch(/^20 clusters, 80 add-ons: \d+ [a-z-]+(, \d+ [a-z-]+){6}\.\n$/);
  });

  it('explains its flags and exit codes', async () => {
    const { code, out } = await run('--help');
    expect(code).toBe(0);
    for (const text of [
      '--clusters <number>',
      '--seed <number>',
      '--accounts <number>',
      '--regions <names>',
      '--addons <number>',
      '--faults',
      'Exit codes:',
    ])
      expect(out).toContain(text);
  });

  it('reports all wrong flags at once', async () => {
    expect(
      await run('--clusters', '0', '--regions', 'eu-west-1,eu-west-1', '--addons', '1', '--accounts', 'x'),
    ).toEqual({
      code: 2,
      out: '',
      err: [
        'error: --clusters "0" must be a whole number from 1 to 20000',
        '--seed is missing: specify a number; the same seed generates the same fleet',
        '--accounts "x" must be a whole number from 1 to 1000',
        '--regions "eu-west-1,eu-west-1" must name each region once',
        '--addons "1" must be a whole number from 2 to 12',
        'hint:  See: npm run --silent pod-identity -- generate-fleet --help',
        '',
      ].join('\n'),
    });
    expect((await run('--clusters', '3', '--seed', '1', '--accounts', '2', '--faults')).err).toContain(
      '--faults needs 3 accounts',
    );
  });
});
