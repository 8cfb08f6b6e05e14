import { type Style, visibleWidth } from '../text/style.ts';

export interface Column<Row> {
  title: string;
  /** Returns the cell, which may be coloured; only its visible width counts. */
  value(row: Row): string;
  align?: 'left' | 'right';
  /** Whether the cells are never broken: ids, which are copied, and short words. */
  whole?: true;
  /** Whether the column is left out if there is no room for it; the last one first, and `least` after all others. */
  optional?: true | 'least';
}

const GAP = 2;
/** No column is made narrower than that. */
const NARROWEST = 20;

const ESC = '\u001B';
/** Escape sequences of the formats around a whole text. */
const PAINTED = new RegExp(String.raw`^((?:${ESC}\[\d+m)+)([^${ESC}]*)((?:${ESC}\[\d+m)+)$`);

/** Returns where to break the text: after a blank or a separator in the second half of the line, otherwise at its end. */
const breakOf = (line: string): number => {
  const blank = line.lastIndexOf(' ') + 1;
  if (blank > line.length / 3) return blank;
  const sign = Math.max(...['-', '.', '/', ':', ','].map((one) => line.lastIndexOf(one))) + 1;
  return sign > line.length / 2 ? sign : line.length;
};

/** Breaks plain text into lines of at most `width` columns. */
export const foldText = (text: string, width: number): string[] => {
  if (text.length <= width) return [text];
  const end = text[width] === ' ' ? width : breakOf(text.slice(0, width));
  return [text.slice(0, end).trimEnd(), ...foldText(text.slice(end).trimStart(), width)];
};

const foldCell = (cell: string, width: number): string[] => {
  if (visibleWidth(cell) <= width) return [cell];
  const [, before = '', text = cell, after = ''] = PAINTED.exec(cell) ?? [];
  return text.includes(ESC) ? [cell] : foldText(text, width).map((line) => `${before}${line}${after}`);
};

/** Returns the columns' widths, with the widest ones reduced until the line fits. */
const fitted = (natural: readonly number[], least: readonly number[], available: number): number[] => {
  const widths = [...natural];
  const total = (): number => widths.reduce((sum, width) => sum + width, 0) + GAP * (widths.length - 1);
  while (total() > available) {
    const reducible = widths.map((width, index) => (width > (least[index] ?? 0) ? width : 0));
    const widest = Math.max(...reducible);
    if (widest === 0) break;
    const at = reducible.lastIndexOf(widest);
    widths[at] = widest - 1;
  }
  return widths;
};

const naturalWidth = <Row>(column: Column<Row>, rows: readonly Row[]): number =>
  Math.max(column.title.length, ...rows.map((row) => visibleWidth(column.value(row))));

const leastWidth = <Row>(column: Column<Row>, rows: readonly Row[]): number => {
  const natural = naturalWidth(column, rows);
  return column.align === 'right' || column.whole ? natural : Math.min(NARROWEST, natural);
};

/** Returns the columns for which there is room. */
const withRoom = <Row>(
  columns: readonly Column<Row>[],
  rows: readonly Row[],
  available: number,
): readonly Column<Row>[] => {
  const needed = columns.reduce((sum, column) => sum + leastWidth(column, rows) + GAP, -GAP);
  const last = columns.findLast(({ optional }) => optional === true) ?? columns.findLast(({ optional }) => optional);
  return needed <= available || !last
    ? columns
    : withRoom(
        columns.filter((one) => one !== last),
        rows,
        available,
      );
};

/**
 * Returns a table without borders: two blanks between columns, as wide as the widest cells, titles dimmed. If that is
 * wider than the output, long cells continue on the next line.
 */
export const table = <Row>(
  rows: readonly Row[],
  all: readonly Column<Row>[],
  style: Style,
  indent = '  ',
): string[] => {
  const available = style.lineWidth - indent.length;
  const columns = withRoom(all, rows, available);
  const body = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = fitted(
    columns.map((column) => naturalWidth(column, rows)),
    columns.map((column) => leastWidth(column, rows)),
    available,
  );
  const line = (cells: readonly string[]): string =>
    `${indent}${cells
      .map((cell, index) => {
        const fill = ' '.repeat(Math.max(0, (widths[index] ?? 0) - visibleWidth(cell)));
        return columns[index]?.align === 'right' ? `${fill}${cell}` : `${cell}${fill}`;
      })
      .join(' '.repeat(GAP))}`.trimEnd();
  const lines = (cells: readonly string[]): string[] => {
    const folded = cells.map((cell, index) => foldCell(cell, widths[index] ?? 0));
    const height = Math.max(...folded.map(({ length }) => length));
    return Array.from({ length: height }, (_, at) => line(folded.map((parts) => parts[at] ?? '')));
  };
  const titles = line(columns.map((column) => column.title));
  return [`${indent}${style.paint('dim', titles.slice(indent.length))}`, ...body.flatMap(lines)];
};
