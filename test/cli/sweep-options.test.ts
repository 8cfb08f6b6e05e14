import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOfSweep } from '../../cli/exit-codes.ts';
import { backendOfMigration, backendOfSweep } from '../../cli/backend-options.ts';
import {
  parseKnownSweepFlags,
  parseReportFlags,
  parseSweepFlags,
  parseSweepListFlags,
} from '../../cli/sweep/options.ts';
import { checkReportFiles, readPrevious, writeReports } from '../../cli/sweep/reports.ts';
import { checkPrevious, recordOf, requestFrom } from '../../cli/sweep/request.ts';
import { sweep } from '../../lambdas/domain/sweep/model.ts';
import { sweepLimits } from '../../lambdas/domain/sweep/request.ts';
import { parseScenario } from '../../sandbox/build/load.ts';
import { SCENARIO } from '../end-to-end/fixture.ts';
import { errorOf } from './fixtures.ts';
import { GIVEN_FLAGS, GIVEN_REQUEST } from './options-fixtures.ts';
import { aSweepReport, aSweepRequest, ID, REPORTS } from './sweep-fixtures.ts';
import { scratchDirectory } from '../scratch.ts';
import { anError, anExit, containing, expectExit } from '../lambdas/matchers.ts';
import { runProgram } from './run-program.ts';

const GOOD = { mode: 'inventory', sandbox: 'a.json' };
const messageOf = (given: Record<string, unknown>) => errorOf(() => parseSweepFlags({ ...GOOD, ...given })).message;

const directory = scratchDirectory();

