/**
 * A fleet by the command line alone: generated, read by an inventory, migrated in waves, stopped and resumed, and read
 * again.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { type SweepReport, sweepReport } from '../../lambdas/domain/sweep/report.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import type { Scenario } from '../../sandbox/scenario/scenario.ts';
import { scratchDirectory } from '../scratch.ts';
import { runProgram as run } from '../cli/run-program.ts';
import { words } from '../cli/fixtures.ts';
import { containing } from '../lambdas/matchers.ts';

const reportIn = (text: string): SweepReport => sweepReport.parse(JSON.parse(text));

const directory = scratchDirectory();
let fleet: string;
let scenario: Scenario;
const file = (name: string): string => join(directory, name);

const generate = async (...options: string[]): Promise<Scenario> => {
  const { code, out, err } = await run('generate-fleet', ...options);
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return parseScenario(out, 'the generated fleet');
};

beforeAll(async () => {
  fleet = file('fleet.json');
  scenario = await generate('--clusters', '10', '--seed', '11', '--accounts', '2');
  writeFileSync(fleet, JSON.stringify(scenario));
});

/** Each add-on of the scenario, by its location and name. */
const addonsOf = ({ accounts }: Scenario): string[] =>
  accounts
    .flatMap(({ id, clusters }) =>
      clusters.flatMap(({ region, name, addons }) => addons.map((addon) => [id, region, name, addon.name].join(' '))),
    )
    .sort();
/** The add-ons of a report, and its clusters of which nothing is known. */
const foundIn = ({ rows }: SweepReport) => ({
  addons: rows
    .flatMap(({ account, region, cluster, addon }) =>
      cluster === undefined || addon === undefined ? [] : [[account, region, cluster, addon].join(' ')],
    )
    .sort(),
  unknown: new Set(
    rows.flatMap(({ account, region, cluster, addon }) =>
      cluster !== undefined && addon === undefined ? [[account, region, cluster].join(' ')] : [],
    ),
  ),
});

describe('sweep --sandbox', () => {
  it('reads each add-on of the fleet, shows its progress, and writes the reports', { timeout: 900_000 }, async () => {
    const files = ['inventory.html', 'inventory.csv', 'inventory.json'].map(file);
    const { code, out, err } = await run(
      ...words`sweep --mode inventory --sandbox ${fleet}`,
      ...files.flatMap((one) => ['--report', one]),
    );
    expect({ code, err: code === 3 ? '' : err }).toEqual({ code: 3, err: '' });
    expect(out).toMatch(
      /^! incomplete {2}inventory of \d of 10 clusters in 4 locations \(account and region\): \d+ add-ons\n/,
    );
    for (const one of files) expect(out).toContain(`\n  ${one}`);
    expect(err).toMatch(/Take the inventory[^]*of 4 locations read[^]*Write the report/);

    const [html = '', csv = '', json = ''] = files.map((one) => readFileSync(one, 'utf8'));
    expect(html).toMatch(/^<!doctype html>/i);
    const report = reportIn(json);
    expect(csv.trimEnd().split('\r\n')).toHaveLength(report.rows.length + 1);
    expect(report).toMatchObject({
      mode: 'inventory',
      outcome: 'incomplete',
      simulated: true,
      totals: { clusters: 10, locations: 4, byOutcome: {}, queued: 0, inFlight: 0 },
    });
    const { addons, unknown } = foundIn(report);
    expect(addons).toEqual(addonsOf(scenario).filter((one) => !unknown.has(one.split(' ').slice(0, 3).join(' '))));
    expect(Object.values(report.totals.byClass).reduce((sum, n) => sum + n, 0)).toBe(report.rows.length);
  });

  it('prints only the report with --json, and the trend since an earlier one', { timeout: 900_000 }, async () => {
    const { code, out, err } = await run(
      ...words`sweep --mode inventory --sandbox ${fleet} --json --previous ${file('inventory.json')}`,
    );
    expect({ code, err }).toEqual({ code: 3, err: '' });
    const [before, now] = [reportIn(readFileSync(file('inventory.json'), 'utf8')), reportIn(out)];
    expect(now.trend).toMatchObject({ sweepId: before.sweepId, byClass: before.totals.byClass });
    expect(now.sweepId).not.toBe(before.sweepId);
    expect(now.rows.map(({ class: one }) => one)).toEqual(before.rows.map(({ class: one }) => one));
    expect(
      await run(...words`sweep --mode inventory --sandbox ${fleet} --cluster * --previous ${file('inventory.json')}`),
    ).toMatchObject({ code: 2, out: '', err: containing('another selection') });
  });

  it('plans what is ready, and changes nothing', { timeout: 900_000 }, async () => {
    const { code, out } = await run('sweep', '--mode', 'plan', '--sandbox', fleet, '--json');
    expect(code).toBe(3);
    const { rows, totals } = reportIn(out);
    const ready = rows.filter((row) => row.class === 'ready');
    expect(ready.length).toBeGreaterThan(2);
    expect(ready.map(({ outcome }) => outcome)).toEqual(ready.map(() => 'planned'));
    expect(totals.byOutcome).toEqual({ planned: ready.length });
  });

  it('reads what was selected', { timeout: 900_000 }, async () => {
    const [first] = scenario.accounts;
    const { out } = await run(
      ...words`sweep --mode inventory --sandbox ${fleet} --account ${first?.id ?? ''} --region eu-west-1 --json`,
    );
    expect(new Set(reportIn(out).rows.map(({ account, region }) => `${account} ${region}`))).toEqual(
      new Set([`${first?.id ?? ''} eu-west-1`]),
    );
  });
});

