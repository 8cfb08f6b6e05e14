import { stripVTControlCharacters } from 'node:util';
import { describe, expect, it } from 'vitest';
import { PLAIN } from '../../cli/text/style.ts';
import { summaryLines } from '../../cli/sweep/print.ts';
import { listLines, standingLines } from '../../cli/sweep/print-standing.ts';
import { standingText, startSweepProgress } from '../../cli/sweep-progress.ts';
import type { ReportRow, SweepReport } from '../../lambdas/domain/sweep/report.ts';
import { collector } from './fixtures.ts';
import { aStanding, aSweep, aSweepReport, aSweepRequest, ENDED, fakeClock, REPORTS } from './sweep-fixtures.ts';

const OTHER = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4B';
const HOLDER = '01JD8Z5Q6R7S8T9V0W1X2Y3Z4C';
const row = (change: Partial<ReportRow>): ReportRow => ({
  account: '111122223333',
  region: 'eu-west-1',
  cluster: 'demo',
  addon: 'vpc-cni',
  class: 'ready',
  checks: [],
  ...change,
});
const text = (report: SweepReport, options: Partial<Parameters<typeof summaryLines>[1]> = {}): string =>
  summaryLines(report, { files: [], where: { deployed: true }, ...options }, PLAIN).join('\n');

describe('the summary of a sweep', () => {
  it('shows how it ended, what was found, and the outcomes', () => {
    const shown = text(aSweepReport(), { files: [{ file: 'out.html', format: 'html' }], reports: REPORTS });
    expect(shown).toMatch(
      /^✔ completed {2}migration of 12 clusters in 4 locations \(account and region\): 31 add-ons\n {2}01JD8Z5Q6R7S8T9V0W1X2Y3Z4A · 5 min 30 s \(simulated\)\n/,
    );
    expect(shown).toMatch(
      /\nAdd-ons\n {2}CLASS +ADD-ONS {2}MEANING\n {2}on-pod-identity +9 {2}on EKS Pod Identity\n {2}ready +10 /,
    );
    for (const name of ['blocked', 'keep-irsa', 'node-role', 'not-concerned', 'unreachable'])
      expect(shown).toMatch(new RegExp(`\\n  ${name} +\\d`));
    expect(shown).toMatch(/\nOutcomes of the migrations\n {2}OUTCOME +MIGRATIONS\n {2}migrated +9\n {2}blocked +1\n/);
    expect(shown).toContain('inventory: 151 API calls, 12.6 per cluster, 4.9 per add-on');
    expect(shown).toMatch(
      /\nReports\n {2}out\.html\n {2}s3:\/\/sweeps\/.*report\.html, \.json and \.csv\n\n✔ completed: .*9 migrated.*\.$/,
    );
    expect(shown).not.toContain('resume');
  });

  it('counts the migrated add-ons of each level of evidence', () => {
    const ended = { state: 'ended', outcome: 'migrated' } as const;
    const rows = [
      row({ ...ended, verified: 'ready' }),
      row({ ...ended, verified: 'injected' }),
      row({ state: 'ended', outcome: 'rolled-back', verified: 'injected' }),
    ];
    expect(text(aSweepReport({ rows }))).toContain(
      '\n  verified: 1 ready, 1 injected; use of the credentials not observed\n',
    );
    expect(text(aSweepReport({ rows: rows.slice(2) }))).not.toContain('verified: ');
  });

  it('of an inventory has no migrations', () => {
    const shown = text(aSweepReport({ mode: 'inventory', totals: { ...aSweepReport().totals, byOutcome: {} } }));
    expect(shown).toContain('✔ completed  inventory of');
    expect(shown).not.toContain('became');
  });

  it('compares it with the previous sweep', () => {
    const before = { ...aSweepReport().totals.byClass, ready: 14, 'on-pod-identity': 5 };
    const shown = text(aSweepReport({ trend: { sweepId: OTHER, at: ENDED, byClass: before, addons: 31 } }));
    expect(shown).toMatch(/on-pod-identity +9 +\+4 {2}/);
    expect(shown).toMatch(/ready +10 +-4 {2}/);
    expect(shown).toContain(`before: sweep ${OTHER} of ${ENDED}`);
  });

  it('shows what blocks, what could not be read, and what failed, ten of each', () => {
    const many = Array.from({ length: 12 }, (_, index) =>
      row({ cluster: `c-${index}`, class: 'unreachable', addon: undefined, reason: `it is DELETING since ${index}` }),
    );
    const locations = [
      row({ cluster: 'x', class: 'unreachable', reason: 'the region is disabled' }),
      row({ cluster: undefined, class: 'unreachable', addon: undefined, reason: 'the region is disabled' }),
    ].toReversed();
    const failed = row({
      migrationId: OTHER,
      state: 'ended',
      outcome: 'rolled-back',
      failure: { name: 'PodsNotMigrated', message: 'no\u001b[2J pod' },
    });
    const shown = text(
      aSweepReport({
        outcome: 'stopped',
        cause: { name: 'BadInput', message: '3 of 4 migrations failed' },
        blockers: [
          {
            id: 'role-trust',
            addons: 3,
            example: 'The trust policy of role x does not let it in.',
            remedy: 'Add this statement',
          },
        ],
        keepIrsa: [
          {
            id: 'unsupported-compute',
            addons: 2,
            example: '2 of 2 pods run on AWS Fargate.',
            remedy: 'Keep IRSA for it.',
          },
        ],
        rows: [
          ...many,
          ...locations,
          failed,
          row({ state: 'ended', outcome: 'blocked', cluster: 'busy', heldBy: HOLDER }),
          row({ state: 'ended', cluster: 'lost' }),
          row({ state: 'ended', outcome: 'migrated', cluster: 'fine' }),
        ],
        totals: {
          ...aSweepReport().totals,
          byOutcome: { 'rolled-back': 1, none: 1, migrated: 1 },
          queued: 5,
          inFlight: 0,
        },
      }),
    );
    expect(shown).toMatch(/^! stopped [^\n]*\n[^\n]*\n {2}BadInput: 3 of 4 migrations failed\n/);
    expect(shown).toMatch(
      /\nBlockers\n {2}✖ role-trust: 3 add-ons\. Example: The trust policy of role x does not let it in\.\n {6}do: Add this statement\n/,
    );
    expect(shown).toMatch(
      /\nReasons to keep IRSA\n {2}= unsupported-compute: 2 add-ons\. Example: 2 of 2 pods run on AWS Fargate\.\n {6}do: Keep IRSA for it\.\n/,
    );
    expect(shown).toMatch(
      /Could not be read\n {2}✖ 111122223333 \/ eu-west-1, and 1 more: the region is disabled\n {2}✖ 111122223333 \/ eu-west-1 \/ c-0: it is DELETING since 0\n/,
    );
    expect(shown).toContain('… and 3 more in the report');
    expect(shown).toContain(
      String.raw`✖ rolled-back  111122223333 / eu-west-1 / demo / vpc-cni: PodsNotMigrated: no\x1b[2J pod`,
    );
    expect(shown).toContain(`show ${OTHER} --deployed`);
    expect(shown).toContain(`show ${HOLDER} --deployed`);
    expect(shown).toContain('✖ without an outcome  111122223333 / eu-west-1 / lost / vpc-cni');
    expect(shown).not.toContain('/ fine');
    expect(shown).toMatch(/not begun +5/);
    expect(shown).toMatch(/To continue with the rest:\n {2}.*sweep resume 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A --deployed$/);
  });

  it('does not offer commands that need a sandbox that has ended', () => {
    const stopped = aSweepReport({
      outcome: 'stopped',
      rows: [row({ migrationId: OTHER, state: 'ended', outcome: 'needs-human' })],
    });
    expect(text(stopped, { where: { sandbox: 'fleet.json' } })).not.toMatch(/resume|show/);
    expect(text(stopped, { where: { state: 'w.json' } })).toMatch(
      /show \w+ --state w\.json[^]*sweep resume \w+ --state w\.json$/,
    );
  });
});