describe('the flags of sweep', () => {
  it('have the defaults of the request', () =>
    expect(requestFrom(parseSweepFlags({ ...GOOD, mode: 'migrate' }), 'me', undefined)).toEqual(
      aSweepRequest({ requestedBy: 'me' }),
    ));

  it.each([
    ['account', ['111122223333,222233334444', '111122223333'], ['111122223333', '222233334444']],
    ['region', ['eu-west-1, us-east-1'], ['eu-west-1', 'us-east-1']],
    ['cluster', ['prod-*,dev-?'], ['prod-*', 'dev-?']],
    ['addon', ['vpc-cni', 'aws-ebs-csi-driver'], ['vpc-cni', 'aws-ebs-csi-driver']],
    [
      'clusterTag',
      ['team=payments', 'formula=a=b', 'empty='],
      [
        ['team', 'payments'],
        ['formula', 'a=b'],
        ['empty', ''],
      ],
    ],
    ['canary', '100', 100],
    ['concurrency', '500', 500],
    ['stopAtPercent', '0.5', 0.5],
    ['callsPerSecond', '12.25', 12.25],
    [
      'report',
      ['a.HTML', 'dir/b.json', 'c.csv'],
      [
        { file: 'a.HTML', format: 'html' },
        { file: 'dir/b.json', format: 'json' },
        { file: 'c.csv', format: 'csv' },
      ],
    ],
    ['tagging', 'opt-in', 'opt-in'],
  ])('--%s %j is read', (name, given, read) =>
    expect(parseSweepFlags({ ...GOOD, [name]: given })).toHaveProperty(name, read),
  );

  it.each<[string, unknown, RegExp]>([
    ['mode', undefined, /--mode is missing: specify inventory/],
    ['mode', 'look', /--mode "look" must be inventory, plan or migrate/],
    ['account', ['1'], /^--account "1" must be an AWS account id \(12 digits\)$/],
    [
      'account',
      ['111122223333,2,3'],
      /^--account "111122223333,2,3" must be [^\n]*, which "2" is not\n--account [^\n]*, which "3" is not$/,
    ],
    ['account', [''], /--account "" must be/],
    ['region', ['Frankfurt'], /--region "Frankfurt" must be an AWS region/],
    ['cluster', ['prod/*'], /--cluster "prod\/\*" must be a cluster name in which/],
    ['addon', ['EBS'], /--addon "EBS" must be an EKS add-on name/],
    ['clusterTag', ['team'], /--cluster-tag "team" must be KEY=VALUE/],
    ['clusterTag', ['=x'], /--cluster-tag "=x" must be KEY=VALUE/],
    ['clusterTag', ['team=a', 'team=b'], /--cluster-tag has key team twice/],
    ['tagging', 'in', /--tagging "in" must be opt-out or opt-in/],
    ['canary', '0', /--canary "0" must be a whole number from 1 to 100/],
    ['concurrency', '501', /--concurrency "501" must be a whole number from 1 to 500/],
    ['perAccount', '1.5', /--per-account "1.5" must be a whole number from 1 to 100/],
    ['perRegion', 'all', /--per-region "all" must be/],
    ['stopAfter', '1001', /--stop-after "1001" must be a whole number from 1 to 1000/],
    ['stopAtPercent', '0', /--stop-at-percent "0" must be a number from 0.1 to 100/],
    ['stopAtPercent', '1e1', /--stop-at-percent "1e1" must be/],
    ['callsPerSecond', '101', /--calls-per-second "101" must be a number from 0.1 to 100/],
    ['report', ['out.pdf'], /--report "out.pdf" must end in .html, .json or .csv/],
    ['report', ['.json'], /--report ".json" must end in/],
    ['window', '0 22 * * SUN', /--window-minutes is missing[^]*--window-zone is missing/],
    ['approval', 'required', /--approval "required" works only with a deployed service/],
    ['strategy', 'fast', /--strategy "fast" must be auto, in-place or recreate/],
    ['reason', 'a\nb', /--reason .* must be one line/],
    ['seed', 'x', /--seed "x" must be a whole number/],
    ['cluster-name', 'x', /Unrecognized key/],
  ])('--%s %j is refused', (name, given, message) => expect(messageOf({ [name]: given })).toMatch(message));

  it('are all reported at once', () => {
    const lines = messageOf({ mode: 'x', canary: '0', report: ['a.pdf', 'b.doc'], region: ['a', 'b'] }).split('\n');
    expect(lines.map((line) => line.split(' ').slice(0, 2).join(' ')).sort()).toEqual([
      '--canary "0"',
      '--mode "x"',
      '--region "a"',
      '--region "b"',
      '--report "a.pdf"',
      '--report "b.doc"',
    ]);
  });

  it('are refused if they cannot be combined', () => {
    expect(messageOf({ strategy: 'in-place', preserve: true })).toContain(
      '--preserve applies only to strategies that delete the add-on',
    );
    for (const backend of [{ state: 'w.json' }, { deployed: true, sandbox: undefined }])
      expect(messageOf({ previous: 'a.json', ...backend })).toContain(
        '--previous "a.json" works only with a new sandbox',
      );
    expect(
      errorOf(() => backendOfMigration(parseSweepFlags({ ...GOOD, deployed: true, clock: 'real' }))).message,
    ).toContain('--deployed cannot be combined with --sandbox, --clock');
    expect(errorOf(() => backendOfMigration(parseSweepFlags({ mode: 'plan' }))).name).toBe('NoSandbox');
  });

  it('have the bounds of the request', () => {
    const { canary, concurrency } = sweepLimits.shape;
    expect([canary.unwrap().maxValue, concurrency.unwrap().maxValue]).toEqual([100, 500]);
    expect(
      requestFrom(
        parseSweepFlags({
          ...GOOD,
          canary: '2',
          concurrency: '40',
          perAccount: '3',
          perRegion: '4',
          stopAfter: '5',
          stopAtPercent: '2.5',
          callsPerSecond: '9',
        }),
        '',
        undefined,
      ),
    ).toMatchObject({
      limits: {
        canary: 2,
        concurrency: 40,
        perAccount: 3,
        perRegion: 4,
        stopAfterFailures: 5,
        stopAtFailurePercent: 2.5,
      },
      callsPerSecond: 9,
    });
  });

  it('on migrations are those of migrate', () => {
    const flags = parseSweepFlags({
      ...GOOD,
      ...GIVEN_FLAGS,
      strategy: 'recreate',
      preserve: true,
      resolveConflicts: 'NONE',
      window: '0 22 * * SUN',
      windowMinutes: '60',
      windowZone: 'Europe/Berlin',
    });
    const { reason, ...options } = GIVEN_REQUEST;
    expect(requestFrom(flags, '', undefined)).toMatchObject({
      reason,
      options: {
        ...options,
        strategy: 'recreate',
        preserve: true,
        resolveConflicts: 'NONE',
        approval: 'none',
        changeWindow: { schedule: '0 22 * * SUN', durationMinutes: 60, timeZone: 'Europe/Berlin' },
      },
    });
  });
});