describe('sweep --state', () => {
  const state = (): string[] => ['--state', file('world.json')];

  it(
    'stops when something fails, is resumed, finishes the rest, and then has nothing more to do',
    { timeout: 900_000 },
    async () => {
      // Each command repeats what those before it did, so the fleet is small.
      const small = await generate(...words`--clusters 4 --seed 5 --accounts 1 --regions eu-west-1 --addons 5`);
      // The function of the first change is killed; Recover rolls the add-on back.
      writeFileSync(
        file('small.json'),
        JSON.stringify({
          ...small,
          faults: [
            ...small.faults,
            { step: 'update-addon', operation: 'UpdateAddon', kind: 'abort-after', call: 1, times: 1 },
          ],
        }),
      );
      const first = await run(
        ...words`sweep --mode migrate --sandbox ${file('small.json')} ${state()} --canary 1 --stop-after 1 --json`,
      );
      expect(first.code).toBe(4);
      const stopped = reportIn(first.out);
      expect(stopped).toMatchObject({ outcome: 'stopped', totals: { byOutcome: { 'rolled-back': 1 }, inFlight: 0 } });
      expect(stopped.totals.queued).toBeGreaterThan(0);
      expect((await run('sweep', 'show', stopped.sweepId, ...state())).out).toMatch(
        /^stopped {2}migration of accounts [^]*sweep resume/,
      );

      const resumed = await run('sweep', 'resume', stopped.sweepId, '--reason', 'cause found', ...state(), '--json');
      const rest = reportIn(resumed.out);
      // A migration that was rolled back is not tried again.
      expect({ code: resumed.code, outcome: rest.outcome, queued: rest.totals.queued }).toEqual({
        code: 4,
        outcome: 'incomplete',
        queued: 0,
      });
      expect(rest.totals.byOutcome).toEqual({ 'rolled-back': 1, migrated: stopped.totals.queued });

      // Another sweep finds what the first one did, and does what is left.
      const again = reportIn((await run('sweep', '--mode', 'migrate', ...state(), '--json')).out);
      expect(again.totals).toMatchObject({
        byOutcome: { migrated: 1 },
        byClass: { ready: 1, 'on-pod-identity': stopped.totals.byClass['on-pod-identity'] + stopped.totals.queued },
      });
      expect(again.trend?.sweepId).toBe(stopped.sweepId);
      const last = await run('sweep', '--mode', 'migrate', ...state(), '--report', file('last.html'));
      expect(last).toMatchObject({ code: 3, out: containing('Nothing was ready.') });

      const { sweeps } = JSON.parse((await run('sweeps', ...state(), '--json')).out) as {
        sweeps: { sweepId: string; outcome: string }[];
      };
      expect(sweeps.map(({ outcome }) => outcome)).toEqual(['incomplete', 'incomplete', 'incomplete']);
      expect(readFileSync(file('last.html'), 'utf8')).toContain(sweeps[0]?.sweepId);
      expect(await run('sweep', 'resume', stopped.sweepId, ...state())).toMatchObject({
        code: 2,
        out: '',
        err: containing('nothing to resume'),
      });
    },
  );
});
