import { stripVTControlCharacters, styleText } from 'node:util';
import type { Detail, Output } from '../io.ts';

export type Format = 'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan';

/** The style of one output: coloured or plain, its line width, and how much it shows. */
export interface Style {
  paint(format: Format | readonly Format[], text: string): string;
  width: number;
  /**
   * Maximum width of what is one line for other programs: rows of tables, headlines and errors. Without a terminal, there
   * is none.
   */
  lineWidth: number;
  detail: Detail;
  /** The options that select the backend, as they were given. */
  backend: readonly string[];
}

const DEFAULT_WIDTH = 110;
const MIN_WIDTH = 60;
const MAX_WIDTH = 140;

export const styleFor = (output: Output): Style => {
  const coloured = output.hasColors?.() ?? false;
  const columns = (output.isTTY && output.columns) || DEFAULT_WIDTH;
  const width = Math.min(MAX_WIDTH, Math.max(MIN_WIDTH, columns));
  return {
    paint: (format, text) => (coloured ? styleText([format].flat(), text, { validateStream: false }) : text),
    width,
    lineWidth: output.isTTY && output.columns ? Math.max(width, columns) : Number.POSITIVE_INFINITY,
    detail: output.detail ?? 'normal',
    backend: output.backend ?? [],
  };
};

export const PLAIN: Style = {
  paint: (_format, text) => text,
  width: DEFAULT_WIDTH,
  lineWidth: Number.POSITIVE_INFINITY,
  detail: 'normal',
  backend: [],
};

/** Returns the columns that a text takes in a terminal; every printed character takes one column. */
export const visibleWidth = (text: string): number => stripVTControlCharacters(text).length;

/** Wraps plain text at blanks; a word longer than the line (an ARN, a URL) stays whole, so that it can be copied. */
export const wrap = (text: string, width: number): string[] =>
  text.split('\n').flatMap((paragraph) => {
    const lines: string[] = [];
    let line = '';
    for (const word of paragraph.split(' ')) {
      if (line && line.length + 1 + word.length > width) {
        lines.push(line);
        line = word;
      } else line = line ? `${line} ${word}` : word;
    }
    return [...lines, line];
  });

/** Wraps text with a lead before its first line, and indents the other lines. */
export const hanging = (lead: string, text: string, style: Style, format?: Format): string[] => {
  const indent = ' '.repeat(visibleWidth(lead));
  return wrap(text, style.width - indent.length).map((line, index) => {
    const painted = format ? style.paint(format, line) : line;
    return `${index === 0 ? lead : indent}${painted}`;
  });
};

/** Does the same as `hanging` on a terminal; without one, the text stays one line for other programs. */
export const oneLine = (lead: string, text: string, style: Style, format?: Format): string[] =>
  hanging(lead, text, { ...style, width: style.lineWidth }, format);
