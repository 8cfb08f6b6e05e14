/** Tests of the simulation itself: it is repeatable, it covers what it claims, and planted defects fit the sources. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { FAULT_KINDS } from '../../sandbox/world/faults.ts';
import { kindsFor, outages, persistentFailures, positionOf, singleFaults, smooth, rollbackOf } from './exhaustive.ts';
import { actsFor, restoreCommandsInterferences, interferencesAt, locationsOf } from './interferences.ts';
import { runs } from '../runs.ts';
import { defectiveSource } from '../../conformance/planted.ts';
import { readMutants } from './mutants.ts';
import { PROMISES } from './promises.ts';
import { type RunResult, simulate } from './run.ts';
import { SCENARIO_NAMES, scenarioNamed, TIME_SCENARIO_NAMES, UNDRAWN_SCENARIO_NAMES } from './scenarios.ts';
import { specOfSeed } from './seeds.ts';
import { ACTS, clientsOf, PERSONS, PHASES, type PodsSpec, type RunSpec } from './spec.ts';
import { OUTAGE_SECONDS } from './time-seeds.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

/** The runs without a fault, each of which several tests read. */
const smoothRuns = new Map<string, Promise<RunResult>>();
const runSmoothly = (name: string): Promise<RunResult> => {
  const result = smoothRuns.get(name) ?? simulate(smooth(name), assembly);
  smoothRuns.set(name, result);
  return result;
};

/** Returns the first seed's run with time that has this, and is not large. */
const firstWith = (what: 'outages' | 'apiTokenLagSeconds' | 'autoscaler' | 'losses'): RunSpec => {
  const has = ({ time = {}, faults, knobs }: RunSpec): boolean => {
    if (what === 'outages') return faults.some(({ seconds }) => seconds !== undefined);
    return (what === 'apiTokenLagSeconds' ? knobs?.[what] : time[what]) !== undefined;
  };
  const specs = Array.from({ length: 400 }, (_, index) => specOfSeed(index + 1, { time: true }));
  return specs.find((spec) => (spec.time?.replicas ?? 0) < 50 && (spec.time?.nodes ?? 0) < 50 && has(spec))!;
};

