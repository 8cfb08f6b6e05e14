/**
 * The sections of the page that need no script: the heading, the totals, the blocking checks, the locations, the
 * durations, calls and cost, and the request.
 */
import { requesterText, sweepRequesterOf } from '../domain/approval/requester.ts';
import { type SweepClass, sweepClass } from '../domain/sweep/model.ts';
import type { SweepReport } from '../domain/sweep/report.ts';
import { shortfall } from '../domain/sweep/inspected.ts';
import { levelsOfRows, type Status, STATUSES, type Shown, statusOf } from '../domain/sweep/statuses.ts';
import { html, type Html } from './html.ts';

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2 });
export const amount = (count: number): string => number.format(count);
/** Returns a count with its noun, such as `1 cluster` or `1,002 clusters`. */
export const counted = (count: number, one: string, more = `${one}s`): string =>
  `${amount(count)} ${count === 1 ? one : more}`;

const isStatus = (name: string): name is Status => Object.hasOwn(STATUSES, name);
export const shownOf = (name: string): Shown =>
  isStatus(name) ? STATUSES[name] : { label: name, sign: '?', tone: 'unknown', about: '' };

/** Returns a status in its colour, with its sign and its label. */
export function badge(name: string): Html {
  const { label, sign, tone } = shownOf(name);
  return html`<span class="s s-${tone}"><span class="sign" aria-hidden="true">${sign}</span> ${label}</span>`;
}

/** Returns a time to the second, in UTC. Returns a text that is not an ISO 8601 time in UTC unchanged. */
export function time(at: string | undefined): Html | undefined {
  if (at === undefined) return undefined;
  const [, day, clock] = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?Z$/.exec(at) ?? [];
  return day === undefined ? html`${at}` : html`<time datetime="${at}">${day} ${clock} UTC</time>`;
}

/** Returns a duration as text, such as `2 min 5 s`. */
export function duration(seconds: number): string {
  if (seconds < 60) return `${amount(seconds)} s`;
  const [minutes, rest] = [Math.floor(seconds / 60), Math.round(seconds % 60)];
  return minutes < 60 ? `${minutes} min ${rest} s` : `${amount(Math.floor(minutes / 60))} h ${minutes % 60} min`;
}

const term = (name: string, value: Html | string | undefined): Html | undefined =>
  value === undefined ? undefined : html`<div><dt>${name}</dt><dd>${value}</dd></div>`;

const MODES = {
  inventory: 'Inventory: clusters were inspected, and nothing was changed',
  plan: 'Plan: clusters were inspected and migrations planned, and nothing was changed',
  migrate: 'Migrate: clusters were inspected, and add-ons that were ready were migrated in waves',
};
const OUTCOMES = { completed: 'completed', incomplete: 'incomplete', stopped: 'stopped', failed: 'failed' };
const STATES = { running: 'is running', paused: 'is paused', stopping: 'is stopping', ended: 'has ended' };

export function heading({
  sweepId,
  mode,
  outcome,
  status,
  cause,
  request,
  requester,
  schedule,
  startedAt,
  endedAt,
  at,
  simulated,
  totals: { inspected },
}: SweepReport): Html {
  const short = shortfall(inspected);
  return html`<header class="top">
<p class="eyebrow">Migration of EKS add-ons from IRSA to EKS Pod Identity</p>
<h1>Fleet sweep ${outcome ? OUTCOMES[outcome] : STATES[status]}</h1>
<p class="mode">${MODES[mode]}.</p>
${simulated ? html`<p class="notice"><strong>Simulated.</strong> The sandbox simulated AWS on one machine: durations come from the scenario, and no AWS account was changed.</p>` : undefined}
${short === undefined ? undefined : html`<p class="notice"><strong>Incomplete.</strong> ${short}. What could not be inspected is listed with its reason.</p>`}
${cause ? html`<p class="notice notice-bad"><strong>${cause.name}</strong> ${cause.message}</p>` : undefined}
<dl class="facts">${[
    term('Sweep', html`<code>${sweepId}</code>`),
    term('Started', time(startedAt)),
    endedAt === undefined ? term('As of', time(at)) : term('Ended', time(endedAt)),
    term(
      'Requested by',
      requesterText({ requester: sweepRequesterOf({ requester, schedule }), requestedBy: request.requestedBy }),
    ),
    term('Schedule', schedule && html`${schedule.name}, due ${time(schedule.at)}`),
    term('Reason', request.reason),
  ]}</dl>
</header>`;
}