describe('a sweep of a sandbox', () => {
  const scenario = parseScenario(JSON.parse(readFileSync(SCENARIO, 'utf8')), 'here');
  it('covers the whole scenario unless it is narrowed', () => {
    expect(requestFrom(parseSweepFlags({ ...GOOD, clusterTag: ['a=b'] }), '', scenario).selection).toEqual({
      accounts: scenario.accounts.map(({ id }) => id),
      regions: ['eu-west-1'],
      clusterTags: { a: 'b' },
      tagging: 'opt-out',
    });
    expect(requestFrom(parseSweepFlags({ ...GOOD, region: ['us-east-1'] }), '', scenario).selection.regions).toEqual([
      'us-east-1',
    ]);
  });
  it('refuses an account that the scenario does not have', () =>
    expect(
      errorOf(() => requestFrom(parseSweepFlags({ ...GOOD, account: ['999999999999'] }), '', scenario)),
    ).toMatchObject({ name: 'UnknownAccount', exitCode: 2 }));
});

describe('the flags of the commands about sweeps', () => {
  it('name a sweep and its backend', () => {
    expect(errorOf(() => parseKnownSweepFlags({ sweepId: 'x' }, 'show'))).toMatchObject({
      message: containing('the sweep id "x" must be a ULID'),
      hint: containing('sweep show --help'),
    });
    expect(errorOf(() => backendOfSweep(parseKnownSweepFlags({ sweepId: ID }, 'show'))).message).toContain(
      `it is not clear where sweep ${ID} is`,
    );
    expect(errorOf(() => backendOfSweep(parseKnownSweepFlags({ sweepId: ID, sandbox: 'a.json' }, 'show'))).name).toBe(
      'NoState',
    );
    expect(errorOf(() => backendOfSweep(parseSweepListFlags({ sandbox: 'a.json' }))).message).toContain(
      'so earlier sweeps are not in it',
    );
    expect(backendOfSweep(parseKnownSweepFlags({ sweepId: ID, deployed: true }, 'show'))).toEqual({ kind: 'deployed' });
  });
  it('name files for a report', () => {
    expect(errorOf(() => parseReportFlags({ sweepId: ID })).message).toContain('--report is missing');
    expect(parseReportFlags({ sweepId: ID, report: ['a.csv'] }).report).toEqual([{ file: 'a.csv', format: 'csv' }]);
  });
  it('narrow a list of sweeps', () => {
    expect(parseSweepListFlags({ status: 'paused', since: '2026-01-01', until: '2026-01-02' })).toMatchObject({
      status: 'paused',
      since: Date.UTC(2026, 0, 1),
      until: Date.UTC(2026, 0, 2),
    });
    expect(errorOf(() => parseSweepListFlags({ status: 'new' })).message).toContain('must be running, paused');
    expect(errorOf(() => parseSweepListFlags({ since: '2026-01-02', until: '2026-01-02' })).message).toContain(
      'must be later than since',
    );
  });
  it.each(['0', '1001', 'x'])('refuse %j as a limit of the list', (limit) =>
    expect(errorOf(() => parseSweepListFlags({ limit })).message).toContain('must be a whole number from 1 to 1000'),
  );

  it.each([
    ['sweep', 'show'],
    ['sweep', 'pause'],
    ['sweep', 'resume'],
    ['sweep', 'stop'],
    ['sweep', 'report'],
    ['sweeps'],
    ['sweep'],
  ])('are explained in the help: %s %s', async (...command) => {
    const { code, out } = await runProgram(...command, '--help');
    expect(code).toBe(0);
    for (const text of ['--state', '--deployed', '--json', 'Exit codes:']) expect(out).toContain(text);
  });
  it('of the subcommands do not include those of sweep', async () => {
    const misplaced = runProgram('sweep', 'show', ID, '--mode', 'plan', '--deployed');
    await expectExit(misplaced, 2, /unknown option '--mode'[^]*sweep show --help/);
  });
});

