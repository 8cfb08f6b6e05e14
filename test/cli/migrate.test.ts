import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { z } from 'zod';
import { migrationReport } from '../../lambdas/domain/record/migration.ts';
import type { Call } from '../../sandbox/calls/call-log.ts';
import type { scenario as scenarioSchema } from '../../sandbox/scenario/scenario.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram as run } from './run-program.ts';
import { words } from './fixtures.ts';

type ScenarioInput = z.input<typeof scenarioSchema>;

const SCENARIO = join(import.meta.dirname, '../../sandbox/scenarios/ebs-csi-irsa.json');
const ADDON = ['--cluster', 'reliability-dev', '--addon', 'aws-ebs-csi-driver'];

const directory = scratchDirectory();

const scenarioFile = (name: string, change: (scenario: ScenarioInput) => void): string => {
  const scenario = JSON.parse(readFileSync(SCENARIO, 'utf8')) as ScenarioInput;
  change(scenario);
  const file = join(directory, name);
  writeFileSync(file, JSON.stringify(scenario));
  return file;
};

const callsIn = (file: string): Call[] =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line) as Call);

const changes = (calls: Call[]): string[] =>
  calls
    .filter(({ mutating, service }) => mutating && ['eks', 'iam', 'kubernetes'].includes(service))
    .map(({ operation }) => operation);

