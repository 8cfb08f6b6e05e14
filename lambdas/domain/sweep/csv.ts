/** The report as a table for spreadsheets: RFC 4180, UTF-8 without a mark, one line for each row. */
import { printable } from '../text/text.ts';
import type { ReportRow, SweepReport } from './report.ts';

type Cell = string | number | undefined;

const COLUMNS: Record<string, (row: ReportRow) => Cell> = {
  account: ({ account }) => account,
  region: ({ region }) => region,
  cluster: ({ cluster }) => cluster,
  kubernetes: ({ kubernetes }) => kubernetes,
  addon: ({ addon }) => addon,
  version: ({ version }) => version,
  class: (row) => row.class,
  reason: ({ reason }) => reason,
  checks: ({ checks }) => [...new Set(checks.map(({ id }) => id))].join(' '),
  messages: ({ checks }) => checks.map(({ message }) => message).join(' | '),
  remedies: ({ checks }) => checks.flatMap(({ remedy }) => remedy ?? []).join(' | '),
  wave: ({ wave }) => wave,
  state: ({ state }) => state,
  outcome: ({ outcome }) => outcome,
  failure: ({ failure }) => failure && `${failure.name}: ${failure.message}`,
  begunAt: ({ begunAt }) => begunAt,
  endedAt: ({ endedAt }) => endedAt,
  seconds: ({ seconds }) => seconds,
  migrationId: ({ migrationId }) => migrationId,
  heldBy: ({ heldBy }) => heldBy,
};

/**
 * Where a spreadsheet may see the beginning of a formula, which can send the sheet to somebody: at the beginning of a
 * cell, or of what a spreadsheet takes for one that splits at `;`, tabs or `|`, as some locales do. Blanks and quotes
 * before it do not count. Source: OWASP, "CSV Injection".
 */
const FORMULA = /(^|[;|\t])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r\n])/g;

function cellOf(value: Cell): string {
  if (typeof value !== 'string') return `"${value ?? ''}"`;
  // Before it is made printable, which turns a tab into text.
  const text = printable(value.replaceAll(FORMULA, "$1'"));
  return `"${text.replaceAll('"', '""')}"`;
}

const lineOf = (cells: Cell[]): string => `${cells.map(cellOf).join(',')}\r\n`;

/**
 * Every cell is quoted. What a spreadsheet could take for a formula has a `'` before it; line breaks and other control
 * characters are written as `\n`, `\x1b`.
 */
export const reportCsv = ({ rows }: SweepReport): string =>
  [lineOf(Object.keys(COLUMNS)), ...rows.map((row) => lineOf(Object.values(COLUMNS).map((of) => of(row))))].join('');
