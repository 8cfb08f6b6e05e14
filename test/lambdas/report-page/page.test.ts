import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { buildReport } from '../../../lambdas/domain/sweep/build-report.ts';
import type { ReportRow, SweepReport } from '../../../lambdas/domain/sweep/report.ts';
import { STATUSES } from '../../../lambdas/domain/sweep/statuses.ts';
import { printable } from '../../../lambdas/domain/text/text.ts';
import { OUTCOMES } from '../../../lambdas/domain/terms/outcome.ts';
import { sweepClass } from '../../../lambdas/domain/sweep/model.ts';
import { FIRST_ROWS, reportPage } from '../../../lambdas/report-page/page.ts';
import { fleetInput, fleetReport } from '../domain/sweep-report-fixtures.ts';

const report = fleetReport();
const page = reportPage(report);
const hash = (text: string | undefined): string =>
  `'sha256-${createHash('sha256')
    .update(text ?? '')
    .digest('base64')}'`;
const dataOf = (html: string): { rows: (ReportRow & { anchor: string })[] } =>
  JSON.parse(/<script type="application\/json" id="data">([^<]*)<\/script>/.exec(html)?.[1] ?? '') as {
    rows: (ReportRow & { anchor: string })[];
  };
/** The static table of add-ons. */
const listOf = (html: string): string => html.slice(html.indexOf('<table id="list"'), html.indexOf('id="more-rows"'));

