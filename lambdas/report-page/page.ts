/**
 * The report of a sweep as one HTML page that needs no network and no other file. Data from AWS is text in the page,
 * never markup, and its Content Security Policy allows no script but the page's own. Without JavaScript the page has
 * the totals and the first rows.
 */
import { sweepClass } from '../domain/sweep/model.ts';
import type { ReportRow, SweepReport } from '../domain/sweep/report.ts';
import { outcomeOf, STATUSES } from '../domain/sweep/statuses.ts';
import { shownIn } from '../domain/text/text.ts';
import { pageAssets } from './assets.ts';
import { hashOf, html, Html, jsonFor } from './html.ts';
import type { PageData, PageRow } from './rows.ts';
import {
  amount,
  asked,
  badge,
  blockers,
  duration,
  figures,
  heading,
  many,
  locations,
  time,
  totals,
} from './sections.ts';

/** The number of rows in the page without JavaScript. With it, the page shows as many at first on a wide screen. */
export const FIRST_ROWS = 200;

const whatOf = ({ addon, cluster }: ReportRow): string =>
  addon ?? (cluster === undefined ? 'the whole region' : 'the whole cluster');
const whyOf = ({ failure, checks, reason }: ReportRow): string =>
  failure?.name ?? (checks.length > 0 ? [...new Set(checks.map(({ id }) => id))].join(', ') : (reason ?? ''));

function pageRows(rows: ReportRow[]): PageRow[] {
  const used = new Map<string, number>();
  return rows.map((row) => {
    const names = [row.account, row.region, row.cluster, row.addon].flatMap((name) =>
      name === undefined ? [] : encodeURIComponent(name),
    );
    const base = `a-${names.join('/')}`;
    const before = used.get(base) ?? 0;
    used.set(base, before + 1);
    const anchor = before === 0 ? base : `${base}~${before + 1}`;
    return {
      ...row,
      anchor,
      what: whatOf(row),
      why: whyOf(row),
      became: outcomeOf(row),
      took: row.seconds === undefined ? undefined : duration(row.seconds),
    };
  });
}

const rowOf = ({ anchor, what, cluster, account, region, class: found, became, why, wave, took }: PageRow): Html =>
  html`<tr id="${anchor}"><th scope="row"><a href="#${anchor}">${what}</a></th><td data-label="Cluster">${cluster}</td><td data-label="Account">${account}</td><td data-label="Region">${region}</td><td data-label="Found">${badge(found)}</td><td data-label="Outcome">${became && badge(became)}</td><td data-label="Why" class="why">${why}</td><td data-label="Wave" class="n">${wave}</td><td data-label="Took" class="n">${took}</td></tr>`;

/** For each column, the key of a row that it sorts by, and its name. */
const COLUMNS = [
  ['addon', 'Add-on'],
  ['cluster', 'Cluster'],
  ['account', 'Account'],
  ['region', 'Region'],
  ['class', 'Found'],
  ['outcome', 'Outcome'],
  ['why', 'Why'],
  ['wave', 'Wave'],
  ['seconds', 'Took'],
] as const;
const NUMBERS: readonly string[] = ['wave', 'seconds'];

const option = (value: string, text: string): Html => html`<option value="${value}">${text}</option>`;

function filters({ rows, totals: { byClass } }: SweepReport): Html {
  const outcomes = new Set<string>(rows.flatMap((row) => outcomeOf(row) ?? []));
  const regions = new Map<string, Set<string>>();
  for (const { account, region } of rows) regions.set(account, (regions.get(account) ?? new Set()).add(region));
  return html`<form id="filters" role="search" aria-label="Filter the fleet" hidden>
<label>Found <select name="class">${[option('', 'any class'), ...sweepClass.options.map((name) => option(name, `${STATUSES[name].label} (${amount(byClass[name] ?? 0)})`))]}</select></label>
${outcomes.size === 0 ? undefined : html`<label>Outcome <select name="outcome">${[option('', 'any outcome'), ...Object.entries(STATUSES).flatMap(([name, { label }]) => (outcomes.has(name) ? option(name, label) : []))]}</select></label>`}
<label>Where <select name="place">${[option('', 'everywhere'), ...[...regions].flatMap(([account, all]) => [option(account, account), ...[...all].map((region) => option(`${account}/${region}`, `${account} ${region}`))])]}</select></label>
<label class="text">Text <input name="q" type="search" placeholder="cluster, add-on, check, id …" autocomplete="off" spellcheck="false"></label>
<button type="button" id="reset">Show all</button>
<p id="shown" role="status" aria-live="polite"></p>
</form>`;
}

function fleet(report: SweepReport, rows: PageRow[]): Html {
  const cut =
    rows.length > FIRST_ROWS
      ? html`<p class="notice" id="cut">These are the first ${amount(FIRST_ROWS)} of ${many(rows.length, 'row')}; all are here with JavaScript, and in the CSV and JSON files of this report.</p>`
      : undefined;
  // If no migration was started, no row has an outcome.
  const kind = rows.some(({ became }) => became !== undefined) ? 'cards' : 'cards found-only';
  const heads = COLUMNS.map(
    ([key, name]) =>
      html`<th scope="col" data-sort="${key}"${NUMBERS.includes(key) ? html` class="n"` : undefined}>${name}</th>`,
  );
  return html`<section aria-labelledby="fleet"><h2 id="fleet" tabindex="-1">The fleet</h2>
<p class="notice" id="without">Filters, sorting and the matrix need JavaScript. The tables do not.</p>
${filters(report)}
<div id="matrix-part" hidden><h3 id="matrix-title">Clusters and their add-ons</h3><div class="box tall" role="region" aria-labelledby="matrix-title" tabindex="0"><table id="matrix"><caption>What became of each add-on, or else what was found. Each leads to its details.</caption><thead></thead><tbody></tbody></table></div><button type="button" class="more" id="more-clusters" hidden></button></div>
<h3 id="list-title">All add-ons</h3>
${cut}
<div class="box" role="region" aria-labelledby="list-title" tabindex="0"><table id="list" class="${kind}"><caption>Each add-on, and each cluster or region that could not be looked at.</caption><thead><tr>${heads}</tr></thead><tbody>${rows.slice(0, FIRST_ROWS).map(rowOf)}</tbody></table></div><button type="button" class="more" id="more-rows" hidden></button>
</section>
<dialog id="detail" aria-labelledby="detail-title"></dialog>`;
}

/** Returns the whole HTML document, to be encoded as UTF-8. */
export function reportPage(given: SweepReport): string {
  const report = shownIn(given);
  const rows = pageRows(report.rows);
  const { sweepId, simulated } = report;
  const { style, script } = pageAssets();
  const data: PageData = { rows, statuses: STATUSES, simulated };
  const policy = `default-src 'none'; style-src ${hashOf(style)}; script-src ${hashOf(script)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const page = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Fleet sweep ${sweepId}${simulated ? ' (simulated)' : ''}</title>
<style>${new Html(style)}</style></head>
<body><a class="skip" href="#fleet">To the fleet</a>
${heading(report)}
<main>
${totals(report)}
${blockers(report)}
${fleet(report, rows)}
${locations(report)}
${figures(report)}
${asked(report)}
</main>
<footer><p>Made ${time(report.at)} by pod-identity, report version ${report.schemaVersion}. All of it is in the JSON and CSV files of this report, too.</p></footer>
<script type="application/json" id="data">${jsonFor(data)}</script>
<script>${new Html(script)}</script>
</body></html>
`;
  return page.text;
}
