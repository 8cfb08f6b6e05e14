import { type Style, visibleWidth } from './style.ts';

export interface Column<Row> {
  title: string;
  /** Returns the cell, which may be coloured; only its visible width counts. */
  value(row: Row): string;
  align?: 'left' | 'right';
}

/** Returns a table without borders: two blanks between columns, as wide as the widest cells, titles dimmed. */
export const table = <Row>(
  rows: readonly Row[],
  columns: readonly Column<Row>[],
  style: Style,
  indent = '  ',
): string[] => {
  const body = rows.map((row) => columns.map((column) => column.value(row)));
  const widths = columns.map((column, index) =>
    Math.max(column.title.length, ...body.map((cells) => visibleWidth(cells[index] ?? ''))),
  );
  const line = (cells: readonly string[]): string =>
    `${indent}${cells
      .map((cell, index) => {
        const fill = ' '.repeat(Math.max(0, (widths[index] ?? 0) - visibleWidth(cell)));
        return columns[index]?.align === 'right' ? `${fill}${cell}` : `${cell}${fill}`;
      })
      .join('  ')}`.trimEnd();
  const titles = line(columns.map((column) => column.title));
  return [`${indent}${style.paint('dim', titles.slice(indent.length))}`, ...body.map(line)];
};
