/**
 * The report of a sweep as one HTML page that needs no network and no other file. Data from AWS appears in the page as
 * text, never as markup, and the Content Security Policy allows only the page's own script. Without JavaScript the page
 * shows the totals and the first rows.
 */
import { verifiedText } from '../domain/terms/levels.ts';
import { sweepClass } from '../domain/sweep/model.ts';
import type { ReportRow, SweepReport } from '../domain/sweep/report.ts';
import { outcomeOf, STATUSES } from '../domain/sweep/statuses.ts';
import { shownIn } from '../domain/text/text.ts';
import { pageAssets } from './assets.ts';
import { hashOf, html, Html, jsonFor } from './html.ts';
import type { PageData, PageRow } from './rows.ts';
import {
  amount,
  badge,
  blockers,
  counted,
  duration,
  figures,
  heading,
  locations,
  requestSection,
  time,
  totals,
} from './sections.ts';

/** The number of rows without JavaScript. With it, the page initially shows the same number on a wide screen. */
export const FIRST_ROWS = 200;

const whatOf = ({ addon, cluster }: ReportRow): string =>
  addon ?? (cluster === undefined ? 'the whole region' : 'the whole cluster');
const whyOf = ({ failure, checks, reason }: ReportRow): string =>
  failure?.name ?? (checks.length > 0 ? [...new Set(checks.map(({ id }) => id))].join(', ') : (reason ?? ''));

/** Returns the level of a migration, and its text. After a rollback the level is about the former identity. */
const evidenceOf = ({ outcome, verified = 'none' }: ReportRow): Pick<PageRow, 'level' | 'evidence'> =>
  verified === 'none'
    ? {}
    : {
        level: outcome === 'migrated' ? `verified: ${verified}` : undefined,
        evidence: verifiedText({ outcome, verified }),
      };

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
      result: outcomeOf(row),
      ...evidenceOf(row),
      took: row.seconds === undefined ? undefined : duration(row.seconds),
    };
  });
}

const rowOf = ({
  anchor,
  what,
  cluster,
  account,
  region,
  class: found,
  result,
  level,
  why,
  wave,
  took,
}: PageRow): Html =>
  html`<tr id="${anchor}"><th scope="row"><a href="#${anchor}">${what}</a></th><td data-label="Cluster">${cluster}</td><td data-label="Account">${account}</td><td data-label="Region">${region}</td><td data-label="Found">${badge(found)}</td><td data-label="Outcome">${result && badge(result)}${level && html` <span class="level">${level}</span>`}</td><td data-label="Reason" class="why">${why}</td><td data-label="Wave" class="n">${wave}</td><td data-label="Duration" class="n">${took}</td></tr>`;

/** For each column, the key of the row that it is sorted by, and its heading. */
const COLUMNS = [
  ['addon', 'Add-on'],
  ['cluster', 'Cluster'],
  ['account', 'Account'],
  ['region', 'Region'],
  ['class', 'Found'],
  ['outcome', 'Outcome'],
  ['why', 'Reason'],
  ['wave', 'Wave'],
  ['seconds', 'Duration'],
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
<label>Location <select name="place">${[option('', 'any location'), ...[...regions].flatMap(([account, all]) => [option(account, account), ...[...all].map((region) => option(`${account}/${region}`, `${account} ${region}`))])]}</select></label>
<label class="text">Search <input name="q" type="search" placeholder="cluster, add-on, check, ID …" autocomplete="off" spellcheck="false"></label>
<button type="button" id="reset">Show all</button>
<p id="shown" role="status" aria-live="polite"></p>
</form>`;
}

function fleet(report: SweepReport, rows: PageRow[]): Html {
  const cut =
    rows.length > FIRST_ROWS
      ? html`<p class="notice" id="cut">Showing the first ${amount(FIRST_ROWS)} of ${counted(rows.length, 'row')}. Enable JavaScript, or open the CSV or JSON file of this report, to see all of them.</p>`
      : undefined;
  // If no migration was started, no row has an outcome.
  const kind = rows.some(({ result }) => result !== undefined) ? 'cards' : 'cards found-only';
  const heads = COLUMNS.map(
    ([key, name]) =>
      html`<th scope="col" data-sort="${key}"${NUMBERS.includes(key) ? html` class="n"` : undefined}>${name}</th>`,
  );
  return html`<section aria-labelledby="fleet"><h2 id="fleet" tabindex="-1">The fleet</h2>
<p class="notice" id="without">Filters, sorting and the matrix need JavaScript. The tables work without it.</p>
${filters(report)}
<div id="matrix-part" hidden><h3 id="matrix-title">Clusters and their add-ons</h3><div class="box tall" role="region" aria-labelledby="matrix-title" tabindex="0"><table id="matrix"><caption>The outcome of each add-on, or its class if there is no outcome. Select a cell to see the details.</caption><thead></thead><tbody></tbody></table></div><button type="button" class="more" id="more-clusters" hidden></button></div>
<h3 id="list-title">All add-ons</h3>
${cut}
<div class="box" role="region" aria-labelledby="list-title" tabindex="0"><table id="list" class="${kind}"><caption>All add-ons, and all clusters and regions that could not be inspected.</caption><thead><tr>${heads}</tr></thead><tbody>${rows.slice(0, FIRST_ROWS).map(rowOf)}</tbody></table></div><button type="button" class="more" id="more-rows" hidden></button>
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
<body><a class="skip" href="#fleet">Skip to the fleet</a>
${heading(report)}
<main>
${totals(report)}
${blockers(report)}
${fleet(report, rows)}
${locations(report)}
${figures(report)}
${requestSection(report)}
</main>
<footer><p>Generated ${time(report.at)} by pod-identity, report version ${report.schemaVersion}. The JSON and CSV files of this report contain the same data.</p></footer>
<script type="application/json" id="data">${jsonFor(data)}</script>
<script>${new Html(script)}</script>
</body></html>
`;
  return page.text;
}