/** Returns the difference from the previous sweep as text. */
const trendText = (now: number, before: number): string =>
  now === before ? '±0' : now > before ? `+${amount(now - before)}` : `−${amount(before - now)}`;

function tile(name: string, count: number, filter: string, before: number | undefined): Html {
  const { label, sign, tone, about } = shownOf(name);
  const trend =
    before === undefined
      ? undefined
      : html`<span class="trend">${trendText(count, before)}<span class="hidden"> since the previous sweep</span></span>`;
  return html`<li><a class="tile t-${tone}" href="#?${filter}=${encodeURIComponent(name)}"><span class="count">${amount(count)} ${trend}</span><span class="name"><span class="sign" aria-hidden="true">${sign}</span> ${label}</span><span class="about">${about}</span></a></li>`;
}

/** The parts of the bar, which shows the current state: an add-on that the sweep migrated counts as on Pod Identity. */
const BAR: [Status, Status[]][] = [
  ['on-pod-identity', ['on-pod-identity', 'migrated', 'already-migrated']],
  ['ready', ['ready', 'planned', 'queued', 'in-flight']],
  ['blocked', ['blocked']],
  ['keep-irsa', ['keep-irsa']],
  ['rolled-back', ['rolled-back', 'needs-human', 'none']],
  ['node-role', ['node-role']],
];
const BAR_NAMES: Partial<Record<Status, string>> = {
  'on-pod-identity': 'on Pod Identity',
  ready: 'on IRSA, not migrated yet',
  blocked: 'on IRSA, blocked',
  'keep-irsa': 'on IRSA, which is the better fit',
  'rolled-back': 'failed',
  'node-role': 'on the node role',
};

function bar({ rows }: SweepReport): Html {
  const statuses = rows.filter(({ addon }) => addon !== undefined).map(statusOf);
  const parts = BAR.map(([name, members]) => ({
    name,
    tone: shownOf(name).tone,
    count: statuses.filter((each) => members.includes(each)).length,
  }));
  const all = parts.reduce((sum, { count }) => sum + count, 0);
  const on = parts[0]?.count ?? 0;
  if (all === 0) return html`<p class="lead">No add-on that uses IAM was found.</p>`;
  const present = parts.filter(({ count }) => count > 0);
  let from = 0;
  const boxes = present.map(({ tone, count }) => {
    const box = html`<rect class="b-${tone}" x="${(from / all) * 1000}" y="0" width="${(count / all) * 1000}" height="20"/>`;
    from += count;
    return box;
  });
  const legend = present.map(
    ({ name, tone, count }) =>
      html`<li><svg viewBox="0 0 10 10" aria-hidden="true" focusable="false"><rect class="b-${tone}" width="10" height="10" rx="2"/></svg>${amount(count)} ${BAR_NAMES[name]}</li>`,
  );
  return html`<p class="lead"><strong>${amount(on)} of ${amount(all)}</strong> add-ons that use IAM are on Pod Identity now (${Math.floor((on / all) * 100)}%).</p>
<svg class="bar" viewBox="0 0 1000 20" preserveAspectRatio="none" aria-hidden="true" focusable="false">${boxes}</svg>
<ul class="legend">${legend}</ul>`;
}

