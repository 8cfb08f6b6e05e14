/**
 * What is said about a sweep that is over: totals, what blocks, what became of the migrations, and where the report is.
 */
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';
import type { ReportRow, SweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { printable, shown } from '../../lambdas/domain/text/text.ts';
import { between } from '../print/duration.ts';
import { type Format, hanging, type Style } from '../print/style.ts';
import { table } from '../print/table.ts';
import { knownCommand } from '../request.ts';
import type { ReportFile } from './options.ts';

type Where = Parameters<typeof knownCommand>[2];

const CLASSES: Record<SweepClass, { format: Format; says: string }> = {
  'on-pod-identity': { format: 'green', says: 'on EKS Pod Identity' },
  ready: { format: 'cyan', says: 'IRSA, ready to be migrated' },
  blocked: { format: 'red', says: 'IRSA, and checks stand in the way' },
  'node-role': { format: 'yellow', says: 'uses the role of the node' },
  'not-concerned': { format: 'dim', says: 'needs no IAM role, or was left out' },
  unreachable: { format: 'red', says: 'could not be looked at' },
};
const CLASS_NAMES = Object.keys(CLASSES) as SweepClass[];

const MARKS = {
  completed: { mark: '✔', format: 'green' },
  stopped: { mark: '!', format: 'yellow' },
  failed: { mark: '✖', format: 'red' },
} as const satisfies Record<string, { mark: string; format: Format }>;

/** Rows of one table that a terminal is shown: the report has all. */
const MOST_ROWS = 10;
/** Characters of one example, or reason, and of what to do about it, which may be a statement of a policy. */
const [LONGEST, LONGEST_REMEDY] = [320, 640];

const plural = (n: number, one: string): string => `${n} ${one}${n === 1 ? '' : 's'}`;
const BEGUN: Record<SweepReport['mode'], string> = { inventory: '', plan: 'plans', migrate: 'migrations' };

const headline = (report: SweepReport, style: Style): string[] => {
  const { mode, outcome = 'failed', totals, sweepId, startedAt, endedAt, at, simulated, cause } = report;
  const { mark, format } = MARKS[outcome];
  return [
    `${style.paint(format, mark)} ${style.paint(['bold', format], outcome)}  ${mode} of ${plural(totals.clusters, 'cluster')} in ${plural(totals.locations, 'region')} of accounts: ${plural(totals.addons, 'add-on')}`,
    `  ${style.paint('dim', [sweepId, `${between(startedAt, endedAt ?? at)}${simulated ? ' (simulated)' : ''}`].join(' · '))}`,
    ...(cause ? hanging('  ', `${cause.name}: ${printable(cause.message)}`, style, format) : []),
  ];
};

/** `+3`, `-2`; nothing where it is the same, or there is none before. */
const changeOf = (now: number, before: number | undefined): string =>
  before === undefined || before === now ? '' : `${now > before ? '+' : ''}${now - before}`;

const classSection = ({ totals: { byClass }, trend }: SweepReport, style: Style): string[] => [
  '',
  style.paint('bold', 'Add-ons'),
  ...table(
    CLASS_NAMES,
    [
      { title: 'CLASS', value: (name) => style.paint(CLASSES[name].format, name) },
      { title: 'ADD-ONS', value: (name) => String(byClass[name]), align: 'right' },
      ...(trend
        ? [
            {
              title: 'BEFORE',
              value: (name: SweepClass) => changeOf(byClass[name], trend.byClass[name]),
              align: 'right',
            } as const,
          ]
        : []),
      { title: 'MEANS', value: (name) => CLASSES[name].says },
    ],
    style,
  ),
  ...(trend ? [`  ${style.paint('dim', `before: sweep ${trend.sweepId} of ${trend.at}`)}`] : []),
];

const more = (n: number, style: Style): string[] =>
  n > 0 ? [`  ${style.paint('dim', `… and ${n} more: the report has all`)}`] : [];

const blockersSection = ({ blockers }: SweepReport, style: Style): string[] => {
  if (blockers.length === 0) return [];
  return [
    '',
    style.paint('bold', 'What blocks'),
    ...blockers
      .slice(0, MOST_ROWS)
      .flatMap(({ id, addons, example, remedy }) => [
        ...hanging(
          `  ${style.paint('red', '✖')} `,
          `${id}: ${plural(addons, 'add-on')}. Such as: ${shown(example, LONGEST)}`,
          style,
        ),
        ...(remedy === undefined ? [] : hanging('      do: ', shown(remedy, LONGEST_REMEDY), style)),
      ]),
    ...more(blockers.length - MOST_ROWS, style),
  ];
};

const locationName = ({
  account,
  region,
  cluster,
  addon,
}: Pick<ReportRow, 'account' | 'region' | 'cluster' | 'addon'>): string =>
  printable([account, region, cluster, addon].filter((part) => part !== undefined).join(' / '));

/** By their reason, which whole regions share with the clusters in them; those of whole regions first. */
const unreachedOf = (rows: readonly ReportRow[]): ReportRow[][] => {
  const byReason = new Map<string | undefined, ReportRow[]>();
  for (const row of rows)
    if (row.class === 'unreachable') byReason.set(row.reason, [...(byReason.get(row.reason) ?? []), row]);
  return [...byReason.values()].sort(([a], [b]) => Number(a?.cluster !== undefined) - Number(b?.cluster !== undefined));
};

const unreachableSection = ({ rows }: SweepReport, style: Style): string[] => {
  const unreached = unreachedOf(rows);
  if (unreached.length === 0) return [];
  return [
    '',
    style.paint('bold', 'Could not be looked at'),
    ...unreached
      .slice(0, MOST_ROWS)
      .flatMap(([row, ...others]) =>
        row
          ? hanging(
              `  ${style.paint('red', '✖')} `,
              `${locationName(row)}${others.length > 0 ? `, and ${others.length} more` : ''}: ${shown(row.reason ?? 'no reason is known', LONGEST)}`,
              style,
            )
          : [],
      ),
    ...more(unreached.length - MOST_ROWS, style),
  ];
};

const FAILED: readonly unknown[] = ['needs-human', 'rolled-back', 'blocked'];
/** Ended without an outcome, or with one that somebody will want to look at. */
const needsAttention = ({ state, outcome }: ReportRow): boolean =>
  state === 'ended' && (outcome === undefined || FAILED.includes(outcome));

/** Where to read on: its own migration, or that which holds its add-on. */
const seeLines = ({ migrationId, heldBy }: ReportRow, where: Where): string[] => {
  const id = migrationId ?? heldBy;
  return id === undefined || where.sandbox !== undefined ? [] : [`      see: ${knownCommand('show', id, where)}`];
};

const outcomesSection = (
  { mode, totals: { byOutcome, queued, inFlight }, durations, rows }: SweepReport,
  where: Where,
  style: Style,
): string[] => {
  if (mode === 'inventory') return [];
  const counts: [string, number][] = [
    ...Object.entries(byOutcome),
    ...(inFlight > 0 ? [['under way', inFlight] as [string, number]] : []),
    ...(queued > 0 ? [['not begun', queued] as [string, number]] : []),
  ];
  const failures = rows.filter(needsAttention);
  const title = BEGUN[mode];
  return [
    '',
    style.paint('bold', `What became of the ${title}`),
    ...(counts.length === 0
      ? ['  Nothing was ready, so none was begun.']
      : table(
          counts,
          [
            { title: 'OUTCOME', value: ([name]) => (name === 'none' ? 'without an outcome' : name) },
            { title: title.toUpperCase(), value: ([, n]) => String(n), align: 'right' },
          ],
          style,
        )),
    ...(durations
      ? [
          `  ${style.paint('dim', `each took ${durations.least} to ${durations.most} s, in the middle ${durations.median} s`)}`,
        ]
      : []),
    ...failures
      .slice(0, MOST_ROWS)
      .flatMap((row) => [
        ...hanging(
          `  ${style.paint('red', '✖')} `,
          `${row.outcome ?? 'without an outcome'}  ${locationName(row)}${row.failure ? `: ${row.failure.name}: ${shown(row.failure.message, LONGEST)}` : ''}`,
          style,
        ),
        ...seeLines(row, where),
      ]),
    ...more(failures.length - MOST_ROWS, style),
  ];
};

const costLines = ({ calls: { total, perCluster, perAddon }, cost }: SweepReport): string[] => {
  const all = Object.values(total).reduce((sum, n) => sum + n, 0);
  return [
    `calls: ${all} for the look, ${perCluster.toFixed(1)} for each cluster, ${perAddon.toFixed(1)} for each add-on${cost ? `; it would cost about ${cost.dollars.toFixed(cost.dollars < 1 ? 4 : 2)} US dollars (an estimate)` : ''}`,
  ];
};

export interface SummaryOptions {
  /** Files that were written. */
  files: readonly ReportFile[];
  /** Of the bucket, where somebody else can read it too. */
  reports?: SweepStanding['reports'];
  where: Where;
}

/** A stopped sweep of a sandbox that is gone can't be resumed. */
const resumeLines = ({ outcome, sweepId }: SweepReport, where: Where): string[] =>
  outcome !== 'stopped' || where.sandbox !== undefined
    ? []
    : ['', 'To go on with what is left:', `  ${knownCommand('sweep resume', sweepId, where)}`];

export const summaryLines = (
  report: SweepReport,
  { files, reports, where }: SummaryOptions,
  style: Style,
): string[] => [
  ...headline(report, style),
  ...classSection(report, style),
  ...blockersSection(report, style),
  ...unreachableSection(report, style),
  ...outcomesSection(report, where, style),
  '',
  ...costLines(report).flatMap((line) => hanging('  ', line, style, 'dim')),
  ...(files.length > 0 || reports ? ['', style.paint('bold', 'Reports')] : []),
  ...files.map(({ file }) => `  ${file}`),
  ...(reports ? [`  s3://${reports.bucket}/${reports.html}, .json and .csv`] : []),
  ...resumeLines(report, where),
];
