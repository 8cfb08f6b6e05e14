/** Output on a sweep that has ended: totals, blockers, outcomes of its migrations, and its report. */
import type { SweepClass } from '../../lambdas/domain/sweep/model.ts';
import type { ReportRow, SweepReport } from '../../lambdas/domain/sweep/report.ts';
import type { SweepStanding } from '../../lambdas/domain/sweep/standing.ts';
import { shortfall } from '../../lambdas/domain/sweep/inspected.ts';
import { levelsOfRows } from '../../lambdas/domain/sweep/statuses.ts';
import { counted, printable, shown } from '../../lambdas/domain/text/text.ts';
import { between } from '../text/duration.ts';
import { type Next, nextSection } from '../print/next.ts';
import { remedyLines } from '../text/remedy.ts';
import { type Format, hanging, oneLine, type Style } from '../text/style.ts';
import { table } from '../print/table.ts';
import { knownCommand } from '../request.ts';
import type { ReportFile } from './options.ts';
import { MODES } from '../sweep-progress.ts';

type Where = Parameters<typeof knownCommand>[2];

const CLASSES: Record<SweepClass, { format: Format; says: string }> = {
  'on-pod-identity': { format: 'green', says: 'on EKS Pod Identity' },
  ready: { format: 'cyan', says: 'on IRSA, ready to migrate' },
  blocked: { format: 'red', says: 'on IRSA, but checks fail' },
  'keep-irsa': { format: 'cyan', says: 'on IRSA, which is the better fit' },
  'node-role': { format: 'yellow', says: 'on the node role' },
  'not-concerned': { format: 'dim', says: 'needs no IAM role, or is excluded' },
  unreachable: { format: 'red', says: 'could not be read' },
};
const CLASS_NAMES = Object.keys(CLASSES) as SweepClass[];

const MARKS = {
  completed: { mark: '✔', format: 'green' },
  incomplete: { mark: '!', format: 'yellow' },
  stopped: { mark: '!', format: 'yellow' },
  failed: { mark: '✖', format: 'red' },
} as const satisfies Record<string, { mark: string; format: Format }>;

/** Maximum number of rows of one table; the report has all. */
const MOST_ROWS = 10;
/** Maximum number of characters of an example or reason. */
const LONGEST = 320;

const BEGUN: Record<SweepReport['mode'], string> = { inventory: '', plan: 'plans', migrate: 'migrations' };

/** Returns the number of clusters, or how many of them were inspected. */
const clustersOf = ({ clusters, inspected }: SweepReport['totals']): string =>
  shortfall(inspected)?.replace(' inspected', '') ?? counted(clusters, 'cluster');

const headline = (report: SweepReport, style: Style): string[] => {
  const { mode, outcome = 'failed', totals, sweepId, startedAt, endedAt, at, simulated, cause } = report;
  const { mark, format } = MARKS[outcome];
  return [
    ...oneLine(
      `${style.paint(format, mark)} ${style.paint(['bold', format], outcome)}  `,
      `${MODES[mode]} of ${clustersOf(totals)} in ${counted(totals.locations, 'location')} (account and region): ${counted(totals.addons, 'add-on')}`,
      style,
    ),
    `  ${style.paint('dim', [sweepId, `${between(startedAt, endedAt ?? at)}${simulated ? ' (simulated)' : ''}`].join(' · '))}`,
    ...(cause ? hanging('  ', `${cause.name}: ${printable(cause.message)}`, style, format) : []),
  ];
};

/** Returns the change, such as `+3` or `-2`; an empty text if there is none, or no earlier number. */
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
      { title: 'MEANING', value: (name) => CLASSES[name].says },
    ],
    style,
  ),
  ...(trend ? [`  ${style.paint('dim', `before: sweep ${trend.sweepId} of ${trend.at}`)}`] : []),
];

const more = (n: number, style: Style): string[] =>
  n > 0 ? [`  ${style.paint('dim', `… and ${n} more in the report`)}`] : [];

const causesLines = (title: string, causes: SweepReport['blockers'], sign: string, style: Style): string[] => {
  if (causes.length === 0) return [];
  return [
    '',
    style.paint('bold', title),
    ...causes
      .slice(0, MOST_ROWS)
      .flatMap(({ id, addons, example, remedy }) => [
        ...hanging(`  ${sign} `, `${id}: ${counted(addons, 'add-on')}. Example: ${shown(example, LONGEST)}`, style),
        ...(remedy === undefined ? [] : remedyLines('      do: ', printable(remedy), style)),
      ]),
    ...more(causes.length - MOST_ROWS, style),
  ];
};

const locationName = ({
  account,
  region,
  cluster,
  addon,
}: Pick<ReportRow, 'account' | 'region' | 'cluster' | 'addon'>): string =>
  printable([account, region, cluster, addon].filter((part) => part !== undefined).join(' / '));

/** Groups unreachable rows by their reason, which a region shares with its clusters; whole regions first. */
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
    style.paint('bold', 'Could not be read'),
    ...unreached
      .slice(0, MOST_ROWS)
      .flatMap(([row, ...others]) =>
        row
          ? hanging(
              `  ${style.paint('red', '✖')} `,
              `${locationName(row)}${others.length > 0 ? `, and ${others.length} more` : ''}: ${shown(row.reason ?? 'unknown reason', LONGEST)}`,
              style,
            )
          : [],
      ),
    ...more(unreached.length - MOST_ROWS, style),
  ];
};

