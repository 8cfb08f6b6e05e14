/**
 * The report as one page that needs nothing but itself: no network, no other file. What comes from AWS is text in it,
 * never markup, and a policy lets nothing run but its own script. Without JavaScript the totals and the first add-ons
 * are there.
 */
import { FIRST_ROWS, SCRIPT } from './page-script.ts';
import { shownIn } from '../text.ts';
import { hashOf, html, Html, jsonFor } from './page-html.ts';
import {
  amount,
  asked,
  badge,
  blockers,
  duration,
  figures,
  heading,
  many,
  places,
  time,
  totals,
} from './page-sections.ts';
import { STYLE } from './page-style.ts';
import { sweepClass } from './model.ts';
import type { ReportRow, SweepReport } from './report.ts';
import { outcomeOf, type Status, STATUSES } from './statuses.ts';

/** A row with what is shown of it, said once for the page with JavaScript and without. */
interface PageRow extends ReportRow {
  /** Leads to it: made of names, so that it is the same in the next sweep's page. */
  anchor: string;
  what: string;
  /** In one line, the most that there is to know. */
  why: string;
  became?: Status | undefined;
  took?: string | undefined;
}

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

/** Key of a row that a column sorts by, and the column's name. */
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
  // Where nothing was begun, nothing is known of how it went.
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

/** A whole HTML document, in UTF-8. */
export function reportPage(given: SweepReport): string {
  const report = shownIn(given);
  const rows = pageRows(report.rows);
  const { sweepId, simulated } = report;
  const policy = `default-src 'none'; style-src ${hashOf(STYLE)}; script-src ${hashOf(SCRIPT)}; img-src data:; base-uri 'none'; form-action 'none'`;
  const page = html`<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>Fleet sweep ${sweepId}${simulated ? ' (simulated)' : ''}</title>
<style>${new Html(STYLE)}</style></head>
<body><a class="skip" href="#fleet">To the fleet</a>
${heading(report)}
<main>
${totals(report)}
${blockers(report)}
${fleet(report, rows)}
${places(report)}
${figures(report)}
${asked(report)}
</main>
<footer><p>Made ${time(report.at)} by pod-identity, report version ${report.schemaVersion}. All of it is in the JSON and CSV files of this report, too.</p></footer>
<script type="application/json" id="data">${jsonFor({ rows, statuses: STATUSES, simulated })}</script>
<script>${new Html(SCRIPT)}</script>
</body></html>
`;
  return page.text;
}