describe('the state of a sweep', () => {
  const lines = (change: Parameters<typeof aStanding>[0], where = { deployed: true }): string =>
    standingLines(aStanding(change), where, PLAIN).join('\n');
  it('is shown with what can be done about it', () => {
    const migrating = {
      phase: 'migrations',
      wave: { number: 2, size: 4, begun: 3 },
      failures: 1,
      tally: { queued: 31, inFlight: 3, ended: { migrated: 2, 'rolled-back': 1 } },
    } as const;
    expect(lines(migrating)).toMatch(
      /^running {2}migration of all configured accounts\n[^]*beginning what is ready, in waves\n {2}wave 2, at most 4 migrations: 3 running, 31 waiting, 2 migrated, 1 rolled-back\n {2}1 failed; the sweep stops at 3 failures, or at 10 percent\n\nrunning since \S+\.\nTo show its progress again:\n {2}.*\nTo stop it:\n {2}.* sweep stop \w+ --deployed$/,
    );
    expect(
      lines({ ...migrating, status: 'paused', command: { command: 'pause', at: ENDED, by: 'me', reason: 'night' } }),
    ).toContain(`pause requested at ${ENDED} by me (night)`);
    expect(lines({ executionStatus: 'ABORTED' })).toMatch(
      /No execution works on it: its execution is ABORTED\.\n[^]*To continue:\n {2}npm run --silent pod-identity -- sweep resume \w+ --deployed$/,
    );
    expect(lines({ status: 'ended', outcome: 'stopped', endedAt: ENDED, reports: REPORTS })).toMatch(
      /^stopped [^]*sweep resume \w+ --deployed\n[^]*sweep report \w+ --deployed --report out\.html$/,
    );
    expect(
      lines({
        request: aSweepRequest({
          mode: 'inventory',
          selection: {
            accounts: ['111122223333'],
            clusters: ['prod-*'],
            clusterTags: { team: 'a' },
            tagging: 'opt-in',
          },
        }),
      }),
    ).toMatch(
      /^running {2}inventory of accounts 111122223333; clusters prod-\*; tag team=a; only what is tagged include\n/,
    );
  });
  it('is one line in the list', () => {
    const { sweepId, request, status, startedAt } = aSweep();
    const listed = listLines(
      {
        sweeps: [
          { sweepId, request, status, startedAt },
          { sweepId: OTHER, request, status: 'ended', outcome: 'stopped', startedAt },
        ],
        more: true,
      },
      { limit: 2 },
      PLAIN,
    ).join('\n');
    expect(listed).toMatch(
      /^SWEEP +STARTED +STATE +SELECTION\n01JD8Z5Q6R7S8T9V0W1X2Y3Z4A {2}2026-01-15T09:00:00Z {2}running +migration of/,
    );
    expect(listed).toMatch(/stopped +migration of[^]*Only the newest 2 are shown: raise --limit \(2\)\.$/);
    expect(listLines({ sweeps: [], more: false }, { limit: 2 }, PLAIN)).toEqual(['No sweeps found.']);
  });
});