describe('files of reports', () => {
  const file = (name: string) => ({ file: join(directory, name), format: 'html' as const });
  it('are checked before anything is started, and not changed', () => {
    writeFileSync(join(directory, 'there.html'), 'before');
    checkReportFiles([file('new.html'), file('there.html')]);
    expect(readFileSync(join(directory, 'there.html'), 'utf8')).toBe('before');
    mkdirSync(join(directory, 'folder.html'));
    for (const wrong of ['none/a.html', 'folder.html'])
      expect(errorOf(() => checkReportFiles([file(wrong)]))).toMatchObject(anExit('FileNotWritable', 2, wrong));
    expect(errorOf(() => checkReportFiles([file('a.html'), { ...file('./a.html') }])).message).toContain('named twice');
  });
  it('are written in the format of their extension', () => {
    const report = aSweepReport();
    writeReports([file('out.html'), { file: join(directory, 'out.csv'), format: 'csv' }], {
      report,
      texts: { html: '<html>', csv: 'a,b', json: '{}' },
    });
    expect([
      readFileSync(join(directory, 'out.html'), 'utf8'),
      readFileSync(join(directory, 'out.csv'), 'utf8'),
    ]).toEqual(['<html>', 'a,b']);
    expect(errorOf(() => writeReports([file('none/a.html')], { report, texts: {} })).name).toBe('FileNotWritable');
  });
  it('of an earlier sweep are read, and must have the same selection', () => {
    const path = join(directory, 'before.json');
    const before = aSweepReport();
    writeFileSync(path, JSON.stringify(before));
    expect(readPrevious(path)).toEqual(before);
    checkPrevious(path, before, aSweepRequest({ mode: 'inventory' }));
    expect(errorOf(() => checkPrevious(path, before, aSweepRequest({ selection: { clusters: ['a'] } }))).name).toBe(
      'OtherSelection',
    );
    expect(sweep.parse(recordOf(before, REPORTS))).toMatchObject({
      sweepId: ID,
      status: 'ended',
      outcome: 'completed',
      reports: REPORTS,
    });
    for (const [name, text] of [
      ['not.json', 'no'],
      ['other.json', '{}'],
    ] as const) {
      writeFileSync(join(directory, name), text);
      expect(errorOf(() => readPrevious(join(directory, name)))).toMatchObject(
        anError('PreviousReport', 'is not the JSON report'),
      );
    }
    expect(errorOf(() => readPrevious(join(directory, 'nowhere.json'))).message).toContain('cannot be read');
  });
});

it.each([
  ['inventory', 'completed', {}, 0],
  ['inventory', 'completed', {}, 0, { ready: 1, blocked: 4, unreachable: 2 }],
  ['inventory', 'completed', {}, 0, { 'on-pod-identity': 4, 'node-role': 2 }],
  ['inventory', 'completed', {}, 3, { 'on-pod-identity': 4, blocked: 1 }],
  ['inventory', 'completed', {}, 3, { unreachable: 1 }],
  ['inventory', 'completed', {}, 0, { 'keep-irsa': 2, 'on-pod-identity': 1 }],
  ['plan', 'completed', {}, 3, { 'keep-irsa': 2, blocked: 1 }],
  ['inventory', 'failed', {}, 1, { blocked: 1 }],
  ['inventory', 'incomplete', {}, 3, { ready: 4, unreachable: 1 }],
  ['migrate', 'incomplete', { migrated: 1 }, 3],
  ['migrate', 'incomplete', { 'rolled-back': 1 }, 4],
  ['plan', 'completed', { planned: 3, blocked: 2 }, 0],
  ['plan', 'completed', { planned: 1 }, 0, { ready: 1, blocked: 4 }],
  ['plan', 'completed', { blocked: 2 }, 3, { ready: 2 }],
  ['plan', 'completed', {}, 3, { blocked: 2 }],
  ['plan', 'completed', { 'already-migrated': 1, blocked: 1 }, 0, { ready: 2 }],
  ['plan', 'stopped', { blocked: 2 }, 4, { ready: 2 }],
  ['migrate', 'completed', {}, 0, { blocked: 2 }],
  ['migrate', 'completed', { migrated: 3, 'already-migrated': 1 }, 0],
  ['migrate', 'completed', { migrated: 3, blocked: 1 }, 3],
  ['migrate', 'completed', { migrated: 3, blocked: 1, 'rolled-back': 1 }, 4],
  ['migrate', 'stopped', { migrated: 3 }, 4],
  ['inventory', 'failed', {}, 1],
  ['migrate', 'failed', { 'rolled-back': 1 }, 1],
  ['migrate', 'completed', { 'rolled-back': 1, 'needs-human': 1 }, 5],
  ['migrate', 'failed', { none: 1 }, 5],
  ['migrate', 'stopped', { 'needs-human': 0, migrated: 1 }, 4],
] as const)('the exit code of a sweep %s, %s, %j: %i %j', (mode, outcome, ended, code, byClass?: object) =>
  expect(exitCodeOfSweep({ mode, outcome, ended, byClass: byClass ?? {} })).toBe(code),
);
