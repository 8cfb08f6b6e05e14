/** What seeds draw, and that a seed's run is the same each time. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { FAULT_KINDS } from '../../sandbox/calls/faults.ts';
import { runs } from '../runs.ts';
import { simulate } from './run.ts';
import { SCENARIO_NAMES, TIME_SCENARIO_NAMES } from './scenarios.ts';
import { specOfSeed } from './seeds.ts';
import { clientsOf, type PodsSpec, type RunSpec } from './spec.ts';
import { OUTAGE_SECONDS } from './time-seeds.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

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
    const specs = Array.from({ length: 800 }, (_, seed) => specOfSeed(seed));
    const drawn = specs.filter(({ pods }) => pods !== undefined);
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