/** Returns a sentence about the rows that are not add-ons, or `undefined` if every row is an add-on. */
function wholesText({ rows }: SweepReport): string | undefined {
  const whole = rows.filter(({ addon }) => addon === undefined);
  const regions = whole.filter(({ cluster }) => cluster === undefined).length;
  const unreached = whole.filter((row) => row.cluster !== undefined && row.class === 'unreachable').length;
  const empty = whole.length - regions - unreached;
  const parts = [
    ...(unreached > 0 ? [`${counted(unreached, 'cluster')} that could not be inspected`] : []),
    ...(regions > 0 ? [`${counted(regions, 'location')} that could not be inspected`] : []),
    ...(empty > 0 ? [`${counted(empty, 'cluster')} without add-ons`] : []),
  ];
  return parts.length === 0 ? undefined : `These counts include ${parts.join(', ')}, each counted once.`;
}

export function totals(report: SweepReport): Html {
  const { totals: sums, trend, mode } = report;
  const outcomes = [
    ...Object.entries(sums.byOutcome),
    ...(sums.inFlight > 0 ? [['in-flight', sums.inFlight] as const] : []),
    ...(sums.queued > 0 ? [['queued', sums.queued] as const] : []),
  ];
  const inOrder = Object.keys(STATUSES);
  const sorted = outcomes.toSorted(([a], [b]) => inOrder.indexOf(a) - inOrder.indexOf(b));
  const wholes = wholesText(report);
  const levels = levelsOfRows(report.rows);
  return html`<section aria-labelledby="totals"><h2 id="totals">Status of the fleet</h2>
${bar(report)}
<p>${counted(sums.addons, 'add-on')} in ${counted(sums.clusters, 'cluster')} in ${counted(sums.locations, 'location')} (account and region).${trend ? html` The previous sweep of the same fleet, <code>${trend.sweepId}</code> (${time(trend.at)}), found ${counted(trend.addons, 'add-on')}. The number next to each count is the change since then.` : undefined}</p>
<h3 id="found">What the sweep found</h3>
<ul class="tiles" aria-labelledby="found">${sweepClass.options.map((name) => tile(name, sums.byClass[name] ?? 0, 'class', trend?.byClass[name]))}</ul>
${wholes === undefined ? undefined : html`<p class="small">${wholes}</p>`}
${mode === 'inventory' ? undefined : html`<h3 id="did">What the sweep did</h3>${sorted.length === 0 ? html`<p>There was nothing to ${mode === 'plan' ? 'plan' : 'migrate'}.</p>` : html`<ul class="tiles" aria-labelledby="did">${sorted.map(([name, count]) => tile(name, count, 'outcome', undefined))}</ul>`}`}${
    levels &&
    html`
<p class="small">Migrated add-ons by level of evidence: ${levels}.</p>`
  }
</section>`;
}

/** Returns the rows of a table of checks, each with a link to the add-ons of that class. */
const causeRows = (all: SweepReport['blockers'], of: SweepClass): Html[] =>
  all.map(
    ({ id, addons, example, remedy }) =>
      html`<tr><th scope="row"><a href="#?class=${of}&amp;q=${encodeURIComponent(id)}"><code>${id}</code></a></th><td class="n" data-label="Add-ons">${amount(addons)}</td><td data-label="Example">${example}</td><td data-label="What to do">${remedy ?? '–'}</td></tr>`,
  );

const HEADS = html`<thead><tr><th scope="col">Check</th><th scope="col" class="n">Add-ons</th><th scope="col">Example</th><th scope="col">What to do</th></tr></thead>`;

export function blockers({ blockers: all, keepIrsa, totals: { byClass } }: SweepReport): Html {
  return html`<section aria-labelledby="blockers"><h2 id="blockers">Blocking checks</h2>
${
  all.length === 0
    ? html`<p>No check blocks an add-on that uses IRSA.</p>`
    : html`<div class="box"><table class="cards"><caption>Checks that block ${counted(byClass.blocked, 'add-on')}. Several checks can block one add-on.</caption>
${HEADS}<tbody>${causeRows(all, 'blocked')}</tbody></table></div>`
}${
    keepIrsa.length === 0
      ? undefined
      : html`
<h3 id="kept">Reasons to keep IRSA</h3>
<div class="box"><table class="cards"><caption>IRSA is the better fit for ${counted(byClass['keep-irsa'], 'add-on')}. Nothing is left to do for ${byClass['keep-irsa'] === 1 ? 'it' : 'them'}.</caption>
${HEADS}<tbody>${causeRows(keepIrsa, 'keep-irsa')}</tbody></table></div>`
  }
</section>`;
}

