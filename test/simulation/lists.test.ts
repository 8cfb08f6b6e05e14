/** The lists of exhaustive runs and of interferences have all that they claim. */
import { beforeAll, describe, expect, it } from 'vitest';
import { ensureAssembly } from '../../cli/assembly.ts';
import { FAULT_KINDS } from '../../sandbox/calls/faults.ts';
import { kindsFor, outages, persistentFailures, positionOf, singleFaults, smooth, rollbackOf } from './exhaustive.ts';
import { actsFor, restoreCommandsInterferences, interferencesAt, locationsOf } from './interferences.ts';
import { type RunResult, simulate } from './run.ts';
import { SCENARIO_NAMES, scenarioNamed, TIME_SCENARIO_NAMES, UNDRAWN_SCENARIO_NAMES } from './scenarios.ts';
import { ACTS, PERSONS, PHASES } from './spec.ts';

let assembly = '';
beforeAll(async () => void (assembly = (await ensureAssembly()).directory));

/** The runs without a fault, each of which several tests read. */
const smoothRuns = new Map<string, Promise<RunResult>>();
const runSmoothly = (name: string): Promise<RunResult> => {
  const result = smoothRuns.get(name) ?? simulate(smooth(name), assembly);
  smoothRuns.set(name, result);
  return result;
};

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