describe('reportPage', () => {
  it('allows only its own script, and loads nothing', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1]?.replaceAll('&#39;', "'");
    const scripts = [...page.matchAll(/<script>([\s\S]*?)<\/script>/g)].map(([, text]) => text);
    const styles = [...page.matchAll(/<style>([\s\S]*?)<\/style>/g)].map(([, text]) => text);
    expect([scripts.length, styles.length]).toEqual([1, 1]);
    expect(policy).toBe(
      `default-src 'none'; style-src ${hash(styles[0])}; script-src ${hash(scripts[0])}; img-src data:; base-uri 'none'; form-action 'none'`,
    );
    expect(page).not.toMatch(/\b(?:src|action|ping|poster)=|@import|url\(|https?:|\son\w+=|\sstyle=|javascript:/i);
    expect([...page.matchAll(/<link [^>]*>/g)].map(([link]) => link)).toEqual(['<link rel="icon" href="data:,">']);
    expect(scripts[0]).not.toMatch(
      /innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function|fetch\(|XMLHttpRequest/,
    );
  });
  it('has columns for outcomes only if a migration was started', () => {
    const classOf = (html: string): string | undefined => /<table id="list" class="([^"]*)"/.exec(html)?.[1];
    expect(classOf(page)).toBe('cards');
    expect(classOf(reportPage(fleetReport({ mode: 'inventory' })))).toBe('cards found-only');
  });
  it('shows the outcome, the time, the requester and the reason of the sweep', () => {
    for (const text of [
      'Fleet sweep stopped',
      report.sweepId,
      '2026-01-15 09:00:00 UTC',
      'arn:aws:iam::111122223333:role/platform',
      'The first sweep of the quarter',
      '3 of 40 migrations failed',
      'Simulated.',
    ])
      expect(page).toContain(text);
    expect(reportPage({ ...report, simulated: false })).not.toContain('Simulated.');
  });
  it('has each row in its data, under a unique anchor that consists of names', () => {
    const { rows } = dataOf(page);
    expect(rows).toHaveLength(report.rows.length);
    expect(rows).toMatchObject(report.rows);
    expect(new Set(rows.map(({ anchor }) => anchor)).size).toBe(rows.length);
    expect(rows[0]?.anchor).toBe('a-111122223333/eu-west-1/checkout-dev-4/adot');
  });
  it('shows the first rows without JavaScript, and where to find the others', () => {
    expect(listOf(page).match(/<tr id="a-/g)).toHaveLength(report.rows.length);
    expect(page).not.toContain('id="cut"');
    const large = fleetReport({ clusters: 20 });
    const html = reportPage(large);
    expect(listOf(html).match(/<tr id="a-/g)).toHaveLength(FIRST_ROWS);
    expect(html).toContain(
      `Showing the first ${FIRST_ROWS} of ${large.rows.length} rows. Enable JavaScript, or open the CSV or JSON file of this report, to see all of them.`,
    );
  });
  it('names the level of each migration, and what it shows; after a rollback only that the former identity is back', () => {
    const [row] = report.rows;
    const shown = (change: Partial<ReportRow>): { cell: string | undefined; data: unknown } => {
      const html = reportPage({ ...report, rows: [{ ...row!, state: 'ended', ...change }] });
      return { cell: /<span class="level">([^<]*)<\/span>/.exec(listOf(html))?.[1], data: dataOf(html).rows[0] };
    };
    expect(shown({ outcome: 'migrated', verified: 'ready' })).toMatchObject({
      cell: 'verified: ready',
      data: { evidence: 'verified: ready (stable; use of the credentials not observed)' },
    });
    expect(shown({ outcome: 'migrated', verified: 'api' })).toMatchObject({
      cell: 'verified: api',
      data: { evidence: 'verified: api (reported by EKS; no pod was inspected)' },
    });
    expect(shown({ outcome: 'rolled-back', verified: 'injected' })).toMatchObject({
      cell: undefined,
      data: { evidence: 'former identity verified on the pods' },
    });
    expect(page).toContain('Migrated add-ons by level of evidence: ');
    expect(reportPage(fleetReport({ mode: 'inventory' }))).not.toContain('by level of evidence');
    const blocked = shown({ outcome: 'blocked', verified: undefined });
    expect(blocked.cell).toBeUndefined();
    expect(blocked.data).not.toHaveProperty('evidence');
  });
  it('names every class and every outcome', () => {
    for (const name of [...sweepClass.options, ...OUTCOMES]) expect(STATUSES[name].label).not.toBe('');
    for (const { label } of sweepClass.options.map((name) => STATUSES[name]))
      expect(page).toContain(`</span> ${label}</span>`);
  });
  it.each<[string, Partial<ReportRow>[]]>([
    ['on Pod Identity', [{ class: 'on-pod-identity' }, { outcome: 'migrated' }, { outcome: 'already-migrated' }]],
    ['on IRSA, not migrated yet', [{}, { outcome: 'planned' }, { state: 'queued' }, { state: 'in-flight' }]],
    ['on IRSA, blocked', [{ class: 'blocked' }, { outcome: 'blocked' }]],
    ['failed', [{ outcome: 'rolled-back' }, { outcome: 'needs-human' }, { state: 'ended' }]],
    ['on the node role', [{ class: 'node-role' }]],
  ])('counts add-ons as %s in its bar by their current state', (name, changes) => {
    const ready = report.rows.find(({ class: found, addon }) => found === 'ready' && addon !== undefined)!;
    const { outcome: _, state: _state, ...row } = ready;
    const rows = changes.map((change) => ({
      ...row,
      ...(change.outcome === undefined ? {} : { state: 'ended' as const }),
      ...change,
    }));
    // Neither an add-on that needs no role nor a cluster that could not be inspected uses IAM.
    const others: ReportRow[] = [
      { ...row, class: 'not-concerned' },
      { ...row, class: 'unreachable', addon: undefined },
    ];
    const html = reportPage({ ...report, rows: [...rows, ...others] });
    const legend = [...html.matchAll(/<li><svg [^>]*><rect [^>]*\/><\/svg>([^<]*)<\/li>/g)].map(([, text]) => text);
    expect(legend).toEqual([`${rows.length} ${name}`]);
    const on = name === 'on Pod Identity' ? rows.length : 0;
    expect(html).toContain(`<strong>${on} of ${rows.length}</strong> add-ons that use IAM are on Pod Identity now`);
  });
  it('shows for each location that it was inspected, or why not', () => {
    const [location] = report.locations;
    const { unreachable: _, ...seen } = location!;
    const html = reportPage({
      ...report,
      locations: [
        { ...seen, region: 'eu-west-1' },
        { ...seen, region: 'eu-north-1', unreachable: 'No role may be assumed.' },
      ],
    });
    const results = [...html.matchAll(/<td data-label="Result">(.*?)<\/td>/gs)].map(([, cell]) => cell);
    expect(results).toHaveLength(2);
    expect([results[0]?.includes('Inspected'), results[1]?.includes('Inspected')]).toEqual([true, false]);
    expect(results[1]).toContain('No role may be assumed.');
  });
  it('shows the cost of the sweep line by line, if it is known', () => {
    const { cost, ...free } = fleetReport({ mode: 'inventory' });
    const html = reportPage({ ...free, cost: cost! });
    const [, table] = /<h3>Cost on AWS: about [0-9.]+ USD<\/h3>.*?<tbody>(.*?)<\/tbody>/s.exec(html)!;
    expect(table?.match(/<tr>/g)).toHaveLength(cost!.lines.length);
    for (const { what } of cost!.lines) expect(table).toContain(what);
    expect(html).toContain(cost!.basis);
    expect(reportPage(free)).not.toContain('Cost on AWS');
  });
  it('names the checks that block an add-on, or its failure, or why it was not inspected', () => {
    const rows = dataOf(page).rows as unknown as (ReportRow & { why: string })[];
    const blocked = rows.find(({ checks, failure }) => checks.length > 1 && failure === undefined)!;
    expect(blocked.why.split(', ').sort()).toEqual([...new Set(blocked.checks.map(({ id }) => id))].sort());
    for (const { failure, why } of rows.filter((row) => row.failure !== undefined)) expect(why).toBe(failure?.name);
    for (const { reason, why } of rows.filter(({ class: found }) => found === 'unreachable')) expect(why).toBe(reason);
  });
  it('shows the changes since the previous sweep', () => {
    expect(page).toContain('found 78 add-ons');
    expect(page).toMatch(/42 <span class="trend">\+13</);
    const fewer = reportPage({
      ...report,
      trend: { ...report.trend!, byClass: { ...report.trend!.byClass, blocked: 1012, unreachable: 3 } },
    });
    expect(fewer).toMatch(/10 <span class="trend">−1,002</);
    expect(fewer).toMatch(/3 <span class="trend">±0</);
  });
  it('is a complete page if nothing was found', () => {
    const empty = reportPage(
      buildReport({
        ...fleetInput({ mode: 'migrate' }),
        clusters: [],
        items: [],
        locations: [],
        locationsRequested: [],
      }),
    );
    for (const text of [
      'No add-on that uses IAM was found.',
      'No check blocks an add-on that uses IRSA.',
      'There was nothing to migrate.',
      'Nothing was migrated.',
    ])
      expect(empty).toContain(text);
  });
});

describe('reportPage, with hostile names', () => {
  const HOSTILE = [
    '" onclick="alert(1)" x="',
    '</script><script>alert(1)</script>',
    '<!--<script>',
    '"><img src=x onerror=alert(1)>',
    "' onclick='alert(1)",
    '\u202egnp.exe\u0000\u001b[31m',
    '&lt;b&gt;',
    '\u2028\u2029',
    '$&$1`${x}`',
    'x'.repeat(5000),
  ];
  const hostile = (text: string): SweepReport => ({
    ...report,
    request: {
      ...report.request,
      requestedBy: text,
      reason: text,
      selection: { ...report.request.selection, clusterTags: { [text]: text } },
    },
    cause: { name: text, message: text },
    schedule: { name: text, at: text },
    startedAt: text,
    blockers: [{ id: text, addons: 1, example: text, remedy: text }],
    keepIrsa: [{ id: text, addons: 1, example: text, remedy: text }],
    calls: { ...report.calls, total: { [text]: 1 } },
    totals: { ...report.totals, byOutcome: { [text]: 1 } },
    locations: [{ account: text, region: text, clusters: 0, notSelected: 0, unreachable: text, calls: {} }],
    rows: [
      {
        account: text,
        region: text,
        cluster: text,
        kubernetes: text,
        addon: text,
        version: text,
        class: 'blocked',
        reason: text,
        checks: [{ id: text, message: text, remedy: text }],
        failure: { name: text, message: text },
        migrationId: text,
        state: 'ended',
        begunAt: text,
        endedAt: text,
      },
    ],
  });
  /** Each tag, with the names of its attributes. */
  const tagsOf = (html: string): string[] =>
    [
      ...html
        .replace(/<(style|script)[^>]*>[\s\S]*?<\/\1>/g, '<$1>')
        .matchAll(/<(\/?[a-zA-Z!][\w-]*)((?:\s+[\w-]+(?:="[^"]*")?)*)/g),
    ].map(([, tag, attributes]) => [tag, ...(attributes ?? '').replaceAll(/="[^"]*"/g, '').split(/\s+/)].join(' '));
  const harmless = tagsOf(reportPage(hostile('harmless')));

  it.each(HOSTILE)('shows %j as text only', (text) => {
    const html = reportPage(hostile(text));
    expect(tagsOf(html)).toEqual(harmless);
    expect(html.match(/<\/script>/g)).toHaveLength(2);
    expect(['\u0000', '\u001b', '\u202e', '\u2028', '\u2029'].filter((mark) => html.includes(mark))).toEqual([]);
    expect(dataOf(html).rows[0]?.addon).toBe(printable(text));
  });
});
