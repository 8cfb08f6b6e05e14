/** Writes the report as a table for spreadsheets: RFC 4180, UTF-8 without a byte order mark, one line for each row. */
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
  verified: ({ verified }) => verified,
  failure: ({ failure }) => failure && `${failure.name}: ${failure.message}`,
  begunAt: ({ begunAt }) => begunAt,
  endedAt: ({ endedAt }) => endedAt,
  seconds: ({ seconds }) => seconds,
  migrationId: ({ migrationId }) => migrationId,
  heldBy: ({ heldBy }) => heldBy,
};

/**
 * The positions at which a spreadsheet may recognise a formula, which can send the sheet to a third party: at the
 * beginning of a cell, also in locales that split cells at `;`, tabs or `|`. Blanks and quotes before it do not count.
 * Source: OWASP, "CSV Injection".
 */
const FORMULA = /(^|[;|\t])(?=[\s"']*[=+\-@＝＋－＠]|[\t\r\n])/g;

function cellOf(value: Cell): string {
  if (typeof value !== 'string') return `"${value ?? ''}"`;
  // This precedes `printable`, which turns a tab into text.
  const text = printable(value.replaceAll(FORMULA, "$1'"));
  return `"${text.replaceAll('"', '""')}"`;
}

const lineOf = (cells: Cell[]): string => `${cells.map(cellOf).join(',')}\r\n`;

/**
 * Returns the CSV file. Every cell is quoted. Text that a spreadsheet could recognise as a formula has a `'` before it;
 * line breaks and other control characters are written as `\n`, `\x1b`.
 */
export const reportCsv = ({ rows }: SweepReport): string =>
  [lineOf(Object.keys(COLUMNS)), ...rows.map((row) => lineOf(Object.values(COLUMNS).map((of) => of(row))))].join('');
