/**
 * `sweep` and its subcommands for a deployed service that is reached through its API: from argv to the exit
 * code.
 */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GetObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { mockClient } from 'aws-sdk-client-mock';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { sweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { json, problemAnswer } from './api-fixtures.ts';
import { aStanding, aSweep, aSweepReport, aSweepRequest, ENDED, ID, REPORTS } from './sweep-fixtures.ts';
import { containing, expectExit, printing } from '../lambdas/matchers.ts';
import { deployedApi, runDeployed } from './deployed-api.ts';

const s3 = mockClient(S3Client);
let directory: string;

beforeAll(() => void (directory = mkdtempSync(join(tmpdir(), 'sweep-commands-'))));
afterAll(() => {
  s3.restore();
  rmSync(directory, { recursive: true });
});
beforeEach(() => void s3.reset());

const accepted = json({ sweepId: ID, status: 'accepted', links: { self: `/v1/sweeps/${ID}` } }, 202);
const standing = (change: Partial<SweepStanding> = {}) =>
  json({ ...aStanding(change), links: { self: `/v1/sweeps/${ID}` } });
const over = (change: Partial<SweepStanding> = {}) =>
  standing({
    status: 'ended',
    phase: 'report',
    outcome: 'completed',
    endedAt: ENDED,
    reports: REPORTS,
    executionStatus: undefined,
    ...change,
  });
const inBucket = (texts: Partial<Record<'json' | 'csv' | 'html', string>>): void => {
  for (const [format, text] of Object.entries(texts))
    s3.on(GetObjectCommand, { Bucket: REPORTS.bucket, Key: REPORTS[format as 'json'] }).resolves({
      Body: { transformToString: async () => text } as never,
    });
};

const api = deployedApi();
const run = runDeployed;

describe('sweep --deployed, by the API', () => {
  it('starts a sweep, shows its progress, writes the reports and prints the summary', async () => {
    inBucket({ json: JSON.stringify(aSweepReport()), html: '<html>', csv: 'a,b' });
    const migrating = { phase: 'migrations', tally: { queued: 1, inFlight: 1, ended: {} } } as const;
    api.replies = [
      accepted,
      standing(),
      standing(migrating),
      over({ tally: { queued: 0, inFlight: 0, ended: { migrated: 2 } } }),
    ];
    const [html, csv] = [join(directory, 'out.html'), join(directory, 'out.csv')];
    const { code, out, err } = await run('sweep', '--mode', 'migrate', '--yes', '--report', html, '--report', csv);
    expect({ code, asked: api.asked }).toEqual({
      code: 0,
      asked: ['POST /sweeps', ...Array.from({ length: 3 }, () => `GET /sweeps/${ID}`)],
    });
    expect([readFileSync(html, 'utf8'), readFileSync(csv, 'utf8')]).toEqual(['<html>', 'a,b']);
    expect(out).toMatch(
      /^✔ completed {2}migration of 12 clusters[^]*\nReports\n[^]*out\.html\n[^]*out\.csv\n {2}s3:\/\/sweeps\//,
    );
    expect(err).toMatch(/Take the inventory[^]*1 running, 1 waiting[^]*Migrate in waves \([^]*Write the report/);
  });

  it('prints only the report with --json', async () => {
    inBucket({ json: JSON.stringify(aSweepReport()) });
    api.replies = [accepted, over({ outcome: 'stopped' })];
    const { code, out, err } = await run('sweep', '--mode', 'migrate', '--yes', '--json');
    expect([{ code, err }, sweepReport.parse(JSON.parse(out))]).toEqual([{ code: 4, err: '' }, aSweepReport()]);
  });

  it('shows where the report is if it cannot be read', async () => {
    s3.on(GetObjectCommand).rejects(Object.assign(new Error('Access Denied'), { name: 'AccessDenied' }));
    api.replies = [accepted, over()];
    const { code, out, err } = await run('sweep', '--mode', 'plan');
    expect({ code, out }).toEqual({ code: 1, out: '' });
    expect(err).toMatch(
      /error: the report of sweep \w+ cannot be read: [^]*Access Denied[^]*hint: {2}The report is s3:\/\/sweeps\/[^]*s3:GetObject/,
    );
  });

  it('starts nothing if a file cannot be written, or a flag is wrong', async () => {
    api.replies = [];
    expect((await run('sweep', '--mode', 'plan', '--report', join(directory, 'none', 'a.html'))).err).toMatch(
      /--report .* cannot be written: [^]*Name a file in an existing directory/,
    );
    expect([(await run('sweep', '--mode', 'plan', '--canary', 'x')).code, api.asked]).toEqual([2, []]);
  });

  it("is refused with the service's reason", async () => {
    api.replies = [
      problemAnswer('other-account', 'body.selection.accounts.0: is not 111122223333', {
        errors: [{ field: 'body.selection.accounts.0', message: 'is not 111122223333' }],
      }),
    ];
    expect(await run('sweep', '--mode', 'inventory', '--account', '999999999999')).toMatchObject({
      code: 2,
      out: '',
      err: containing('is not 111122223333'),
    });
  });

  it('continues if it can no longer be followed', async () => {
    api.replies = [accepted, { status: 200, body: 'no JSON' }];
    const { code, err } = await run('sweep', '--mode', 'migrate', '--yes');
    expect(code).toBe(1);
    expect(err).toMatch(
      /sweep 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A continues in the service[^]*sweep show 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A --deployed[^]*sweep stop 01JD8Z5Q6R7S8T9V0W1X2Y3Z4A --deployed/,
    );
  });
});

describe('the commands about a sweep', () => {
  it('show it, also as one JSON document', async () => {
    api.replies = [standing({ phase: 'migrations' })];
    expect(await run('sweep', 'show', ID)).toMatchObject(printing(0, /^running {2}migration of/));
    expect(JSON.parse((await run('sweep', 'show', ID, '--json')).out)).toEqual(
      JSON.parse(JSON.stringify(aStanding({ phase: 'migrations' }))),
    );
    api.replies = [problemAnswer('unknown-sweep', `There is no sweep ${ID}.`)];
    expect((await run('sweep', 'show', ID)).code).toBe(2);
  });

  it.each(['pause', 'resume', 'stop'] as const)('%s it, or report why not', async (command) => {
    const asStanding = aStanding({ command: { command, at: ENDED, by: 'me', reason: 'night' } });
    api.replies = [json({ ...asStanding, action: command, first: true, links: { self: `/v1/sweeps/${ID}` } })];
    const { code, out } = await run('sweep', command, ID, '--reason', 'night');
    expect({ code, asked: api.asked }).toEqual({ code: 0, asked: [`POST /sweeps/${ID}/${command}`] });
    expect(out).toContain(`${command} requested at ${ENDED} by me (night)`);
    api.replies = [problemAnswer('not-now', 'It has completed.')];
    expect(await run('sweep', command, ID)).toMatchObject({ code: 2, out: '', err: containing('It has completed.') });
  });

  it('write its report', async () => {
    inBucket({ json: JSON.stringify(aSweepReport()), csv: 'a,b' });
    api.replies = [over()];
    const file = join(directory, 'again.csv');
    expect(await run('sweep', 'report', ID, '--report', file)).toMatchObject({ code: 0, out: `Wrote ${file}.\n` });
    expect(readFileSync(file, 'utf8')).toBe('a,b');
    api.replies = [standing()];
    await expectExit(run('sweep', 'report', ID, '--report', file), 2, 'no report yet');
  });

  it('list all sweeps', async () => {
    const { sweepId, startedAt } = aSweep();
    const one = {
      sweepId,
      request: aSweepRequest({ mode: 'plan' }),
      status: 'ended',
      outcome: 'completed',
      startedAt,
      links: { self: '/x' },
    };
    api.replies = [json({ sweeps: [one] })];
    expect((await run('sweeps', '--limit', '5')).out).toMatch(/completed +plan of all configured accounts\n$/);
    expect(JSON.parse((await run('sweeps', '--json')).out)).toMatchObject({
      sweeps: [{ sweepId: ID, outcome: 'completed' }],
      more: false,
    });
    await run('sweeps', '--status', 'ended', '--since', '2026-01-01', '--until', '2026-02-01');
    expect(api.asked).toEqual([
      'GET /sweeps?limit=5',
      'GET /sweeps?limit=50',
      'GET /sweeps?status=ended&since=2026-01-01T00%3A00%3A00.000Z&until=2026-02-01T00%3A00%3A00.000Z&limit=50',
    ]);
  });
});
