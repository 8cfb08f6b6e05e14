/** Renders the plan of a cluster for a terminal: readable at 80 columns, whatever the names. */
import type { Overview, OverviewCause, OverviewItem } from '../../lambdas/domain/overview/model.ts';
import { printable } from '../../lambdas/domain/text/text.ts';
import { remedyLines } from '../text/remedy.ts';
import { type Format, hanging, type Style, visibleWidth } from '../text/style.ts';
import { foldText } from '../print/table.ts';
import type { ClusterPlanFlags } from './options.ts';
import { countsText, forecastText, IDENTITIES, nextCommands, strategyText, VERDICTS } from './shown.ts';

const FORMATS: Record<OverviewItem['verdict'], Format> = {
  migrate: 'green',
  blocked: 'red',
  'keep-irsa': 'cyan',
  unknown: 'yellow',
  migrated: 'green',
  'nothing-to-migrate': 'dim',
};
/** Names of items of a cause that are listed; `--output json` has all. */
const MOST_NAMES = 6;
/** The blanks between two columns, and before the first. */
const GAP = 2;

const TITLES = ['IDENTITY', 'VERDICT', 'STRATEGY', 'FORECAST'] as const;

/** Returns the rows of one kind; names that are too long continue on the next line. */
const tableLines = (title: string, items: readonly OverviewItem[], style: Style): string[] => {
  if (items.length === 0) return [];
  const cellsOf = (item: OverviewItem): string[] => [
    IDENTITIES[item.identity],
    style.paint(FORMATS[item.verdict], VERDICTS[item.verdict]),
    strategyText(item),
    forecastText(item),
  ];
  const rows = items.map((item) => ({ name: printable(item.name), cells: cellsOf(item) }));
  const widths = TITLES.map((text, index) =>
    Math.max(text.length, ...rows.map(({ cells }) => visibleWidth(cells[index] ?? ''))),
  );
  const rest = widths.reduce((sum, width) => sum + GAP + width, GAP);
  const most = Math.max(title.length, ...rows.map(({ name }) => name.length));
  const nameWidth = Math.max(16, Math.min(most, style.width - rest));
  const line = (cells: readonly string[]): string =>
    cells
      .map((cell, index) => {
        const width = index === 0 ? nameWidth : (widths[index - 1] ?? 0);
        return `${' '.repeat(GAP)}${cell}${' '.repeat(Math.max(0, width - visibleWidth(cell)))}`;
      })
      .join('')
      .trimEnd();
  return [
    '',
    style.paint('dim', line([title, ...TITLES])),
    ...rows.flatMap(({ name, cells }) => {
      const [first = '', ...more] = foldText(name, nameWidth);
      return [line([first, ...cells]), ...more.map((part) => line([part]))];
    }),
  ];
};

const namesText = (names: readonly string[]): string =>
  names.length > MOST_NAMES
    ? `${names.slice(0, MOST_NAMES).join(', ')} and ${names.length - MOST_NAMES} more`
    : names.join(', ');

const causeLines = ({ id, items, message, remedy, isCommon }: OverviewCause, sign: string, style: Style): string[] => {
  const [first = ''] = items;
  const of = isCommon ? '' : `${first}: `;
  return [
    ...hanging(`  ${sign} `, printable(`${id}, ${items.length}: ${namesText(items)}`), style),
    ...hanging('      ', printable(`${of}${message}`), style),
    ...(remedy === undefined ? [] : remedyLines('      do: ', printable(remedy), style)),
    ...(isCommon ? [] : hanging('      ', 'The plan of each of the others has its own remedy.', style, 'dim')),
  ];
};

/** Returns the causes of one verdict below their title. */
const causesLines = (title: string, causes: readonly OverviewCause[], sign: string, style: Style): string[] =>
  causes.length === 0
    ? []
    : ['', style.paint('bold', title), ...causes.flatMap((cause) => causeLines(cause, sign, style))];

/** Returns what is unknown, each reason once. */
const unknownLines = ({ items, unread }: Overview, style: Style): string[] => {
  const reasons = new Map<string, string[]>();
  for (const { name, verdict, reason = '' } of items)
    if (verdict === 'unknown') reasons.set(reason, [...(reasons.get(reason) ?? []), name]);
  if (reasons.size === 0 && unread.length === 0) return [];
  return [
    '',
    style.paint(['bold', 'yellow'], 'Not known'),
    ...unread.flatMap(({ what, why, remedy }) => [
      ...hanging('  ? ', printable(`${what}: ${why}`), style),
      ...(remedy === undefined ? [] : remedyLines('      do: ', printable(remedy), style)),
    ]),
    ...[...reasons].flatMap(([reason, names]) => hanging('  ? ', printable(`${namesText(names)}: ${reason}`), style)),
  ];
};

export const overviewLines = (found: Overview, flags: ClusterPlanFlags, style: Style): string[] => {
  const { target, kubernetesVersion, namespace, items, causes, keepIrsa } = found;
  const where = `${target.cluster} (${target.account}, ${target.region}), Kubernetes ${kubernetesVersion}${namespace === undefined ? '' : `, namespace ${namespace}`}`;
  const ofKind = (kind: OverviewItem['kind']): OverviewItem[] => items.filter((item) => item.kind === kind);
  return [
    ...hanging(`${style.paint('bold', 'Plan')}  `, where, style),
    ...tableLines('ADD-ON', ofKind('add-on'), style),
    ...tableLines('SERVICE ACCOUNT', ofKind('service-account'), style),
    ...causesLines('Blocked by', causes, style.paint('red', '✖'), style),
    ...causesLines('Keep IRSA, which is the better fit', keepIrsa, style.paint('cyan', '='), style),
    ...unknownLines(found, style),
    '',
    ...hanging('', `${countsText(found)} Nothing was changed.`, style),
    ...nextCommands(found, flags).flatMap(({ what, commands }) => [
      `${what}:`,
      ...commands.map((command) => `  ${style.paint('bold', command)}`),
    ]),
  ];
};