const FAILED: readonly unknown[] = ['needs-human', 'rolled-back', 'blocked'];
/** Returns whether a migration ended without an outcome, or with one that needs attention. */
const needsAttention = ({ state, outcome }: ReportRow): boolean =>
  state === 'ended' && (outcome === undefined || FAILED.includes(outcome));

/** Returns the command that shows the row's migration, or the migration that holds its add-on. */
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
    ...(inFlight > 0 ? [['running', inFlight] as [string, number]] : []),
    ...(queued > 0 ? [['not begun', queued] as [string, number]] : []),
  ];
  const failures = rows.filter(needsAttention);
  const title = BEGUN[mode];
  const levels = levelsOfRows(rows);
  return [
    '',
    style.paint('bold', `Outcomes of the ${title}`),
    ...(counts.length === 0
      ? ['  Nothing was ready.']
      : table(
          counts,
          [
            { title: 'OUTCOME', value: ([name]) => (name === 'none' ? 'without an outcome' : name) },
            { title: title.toUpperCase(), value: ([, n]) => String(n), align: 'right' },
          ],
          style,
        )),
    ...(levels === undefined ? [] : hanging('  ', `verified: ${levels}`, style, 'dim')),
    ...(durations
      ? [
          `  ${style.paint('dim', `duration: ${durations.least} s to ${durations.most} s, median ${durations.median} s`)}`,
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
    `inventory: ${all} API calls, ${perCluster.toFixed(1)} per cluster, ${perAddon.toFixed(1)} per add-on${cost ? `; estimated cost: ${cost.dollars.toFixed(cost.dollars < 1 ? 4 : 2)} US dollars` : ''}`,
  ];
};

export interface SummaryOptions {
  /** Files that were written. */
  files: readonly ReportFile[];
  /** The reports in the bucket, if others can read them. */
  reports?: SweepStanding['reports'];
  where: Where;
  /** Returns the command that makes the same sweep in another mode. */
  command?: (mode: SweepReport['mode']) => string;
}

/** Returns the command for the next mode, or to resume a stopped sweep unless its sandbox ends with the command. */
const nextOf = (
  { mode, outcome, sweepId, totals: { byClass, byOutcome } }: SweepReport,
  { where, command }: SummaryOptions,
): Next[] => {
  if (outcome === 'stopped' && (where.sandbox === undefined || where.state !== undefined))
    return [{ why: 'To continue with the rest', command: knownCommand('sweep resume', sweepId, where) }];
  if (command === undefined || (outcome !== 'completed' && outcome !== 'incomplete')) return [];
  if (mode === 'inventory' && byClass.ready > 0) return [{ why: 'To plan what is ready', command: command('plan') }];
  if (mode === 'plan' && (byOutcome['planned'] ?? 0) > 0)
    return [{ why: 'To migrate it in waves', command: command('migrate') }];
  return [];
};

const verdictOf = (
  { mode, outcome = 'failed', totals: { byClass, byOutcome, inspected } }: SweepReport,
  style: Style,
): string => {
  const { mark, format } = MARKS[outcome];
  const classes = CLASS_NAMES.filter((name) => byClass[name] > 0).map((name) => `${byClass[name]} ${name}`);
  const outcomes = Object.entries(byOutcome).map(
    ([name, n]) => `${n} ${name === 'none' ? 'without an outcome' : name}`,
  );
  const nothing = ['nothing was ready', ...classes];
  const counts = mode === 'inventory' ? classes : outcomes.length > 0 ? outcomes : nothing;
  const short = shortfall(inspected);
  return `${style.paint(format, mark)} ${outcome}${short === undefined ? '' : `, ${short}`}: ${counts.join(', ') || 'no add-on was found'}.`;
};

/** Returns the report of a sweep. A quiet output has what blocks and what failed, without totals. */
export const summaryLines = (report: SweepReport, options: SummaryOptions, style: Style): string[] => {
  const { files, reports, where } = options;
  const quiet = style.detail === 'quiet';
  return [
    ...headline(report, style),
    ...(quiet ? [] : classSection(report, style)),
    ...causesLines('Blockers', report.blockers, style.paint('red', '✖'), style),
    ...(quiet ? [] : causesLines('Reasons to keep IRSA', report.keepIrsa, style.paint('cyan', '='), style)),
    ...unreachableSection(report, style),
    ...(quiet ? [] : outcomesSection(report, where, style)),
    ...(quiet ? [] : ['', ...costLines(report).flatMap((line) => oneLine('  ', line, style, 'dim'))]),
    ...(files.length > 0 || reports ? ['', style.paint('bold', 'Reports')] : []),
    ...files.map(({ file }) => `  ${file}`),
    ...(reports ? [`  s3://${reports.bucket}/${reports.html}, .json and .csv`] : []),
    ...nextSection(verdictOf(report, style), nextOf(report, options), style),
  ];
};