describe('migrate', () => {
  it('prints what happened, with progress on stderr', async () => {
    const { code, out, err } = await run('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toMatch(/^✔ migrated {2}aws-ebs-csi-driver on reliability-dev \(111122223333, eu-west-1\)/);
    expect(out).toMatch(/verified: ready \(stable; use of the credentials not observed\) · .*\(simulated\)/);
    expect(out).toMatch(/ebs-csi-controller-\S+ +ebs-csi-controller-sa +irsa +pod-identity +ready +2026-01-15/);
    expect(out).toMatch(/associations deleted:\n.*a-[a-z0-9]{17}/);
    expect(out).toMatch(/ {2}controller pods: 0 ready for (\d+ min )?\d+ s \(simulated\)/);
    for (const line of [
      'create the plan',
      'Delete the add-on',
      'Wait until the add-on is gone',
      'Create the add-on',
      'ACTIVE',
      'Verify the pods',
      'Record the outcome',
    ]) {
      expect(err).toMatch(new RegExp(`✔ .*${line}.*simulated`));
    }
  });

  it('uses the least disruptive strategy if the pods get the new identity', async () => {
    const { code, out, err } = await run('migrate', ...ADDON, '--sandbox', SCENARIO);
    expect(code).toBe(0);
    expect(out).toContain('strategy auto, done in place');
    expect(out).toContain('controller pods: never fewer than 2 ready (simulated)');
    expect(err).toMatch(/✔ Update the add-on in place with its Pod Identity associations \(/);
    expect(err).not.toContain('Delete the add-on');
  });

  it('reports in JSON how long no pod was ready: never in place, for a while when recreated', async () => {
    const disruptionOf = async (...flags: string[]) =>
      migrationReport.parse(JSON.parse((await run('migrate', ...ADDON, ...flags, '--sandbox', SCENARIO, '--json')).out))
        .disruption;
    expect(await disruptionOf('--strategy', 'in-place')).toEqual({
      controllerUnavailableSeconds: 0,
      minReadyPods: 2,
      simulated: true,
    });
    expect(await disruptionOf('--strategy', 'recreate', '--preserve')).toEqual({
      controllerUnavailableSeconds: 0,
      // One pod goes first.
      minReadyPods: 1,
      simulated: true,
    });
    const outage = await disruptionOf('--strategy', 'recreate');
    expect(outage).toMatchObject({ minReadyPods: 0, simulated: true });
    expect(outage?.controllerUnavailableSeconds).toBeGreaterThan(30);
  });

  it('prints only the report with --json, the same for the same seed', async () => {
    const [first, second, other] = [
      await run('migrate', ...ADDON, '--sandbox', SCENARIO, '--json', '--seed', '7'),
      await run('migrate', ...ADDON, '--sandbox', SCENARIO, '--json', '--seed', '7'),
      await run('migrate', ...ADDON, '--sandbox', SCENARIO, '--json', '--seed', '8'),
    ];
    const report = migrationReport.parse(JSON.parse(first.out));
    expect([report, first.err]).toMatchObject([{ outcome: 'migrated', verified: 'ready', simulated: true }, '']);
    expect(second.out).toBe(first.out);
    expect(migrationReport.parse(JSON.parse(other.out)).migrationId).not.toBe(report.migrationId);
  });

  it('writes every call to the file of --calls', async () => {
    const file = join(directory, 'calls.jsonl');
    await run('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', SCENARIO, '--calls', file);
    const calls = callsIn(file);
    expect(calls.map(({ n }) => n)).toEqual(calls.map((_call, index) => index + 1));
    expect(changes(calls)).toEqual(expect.arrayContaining(['DeleteAddon', 'CreateAddon']));
    // Polling must not dominate the log of calls.
    expect(calls.filter(({ operation }) => operation === 'GetExecutionHistory').length).toBeLessThan(60);
  });

  it('makes every allowed attempt, then rolls back, exits with 4 and shows why', async () => {
    const file = scenarioFile('webhook.json', (scenario) => (scenario.knobs = { webhookLagSeconds: 86_400 }));
    const { code, out, err } = await run('migrate', ...ADDON, '--sandbox', file);
    expect(code).toBe(4);
    expect(out).toMatch(/^↩ rolled-back/);
    expect(out).toContain('strategy auto, done by recreate with preserve');
    expect(out).toMatch(/\nWhy\n {2}PodsOnWrongIdentity: /);
    expect(out).toMatch(/add-on now: .* IRSA role \S+ again/);
    for (const line of [
      'in place',
      'Delete the add-on \\(attempt 2\\)',
      '\\(attempt 2, round 3\\)',
      'Restore the add-on by an update',
      "Verify the pods' former identity",
    ]) {
      expect(err).toMatch(new RegExp(`[✔✖] .*${line}.*simulated`));
    }
    expect(out).toMatch(/Verify the pods' former identity.* verdict verified/);
  });

  it('ends with the report of the recovery if its execution is stopped half-way', async () => {
    const file = scenarioFile(
      'aborted.json',
      (scenario) => (scenario.faults = [{ step: 'delete-addon', operation: 'DeleteAddon', kind: 'abort-after' }]),
    );
    const { code, out, err } = await run('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', file);
    expect(code).toBe(4);
    expect(out).toMatch(/\nRecovery\n {2}taken over at \S+ by Recover, because the execution had stopped/);
    expect(err).toMatch(
      /Delete the add-on[^]*The execution stopped before its end was recorded\.[^]*✔ Take over the migration[^]*✔ Restore the add-on by creating it again[^]*✔ Record the end of the rollback/,
    );
  });

  it('exits with 5 and prints the commands if the rollback fails too', async () => {
    const file = scenarioFile('create-fails.json', (scenario) => (scenario.knobs = { createEndsIn: 'CREATE_FAILED' }));
    const { code, out } = await run('migrate', ...ADDON, '--strategy', 'recreate', '--sandbox', file);
    expect(code).toBe(5);
    expect(out).toMatch(/^✖ needs-human/);
    expect(out).toMatch(/What you have to do now\n[^]*\n {2}aws eks create-addon .*--cluster-name reliability-dev/);
    expect(out).toMatch(
      /\n {2}npm run --silent pod-identity -- rollback 01[0-9A-Z]{24} --sandbox \S+\n\n✖ needs-human: the service could neither .*\.\n$/,
    );
  });
});

describe('plan', () => {
  it('shows what would be done and the next command, and changes nothing', async () => {
    const file = join(directory, 'plan.jsonl');
    const { code, out } = await run('plan', ...ADDON, '--sandbox', SCENARIO, '--calls', file);
    expect(code).toBe(0);
    expect(out).toMatch(/^✔ planned/);
    expect(out).toMatch(/Attempts {2}strategy auto\n.* 1\. in place: .*\n.* 2\. recreate with preserve: /);
    expect(out).toMatch(/calls: .*UpdateAddon/);
    expect(out).toMatch(/- association a-[a-z0-9]{17}/);
    expect(out).toContain(`migrate --cluster reliability-dev --addon aws-ebs-csi-driver --sandbox ${SCENARIO}`);
    expect(changes(callsIn(file))).toEqual([]);
  });

  it('does the same as migrate --dry-run', async () => {
    const { code, out } = await run('migrate', ...ADDON, '--dry-run', '--sandbox', SCENARIO, '--json');
    expect([code, migrationReport.parse(JSON.parse(out)).outcome]).toEqual([0, 'planned']);
  });

  it('is blocked for a cluster that does not exist', async () => {
    const { code, out } = await run(...words`plan --cluster nowhere --addon aws-ebs-csi-driver --sandbox ${SCENARIO}`);
    expect(code).toBe(3);
    expect(out).toMatch(/^✖ blocked/);
    expect(out).toContain('nowhere');
  });
});

it.each([
  ['that is not there', () => join(directory, 'none.json'), /does not exist/],
  [
    'that is not JSON',
    () => {
      const file = join(directory, 'text.json');
      writeFileSync(file, '{ "accounts": [ }');
      return file;
    },
    /is not JSON: line 1/,
  ],
  [
    'with a wrong field',
    () => scenarioFile('field.json', (scenario) => (scenario.accounts[0]!.clusters![0]!.nodes = -1)),
    /accounts\[0\]\.clusters\[0\]\.nodes/,
  ],
])('a scenario %s is reported, with what to do', async (_what, file, message) => {
  const path = file();
  const plain = await run('migrate', ...ADDON, '--sandbox', path);
  expect(plain.code).toBe(2);
  expect(plain.err).toMatch(message);
  expect(plain.err).toContain(path);
  const json = await run('migrate', ...ADDON, '--sandbox', path, '--json');
  expect(JSON.parse(json.out)).toMatchObject({ error: { name: 'ScenarioError' } });
});

it('with a call log that cannot be written, starts nothing', async () => {
  const { code, err } = await run(
    ...words`migrate ${ADDON} --sandbox ${SCENARIO} --calls`,
    join(directory, 'no', 'such', 'calls.jsonl'),
  );
  expect(code).toBe(2);
  expect(err).toMatch(/--calls .* cannot be written/);
});