describe('the progress of a sweep', () => {
  it('shows how far the sweep is', () => {
    expect(standingText(aStanding(), { done: 3, total: 6 })).toBe('3 of 6 locations read');
    expect(standingText(aStanding())).toBe('');
    const tally = { queued: 2, inFlight: 1, ended: { migrated: 4, none: 1 } };
    expect(standingText(aStanding({ phase: 'migrations', tally, wave: { number: 3, size: 4, begun: 1 } }))).toBe(
      'wave 3, at most 4 migrations: 1 running, 2 waiting, 4 migrated, 1 without an outcome',
    );
    expect(
      standingText(
        aStanding({
          phase: 'migrations',
          status: 'stopping',
          tally,
          command: { command: 'stop', at: ENDED, by: 'm\u202ee', reason: 'x' },
        }),
      ),
    ).toBe(String.raw`stopping by m\u202ee (x): 1 running, 2 waiting, 4 migrated, 1 without an outcome`);
  });

  it('has a line for each phase that begins and ends, and one for each change', async () => {
    const output = collector();
    const clock = fakeClock();
    const progress = startSweepProgress(output, { simulated: true, now: clock.now });
    const tick = async (seconds: number): Promise<void> => {
      await clock.sleep(seconds * 1000);
      // listr2 draws in turns of the event loop.
      await new Promise((resolve) => setImmediate(resolve));
    };
    progress.update(aStanding(), { done: 0, total: 2 });
    await tick(10);
    progress.update(aStanding(), { done: 1, total: 2 });
    progress.update(aStanding(), { done: 1, total: 2 });
    await tick(32);
    const migrating = aStanding({
      phase: 'migrations',
      tally: { queued: 3, inFlight: 1, ended: {} },
      wave: { number: 1, size: 1, begun: 1 },
    });
    progress.update(migrating);
    await tick(60);
    progress.update({ ...migrating, tally: { queued: 0, inFlight: 0, ended: { migrated: 4 } } });
    progress.update({
      ...migrating,
      status: 'ended',
      phase: 'report',
      tally: { queued: 1, inFlight: 0, ended: { migrated: 4 } },
    });
    await progress.close();
    const drawn = stripVTControlCharacters(output.text());
    expect(drawn).toContain('Take the inventory (42 s simulated: 2 locations)');
    expect(drawn).toContain('Migrate in waves (1 min 00 s simulated: 4 migrated, 1 not begun)');
    expect(drawn).toContain('Write the report (0 ms simulated)');
    expect(drawn.split('1 of 2 locations').length - 1).toBe(1);
    expect(drawn).toContain('1 running, 3 waiting');
  });

  it('can be closed while the sweep runs', async () => {
    const output = collector();
    const progress = startSweepProgress(output, { simulated: false, now: () => 0 });
    progress.update(aStanding({ request: aSweepRequest({ mode: 'plan' }), phase: 'migrations' }));
    await progress.close();
    expect(output.text()).toContain('Plan what is ready (still running)');
  });
});