describe('a seed', () => {
  it('returns the same run', () => {
    expect(specOfSeed(17)).toEqual(specOfSeed(17));
    expect(specOfSeed(17)).not.toEqual(specOfSeed(18));
  });

  // Seeds with an actor, faults that hang and crash, restore commands, and several migrations. With time: lost nodes and an
  // outage, a large workload with an autoscaler, an API server that learns of callers late.
  it.each([
    ...[7, 11, 12, 42, 51, 53].slice(0, runs(2, 6)).map((seed): [string, RunSpec] => [String(seed), specOfSeed(seed)]),
    ...(['outages', 'autoscaler', 'apiTokenLagSeconds', 'losses'] as const)
      .slice(0, runs(1, 4))
      .map((what): [string, RunSpec] => [`with time: ${what}`, firstWith(what)]),
  ])('produces the same call log, byte for byte, each time and with both kinds of clients (%s)', async (_, spec) => {
    const log = async (clients: 'direct' | 'sdk'): Promise<string> =>
      (await simulate(spec, assembly, { clients })).sandbox.world.log.toJsonLines();
    const first = await log('direct');
    expect(first.split('\n').length).toBeGreaterThan(10);
    expect(await log('sdk')).toBe(first);
  });

  it('has time only on request', () => {
    for (let seed = 1; seed <= 50; seed += 1) {
      const spec = specOfSeed(seed);
      expect(spec.time).toBeUndefined();
      expect(spec.faults.filter((fault) => fault.seconds !== undefined)).toEqual([]);
      expect(SCENARIO_NAMES).toContain(spec.scenario);
    }
  });

  it('draws everything that takes time', () => {
    const specs = Array.from({ length: 400 }, (_, seed) => specOfSeed(seed, { time: true }));
    const times = specs.map(({ time }) => time ?? {});
    expect(new Set(specs.map(({ scenario }) => scenario))).toEqual(
      new Set([...SCENARIO_NAMES, ...TIME_SCENARIO_NAMES]),
    );
    for (const field of ['nodes', 'replicas', 'readySeconds', 'budget', 'autoscaler', 'losses'] as const)
      expect(times.filter((time) => time[field] !== undefined).length).toBeGreaterThan(10);
    expect(Math.max(...times.map(({ nodes = 0 }) => nodes))).toBe(500);
    expect(Math.max(...times.map(({ replicas = 0 }) => replicas))).toBe(500);
    const drawn = specs.flatMap(({ faults }) => faults.filter(({ seconds }) => seconds !== undefined));
    expect(new Set(drawn.map(({ seconds }) => seconds))).toEqual(new Set(OUTAGE_SECONDS));
    for (const service of ['eks', 'kubernetes', 'iam', 'dynamodb', 'eks-auth'])
      expect(drawn.filter((one) => one.service === service).length).toBeGreaterThan(5);
    for (const knob of ['apiTokenLagSeconds', 'functionClockSkewSeconds'])
      expect(specs.filter(({ knobs }) => knobs?.[knob] !== undefined).length).toBeGreaterThan(10);
    // Many runs have time alone, so that they show its effect.
    expect(specs.filter(({ faults, actor }) => faults.length === 0 && !actor).length).toBeGreaterThan(80);
  });

  it('draws everything that can happen to pods, mostly alone', () => {
    const drawn = Array.from({ length: 800 }, (_, seed) => specOfSeed(seed)).filter(({ pods }) => pods !== undefined);
    expect(drawn.length).toBeGreaterThan(100);
    expect(drawn.length).toBeLessThan(250);
    expect(drawn.filter(({ faults, actor }) => faults.length === 0 && !actor).length).toBeGreaterThan(60);
    const values = (field: keyof PodsSpec): unknown[] => drawn.flatMap(({ pods }) => pods?.[field] ?? []);
    expect(new Set((values('oldSdk') as NonNullable<PodsSpec['oldSdk']>[]).map(({ without }) => without))).toEqual(
      new Set(['sdk-crashes', 'crashes', 'logs']),
    );
    expect(new Set((values('restarts') as NonNullable<PodsSpec['restarts']>[]).map(({ times }) => times))).toEqual(
      new Set([1, 2, 12]),
    );
    expect(new Set(values('brokenBefore'))).toEqual(new Set(['cured', 'replaced']));
    expect(new Set((values('node') as NonNullable<PodsSpec['node']>[]).map(({ does }) => does))).toEqual(
      new Set(['joins', 'is-lost']),
    );
    for (const field of ['unreachable', 'mutated'] as const) expect(values(field).length).toBeGreaterThan(5);
    expect(new Set(drawn.map(({ verification }) => verification))).toEqual(new Set([undefined, 'injected', 'api']));
  });

  it('has a level of its own only in a seed that draws something for pods', () => {
    const specs = Array.from({ length: 50 }, (_, seed) => specOfSeed(seed)).filter(({ pods, life }) => !pods && !life);
    expect(specs.length).toBeGreaterThan(25);
    expect(specs.filter(({ verification }) => verification !== undefined)).toEqual([]);
  });

  it('uses SDK clients in one run of twenty', () => {
    const specs = Array.from({ length: 2000 }, (_, seed) => specOfSeed(seed));
    const bySdk = specs.filter((spec) => clientsOf(spec) === 'sdk');
    expect(bySdk.length).toBeGreaterThan(60);
    expect(bySdk.length).toBeLessThan(140);
  });

  it('draws everything that a run can have', () => {
    const specs = Array.from({ length: 400 }, (_, seed) => specOfSeed(seed));
    expect(new Set(specs.map(({ scenario }) => scenario))).toEqual(new Set(SCENARIO_NAMES));
    expect(new Set(specs.flatMap(({ faults }) => faults.map(({ kind }) => kind)))).toEqual(new Set(FAULT_KINDS));
    for (const has of [
      specs.some((one) => one.actor),
      specs.some((one) => one.copies),
      specs.some((one) => one.trust),
      specs.some((one) => one.stranger),
      specs.some((one) => one.denied),
      specs.some((one) => one.cancelAfterCall),
      specs.some((one) => one.again),
      specs.some((one) => one.rollBack),
      specs.some((one) => one.faults.length > 1),
    ]) {
      expect(has).toBe(true);
    }
  });
});

