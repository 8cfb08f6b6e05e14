/** The report as a table for spreadsheets: RFC 4180, UTF-8 without a mark, one line for each row. */
import { printable } from '../text.ts';
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
};

/** What a spreadsheet may take for a formula, which can send the sheet to somebody; source: OWASP, "CSV Injection". */
const FORMULA = /^[=+\-@\t\r\n＝＋－＠]/;

function cellOf(value: Cell): string {
  if (value === undefined) return '';
  if (typeof value === 'number') return String(value);
  // Looked at before it is made printable, which turns a tab into text.
  const text = `${FORMULA.test(value) ? "'" : ''}${printable(value)}`;
  return /[",]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

const lineOf = (cells: Cell[]): string => `${cells.map(cellOf).join(',')}\r\n`;

/**
 * A cell that a spreadsheet could take for a formula begins with `'`; line breaks and other control characters are
 * written as `\n`, `\x1b`.
 */
export const reportCsv = ({ rows }: SweepReport): string =>
  [lineOf(Object.keys(COLUMNS)), ...rows.map((row) => lineOf(Object.values(COLUMNS).map((of) => of(row))))].join('');