export function locations({ locations: all }: SweepReport): Html {
  const rows = all.map(
    ({ account, region, clusters, notSelected, unreachable }) =>
      html`<tr><th scope="row">${account}</th><td data-label="Region">${region}</td><td class="n" data-label="Clusters">${amount(clusters)}</td><td class="n" data-label="Not selected">${amount(notSelected)}</td><td data-label="Result">${unreachable === undefined ? html`<span class="s s-good"><span class="sign" aria-hidden="true">✓</span> Inspected</span>` : html`${badge('unreachable')} ${unreachable}`}</td></tr>`,
  );
  return html`<section aria-labelledby="places"><h2 id="places">Locations</h2>
<div class="box tall" role="region" aria-labelledby="places-table" tabindex="0"><table class="cards"><caption id="places-table">Locations, with the number of clusters that were inspected and the number that the selection excludes.</caption>
<thead><tr><th scope="col">Account</th><th scope="col">Region</th><th scope="col" class="n">Clusters</th><th scope="col" class="n">Not selected</th><th scope="col">Result</th></tr></thead><tbody>${rows}</tbody></table></div>
</section>`;
}

/** Returns the cost of a line, to a hundredth of a cent. */
const cents = (value: number): string => (value > 0 && value < 0.0001 ? '< 0.0001' : value.toFixed(4));
const dollars = (value: number): string => `${value.toFixed(value < 1 ? 4 : 2)} USD`;

export function figures({ durations, calls, cost, simulated }: SweepReport): Html {
  const byService = Object.entries(calls.total).map(
    ([service, count]) => html`<tr><th scope="row">${service}</th><td class="n">${amount(count)}</td></tr>`,
  );
  return html`<section aria-labelledby="figures"><h2 id="figures">Durations, calls and cost</h2>
<div class="columns">
<div><h3>Durations</h3>${durations ? html`<dl class="facts">${[term('Migrations', amount(durations.count)), term('Shortest', duration(durations.least)), term('Median', duration(durations.median)), term('Longest', duration(durations.most))]}</dl>${simulated ? html`<p class="small">Simulated.</p>` : undefined}` : html`<p>Nothing was migrated.</p>`}</div>
<div><h3>API calls of the inventory</h3><div class="box"><table><caption class="hidden">API calls of the inventory by service</caption><thead><tr><th scope="col">Service</th><th scope="col" class="n">Calls</th></tr></thead><tbody>${byService}</tbody></table></div>
<p class="small">${amount(calls.perCluster)} calls per cluster, ${amount(calls.perAddon)} per add-on.</p></div>
${
  cost &&
  html`<div><h3>Cost on AWS: about ${dollars(cost.dollars)}</h3><div class="box"><table><caption class="hidden">Cost by item</caption><thead><tr><th scope="col">Item</th><th scope="col" class="n">Count</th><th scope="col" class="n">USD</th></tr></thead>
<tbody>${cost.lines.map(({ what, count, dollars: sum }) => html`<tr><th scope="row">${what}</th><td class="n">${amount(count)}</td><td class="n">${cents(sum)}</td></tr>`)}</tbody></table></div><p class="small">${cost.basis}</p></div>`
}
</div></section>`;
}

/** Returns each setting of the request as a pair of its path and its value. */
function flat(value: unknown, path: string): [string, string][] {
  if (Array.isArray(value)) return value.length === 0 ? [] : [[path, value.join(', ')]];
  if (typeof value === 'object' && value !== null)
    return Object.entries(value).flatMap(([name, each]) => flat(each, path === '' ? name : `${path}.${name}`));
  return value === undefined ? [] : [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
}

export const requestSection = ({
  request,
}: SweepReport): Html => html`<section aria-labelledby="request"><h2 id="request">Request</h2>
<details><summary>Selection, limits and options</summary><dl class="facts request">${flat(request, '').map(([name, value]) => term(name, value))}</dl></details></section>`;