describe('the exhaustive list', () => {
  it.each([...SCENARIO_NAMES, ...TIME_SCENARIO_NAMES, ...UNDRAWN_SCENARIO_NAMES])(
    'has every fault at every call of %s, which ends as expected without a fault',
    async (name) => {
      const result = await runSmoothly(name);
      expect(result.migrations.map(({ record }) => record?.outcome)).toEqual(
        result.migrations.map(() => scenarioNamed(name).ends),
      );
      const { seen } = result.sandbox.world.faults;
      const specs = singleFaults(name, seen);
      expect(new Set(specs.map(({ faults }) => faults[0]?.call))).toEqual(new Set(seen.map(({ n }) => n)));
      const services = new Set(seen.map(({ service }) => service));
      for (const service of ['eks', 'iam', 'kubernetes', 'dynamodb']) expect(services).toContain(service);
      const changing = seen.find(({ service, mutating }) => service === 'eks' && mutating);
      expect(changing === undefined).toBe(scenarioNamed(name).ends === 'blocked');
      expect(new Set(changing ? kindsFor(changing) : FAULT_KINDS)).toEqual(new Set(FAULT_KINDS));
    },
  );

  it('has an outage of each service from each of its calls on, for minutes and for hours', async () => {
    const { seen } = (await runSmoothly('in-place')).sandbox.world.faults;
    const specs = outages('in-place', seen);
    for (const service of ['eks', 'iam', 'kubernetes', 'dynamodb'] as const) {
      const own = specs.map(({ faults: [fault] }) => fault!).filter((fault) => fault.service === service);
      expect(new Set(own.map(({ seconds }) => seconds))).toEqual(new Set([120, 900, 10_800]));
      expect(Math.max(...own.map(({ call }) => call))).toBe(seen.filter((call) => call.service === service).length);
    }
    // An outage begins with the call that it is drawn for and strikes all later calls until it is over.
    const { sandbox } = await simulate(
      { ...smooth('in-place'), faults: [{ kind: 'server-error', service: 'iam', call: 2, seconds: 5 }] },
      assembly,
    );
    const calls = sandbox.world.log.calls.filter(({ service, step }) => service === 'iam' && step !== undefined);
    expect(calls[0]!.status).toBe(200);
    expect(calls.filter(({ status }) => status === 500).length).toBeGreaterThan(0);
    const since = Date.parse(calls[1]!.at);
    expect(calls.slice(1).every(({ at, status }) => Date.parse(at) < since + 5000 === (status === 500))).toBe(true);
  });

  it('fails each mutating step of the workflow and continues along the rollback', async () => {
    const { sandbox } = await runSmoothly('recreate');
    const failures = persistentFailures('recreate', sandbox.world.faults.seen);
    expect(failures.map(({ faults }) => faults[0]?.operation)).toEqual([
      'DeleteAddon',
      'DeletePodIdentityAssociation',
      'CreateAddon',
    ]);
    const back = rollbackOf((await simulate(failures[2]!, assembly)).sandbox.world.faults.seen);
    expect(new Set(back.map(({ step }) => step))).toEqual(
      new Set(['assess-rollback', 'restore-addon', 'restore-associations', 'verify-pods', 'finish']),
    );
  });
});

describe('the list of interferences', () => {
  it('has each act after the first and the last call of each position', async () => {
    const { seen } = (await runSmoothly('in-place')).sandbox.world.faults;
    const positions = locationsOf(seen);
    expect(new Set(positions.map(positionOf))).toEqual(new Set(seen.map(positionOf)));
    // One read is before the pods, two are around the associations after them.
    const reads = positions.filter((call) => positionOf(call) === 'verify-pods eks DescribeAddon');
    expect(reads).toHaveLength(2);
    const specs = interferencesAt(smooth('in-place'), reads);
    expect(new Set(specs.map(({ actor }) => actor?.does))).toEqual(new Set(actsFor('in-place')));
    expect(specs.map(({ actor }) => actor?.afterCall)).toContain(reads[1]!.n);
  });

  it('has acts for add-ons and for service accounts, and together all acts', () => {
    expect(new Set([...actsFor('in-place'), ...actsFor('service-account')])).toEqual(new Set(ACTS));
    expect(actsFor('in-place')).not.toContain('annotate');
    expect(actsFor('service-account')).not.toContain('replace');
  });

  it('has each kind of person at restore commands, in each of its phases', () => {
    const specs = restoreCommandsInterferences(smooth('in-place'), true);
    const combined = new Set(
      specs.map(({ actor, person }) => `${actor?.afterCall ?? ''} ${actor?.does ?? ''} ${person ?? ''}`),
    );
    expect(combined.size).toBe(PERSONS.length * (1 + PHASES.length * actsFor('in-place').length));
  });

  it('follows restore commands until the migration has ended and another migration can begin', async () => {
    const [failure] = persistentFailures('in-place', (await runSmoothly('in-place')).sandbox.world.faults.seen);
    const deletes = restoreCommandsInterferences(failure!, true).filter(({ actor }) => actor?.does === 'delete');
    for (const person of ['releases', 'as-written']) {
      const run = deletes.find((one) => one.person === person)!;
      const [end] = (await simulate(run, assembly)).restoreCommands;
      expect(end).toMatchObject({ problems: expect.any(Array) as unknown, locks: [], heldUp: [] });
      expect([end?.outcome, end?.released]).toEqual(
        run.person === 'releases' ? ['needs-human', true] : ['rolled-back', false],
      );
    }
  });
});

describe('mutants', () => {
  const mutants = readMutants();

  it('are at least ten', () => expect(mutants.length).toBeGreaterThanOrEqual(10));

  it.each(mutants)('$name fits the sources and names a promise', (mutant) => {
    expect(defectiveSource(mutant)).toContain(mutant.after);
    expect(PROMISES.map(({ name }) => name)).toContain(mutant.promise);
  });
});
